"""The trained detector as an ONNX file."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from models.train.course import load_taught
from models.train.detector_net import DetectorNet, ExportedDetector

_AXES = {
    "image": {1: "height", 2: "width"},
    "heat": {2: "rows", 3: "columns"},
    "corners": {2: "rows", 3: "columns"},
    "rows": {2: "rows", 3: "columns"},
}


def export_detector(checkpoint: Path, target: Path) -> int:
    """Writes the averaged network of `checkpoint` to `target`; the steps it was taught.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    net, steps = load_taught(DetectorNet(), checkpoint)
    exported = ExportedDetector(net).eval()
    sample = torch.zeros(1, 320, 576, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this way of exporting is the older one
        torch.onnx.export(
            exported,
            (sample,),
            str(target),
            input_names=["image"],
            output_names=["heat", "corners", "rows"],
            dynamic_axes=_AXES,
            dynamo=False,
        )
    return steps
