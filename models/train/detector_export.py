"""The trained detector as an ONNX file: 8-bit weights and sums, which cost it no plate.

Rounding is fitted to drawn streets alone, from a fixed seed, so that anyone gets the same file
from the same checkpoint. The last convolution stays in full precision: corners need it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.train.course import load_taught
from models.train.detector import StreetLessons
from models.train.detector_net import DetectorNet, ExportedDetector
from models.train.detector_samples import take_sample
from models.train.onnx_file import write_onnx
from models.train.rounding import round_network

_SIZE: Final = (320, 576)
_STREETS: Final = 64
_SEED: Final = 20
_AXES: Final = {
    "image": {1: "height", 2: "width"},
    "heat": {2: "cells_down", 3: "cells_across"},
    "corners": {2: "cells_down", 3: "cells_across"},
    "rows": {2: "cells_down", 3: "cells_across"},
}


def export_detector(checkpoint: Path, target: Path, *, streets: int = _STREETS) -> int:
    """Writes the averaged network of `checkpoint` to `target` in 8 bits; the steps it was taught.

    Args:
        checkpoint: of `train_detector`.
        target: the ONNX file.
        streets: how many drawn pictures rounding is fitted to.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        steps = export_exact(checkpoint, exact)
        round_network(exact, target, _streets(streets), rounded=("Conv", "Add", "Resize"))
    return steps


def export_exact(checkpoint: Path, target: Path) -> int:
    """The same in full precision, to measure what rounding costs.

    Raises:
        OSError: the checkpoint cannot be read, or the target not written.
    """
    net, steps = load_taught(DetectorNet(), checkpoint)
    exported = ExportedDetector(net).eval()
    given = ("heat", "corners", "rows")
    write_onnx(exported, target, size=_SIZE, taken="image", given=given, axes=_AXES)
    return steps


def _streets(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(_SEED)
    street = StreetLessons(rng, None, None, plates=60)
    for _ in range(count):
        yield take_sample(rng, street.scene(), _SIZE, None).image[None]
