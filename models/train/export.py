"""Recognizer and refiner as ONNX files, as `models.lpr` loads them.

The recognizer may be rounded to 8 bits, fitted to drawn plates alone, from a fixed seed, so that
anyone gets the same file from the same checkpoint.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from torch import nn

from models.lpr.alphabet import ALPHABET, CLASSES
from models.lpr.rectify import STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from models.lpr.refiner import WINDOW_PX
from models.train.onnx_file import write_onnx
from models.train.recognizer import trained_recognizer
from models.train.refiner import trained_refiner
from models.train.rounding import Input, round_network
from models.train.strips import StripSource

_SEED: Final = 20
_EXAMPLES: Final = 32
_TOGETHER: Final = 8


def export_recognizer(checkpoint: Path, target: Path, *, rounds: bool = False) -> int:
    """Writes the averaged net of `checkpoint`, its alphabet in the metadata; its steps.

    Args:
        checkpoint: of `train_recognizer`.
        target: the ONNX file.
        rounds: whether it is written in 8 bits; its first and its last convolution are not.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    net, steps = trained_recognizer(checkpoint)
    size = (STRIP_HEIGHT_PX, STRIP_WIDTH_PX)
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx" if rounds else target
        _export(net, size, "strips", ["log_probs", "class_logits"], exact)
        if rounds:
            target.parent.mkdir(parents=True, exist_ok=True)
            operations = ("Conv", "Add", "MaxPool")
            round_network(exact, target, _strips(), rounded=operations, first_is_exact=True)
    model = onnx.load(target)
    onnx.helper.set_model_props(model, {"alphabet": ALPHABET, "classes": " ".join(CLASSES)})
    onnx.save(model, target)
    return steps


def _strips() -> Iterator[Input]:
    source = StripSource(_SEED, None, None)
    for _ in range(_EXAMPLES):
        yield np.stack([source.strip().image for _ in range(_TOGETHER)])


def export_refiner(checkpoint: Path, target: Path) -> int:
    """Writes the averaged net of `checkpoint`; its steps.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    net, steps = trained_refiner(checkpoint)
    size = (WINDOW_PX[1], WINDOW_PX[0])
    _export(net, size, "windows", ["corners", "rows", "plateness"], target)
    return steps


def _export(
    net: nn.Module, size: tuple[int, int], taken: str, given: list[str], target: Path
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = {name: {0: "count"} for name in (taken, *given)}
    write_onnx(net, target, size=size, taken=taken, given=given, axes=free)
