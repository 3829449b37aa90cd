"""A closer look at one plate: where exactly its corners are, and whether it has one row or two.

The network (`weights/refiner.onnx`) sees a window of 48 x 128 around a plate that was found
roughly, or a crop that a plate fills. What it answers takes away the tilt that would cost the
recognizer its characters. Training cuts its windows with `window_around` and `look` of this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from models.lpr.api import BgrImage
from models.lpr.boxes import Quad
from models.lpr.rectify import warp

WINDOW_PX: Final = (128, 48)
"""Width and height of the window."""
MARGIN: Final = 0.2
"""What is seen beside a found plate, on each side, as a share of its width and its height."""

_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)
_UNIT: Final = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedPlate:
    """`corners`: 4 x 2 pixels of the picture; `two_rows`, `plateness`: probabilities 0..1."""

    corners: Quad
    two_rows: float
    plateness: float


def window_around(corners: Quad, margin: float = MARGIN) -> Quad:
    """The quad grown about its middle by `margin` of its own width and height on each side."""
    to_picture = cv2.getPerspectiveTransform(_UNIT, np.asarray(corners, np.float32))
    grown = _UNIT * (1 + 2 * margin) - margin
    return _moved(grown, to_picture)


def look(image: BgrImage, window: Quad) -> BgrImage:
    """The part of the picture in `window`, upright, 48 x 128."""
    return warp(image, np.asarray(window, np.float32), _WHOLE, WINDOW_PX)


class Refiner:
    """Owns the network. One thread uses it."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def refine(self, image: BgrImage, windows: Sequence[Quad]) -> list[RefinedPlate]:
        """The plate in each window of `image`; one answer per window, in their order."""
        if not windows:
            return []
        looks = np.stack([look(image, window) for window in windows])
        corners, rows, plateness = self._session.run(None, {self._input: looks})
        return [
            RefinedPlate(
                corners=_in_picture(corners[n].reshape(4, 2), window),
                two_rows=_likelihood(float(rows[n][1]) - float(rows[n][0])),
                plateness=_likelihood(float(np.ravel(plateness[n])[-1])),
            )
            for n, window in enumerate(windows)
        ]


def _in_picture(corners: npt.NDArray[np.float32], window: Quad) -> Quad:
    to_picture = cv2.getPerspectiveTransform(_UNIT, np.asarray(window, np.float32))
    return _moved(np.asarray(corners, np.float32), to_picture)


def _moved(points: npt.NDArray[np.float32], matrix: cv2.typing.MatLike) -> Quad:
    moved = cv2.perspectiveTransform(points.reshape(1, 4, 2), matrix)
    return np.asarray(moved, np.float32).reshape(4, 2)


def _likelihood(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))
