"""From a detector's probability map to tilted boxes, and from boxes to straight pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.lpr.plates import Corners

Quad = npt.NDArray[np.float32]
"""Four corners, pixels, in the order top left, top right, bottom right, bottom left."""

_BINARY: Final = 0.3
_SCORE_MIN: Final = 0.45
_UNCLIP: Final = 1.6
_SHORT_SIDE_MIN_PX: Final = 3.0


@dataclass(frozen=True, slots=True)
class TextBox:
    """One line of text: where it is, and the detector's mean probability inside (0..1)."""

    quad: Quad
    score: float

    @property
    def width_px(self) -> float:
        """Length of the upper edge."""
        return float(np.linalg.norm(self.quad[1] - self.quad[0]))

    @property
    def height_px(self) -> float:
        """Length of the left edge."""
        return float(np.linalg.norm(self.quad[3] - self.quad[0]))


def text_boxes(probability: npt.NDArray[np.float32], scale: tuple[float, float]) -> list[TextBox]:
    """Boxes of the regions where the map is high, in pixels of the original picture.

    Args:
        probability: height x width, 0..1.
        scale: original pixels per map pixel, across and down.
    """
    binary = (probability > _BINARY).astype(np.uint8)
    binary = np.asarray(cv2.dilate(binary, np.ones((2, 2), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours:
        center, size, angle = cv2.minAreaRect(contour)
        if min(size) < _SHORT_SIDE_MIN_PX:
            continue
        score = _mean_inside(probability, np.asarray(contour, np.int32))
        if score < _SCORE_MIN:
            continue
        grow = size[0] * size[1] * _UNCLIP / (2 * (size[0] + size[1])) * 2
        grown = (size[0] + grow, size[1] + grow)
        quad = ordered(cv2.boxPoints((center, grown, angle)).astype(np.float32))
        boxes.append(TextBox(quad * np.array(scale, np.float32), score))
    return boxes


def _mean_inside(probability: npt.NDArray[np.float32], contour: npt.NDArray[np.int32]) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [contour - np.array([left, top], np.int32)], (1,))
    return float(cv2.mean(probability[top : top + height, left : left + width], mask)[0])


def ordered(points: Quad) -> Quad:
    """The corners of a box from its top left on, clockwise; a box is read along its long side."""
    by_x = points[np.argsort(points[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def joined(boxes: list[TextBox]) -> TextBox:
    """The smallest tilted box around several."""
    points = np.concatenate([box.quad for box in boxes])
    rect = cv2.minAreaRect(points)
    quad = ordered(cv2.boxPoints(rect).astype(np.float32))
    return TextBox(quad, min(box.score for box in boxes))


def widened(quad: Quad, across: float, down: float) -> Quad:
    """The quad grown by shares of its height on each side (negative shrinks)."""
    right = quad[1] - quad[0]
    below = quad[3] - quad[0]
    height = float(np.linalg.norm(below)) or 1.0
    along = right / (float(np.linalg.norm(right)) or 1.0) * height * across
    under = below / height * height * down
    return np.array(
        [
            quad[0] - along - under,
            quad[1] + along - under,
            quad[2] + along + under,
            quad[3] - along + under,
        ],
        np.float32,
    )


def straightened(image: BgrImage, quad: Quad, width_px: int, height_px: int) -> BgrImage:
    """The region inside `quad` as an upright picture; outside the picture its edge repeats."""
    target = np.array([[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    picture = cv2.warpPerspective(
        image, matrix, (width_px, height_px), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(picture, np.uint8)


def as_corners(quad: Quad) -> Corners:
    """The quad as plain numbers."""
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    return a, b, c, d
