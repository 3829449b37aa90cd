"""Recognizer and refiner as ONNX files, as `models.lpr` loads them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import nn

from models.lpr.alphabet import ALPHABET, CLASSES
from models.lpr.rectify import STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from models.lpr.refiner import WINDOW_PX
from models.train.recognizer import trained_recognizer
from models.train.refiner import trained_refiner

_OPSET: Final = 17


def export_recognizer(checkpoint: Path, target: Path) -> int:
    """Writes the averaged net of `checkpoint`, its alphabet in the metadata; its steps.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    net, steps = trained_recognizer(checkpoint)
    size = (STRIP_HEIGHT_PX, STRIP_WIDTH_PX)
    _export(net, size, "strips", ["log_probs", "class_logits"], target)
    model = onnx.load(target)
    onnx.helper.set_model_props(model, {"alphabet": ALPHABET, "classes": " ".join(CLASSES)})
    onnx.save(model, target)
    return steps


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
    sample = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this way of exporting is the older one
        torch.onnx.export(
            net,
            (sample,),
            str(target),
            input_names=[taken],
            output_names=given,
            dynamic_axes={name: {0: "count"} for name in (taken, *given)},
            opset_version=_OPSET,
            dynamo=False,
        )
