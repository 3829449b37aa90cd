"""A network written as an ONNX file, in full precision."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import nn

_OPSET: Final = 17


def write_onnx(
    net: nn.Module,
    target: Path,
    *,
    size: tuple[int, int],
    taken: str,
    given: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    """Write a net that takes N x height x width x 3 bytes; `size` is the height and width traced.

    `taken` and `given` name its input and its outputs, `axes` those whose length may be another.

    Raises:
        OSError: the target cannot be written.
    """
    sample = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this way of exporting is the older one
        torch.onnx.export(
            net,
            (sample,),
            str(target),
            input_names=[taken],
            output_names=list(given),
            dynamic_axes={name: dict(free) for name, free in axes.items()},
            opset_version=_OPSET,
            dynamo=False,
        )
