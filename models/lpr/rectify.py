"""Cuts a plate out of a picture, upright, as the recognizer was taught to see it.

Every plate becomes one strip of 48 x 168. The two rows of a two-row plate are laid side by side:
the upper one, narrower, on the left third. Training and reading share this file, so that the
recognizer never meets a plate cut in another way.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.lpr.plates import Corners

STRIP_HEIGHT_PX: Final = 48
STRIP_WIDTH_PX: Final = 168
UPPER_WIDTH_PX: Final = 56
"""The width that the upper row of a two-row plate takes of the strip."""

# Left, top, right, bottom as shares of the plate. Mainland upper rows reach from 0.07 to 0.34 of
# the height and stand in the middle half, those of Hong Kong and Macau reach to 0.48.
_UPPER_SHARE: Final = (0.15, 0.0, 0.85, 0.5)
_LOWER_SHARE: Final = (0.0, 0.35, 1.0, 1.0)
_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)
_UNIT: Final = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
_COARSE: Final = 1.6  # source pixels per strip pixel above which plain sampling would alias

Matrix = npt.NDArray[np.float64]


def rectify(image: BgrImage, corners: Corners, rows: int) -> BgrImage:
    """The strip (48 x 168 x 3) of the plate at `corners`.

    Args:
        image: the whole picture.
        corners: top left, top right, bottom right, bottom left, in pixels of `image`; they may
            lie outside of it, the edge is then repeated.
        rows: 1 or 2.
    """
    quad = np.asarray(corners, np.float32)
    if rows > 1:
        upper = warp(image, quad, _UPPER_SHARE, (UPPER_WIDTH_PX, STRIP_HEIGHT_PX))
        lower_px = STRIP_WIDTH_PX - UPPER_WIDTH_PX
        lower = warp(image, quad, _LOWER_SHARE, (lower_px, STRIP_HEIGHT_PX))
        return np.hstack([upper, lower])
    return warp(image, quad, _WHOLE, (STRIP_WIDTH_PX, STRIP_HEIGHT_PX))


def warp(
    image: BgrImage,
    quad: npt.NDArray[np.float32],
    share: tuple[float, float, float, float],
    size_px: tuple[int, int],
) -> BgrImage:
    """The part `share` (left, top, right, bottom; 0..1 of the plate) of `quad`, width x height."""
    width_px, height_px = size_px
    source, origin, scale = _near(image, quad, share, size_px)
    to_picture = cv2.getPerspectiveTransform(_UNIT, ((quad - origin) * scale).astype(np.float32))
    left, top, right, bottom = share
    to_plate = np.array(
        [
            [(right - left) / width_px, 0, left + 0.5 * (right - left) / width_px],
            [0, (bottom - top) / height_px, top + 0.5 * (bottom - top) / height_px],
            [0, 0, 1],
        ]
    )
    center: Matrix = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    strip = cv2.warpPerspective(
        source,
        center @ to_picture @ to_plate,
        size_px,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(strip, np.uint8)


def _near(
    image: BgrImage,
    quad: npt.NDArray[np.float32],
    share: tuple[float, float, float, float],
    size_px: tuple[int, int],
) -> tuple[BgrImage, npt.NDArray[np.float32], float]:
    """The picture around the plate, shrunk where it is much finer than the strip; origin, scale."""
    height_px = max(
        float(np.linalg.norm(quad[3] - quad[0])), float(np.linalg.norm(quad[2] - quad[1]))
    )
    ratio = height_px * (share[3] - share[1]) / size_px[1]
    origin = np.zeros(2, np.float32)
    if ratio <= _COARSE:
        return image, origin, 1.0
    high, wide = image.shape[:2]
    left, top = np.clip(np.floor(quad.min(axis=0)) - 2, 0, [wide - 1, high - 1]).astype(int)
    right, bottom = np.clip(np.ceil(quad.max(axis=0)) + 3, [left + 1, top + 1], [wide, high])
    near = image[top : int(bottom), left : int(right)]
    scale = 1.0 / ratio
    size = (max(1, round(near.shape[1] * scale)), max(1, round(near.shape[0] * scale)))
    small = cv2.resize(near, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.array([left, top], np.float32), scale
