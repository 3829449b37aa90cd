"""What years and roads do to a plate before a camera sees it: bolts, dirt, scratches, shadow, sun.

All of it changes the frontal picture of the plate in place.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage

_FIELDS: Final = 6
_FIELD_PX: Final = 512

Field = npt.NDArray[np.float32]


def wear(rng: np.random.Generator, image: BgrImage) -> None:
    """Bolts nearly always, the rest now and then."""
    if rng.random() < 0.75:
        _bolts(rng, image)
    if rng.random() < 0.3:
        _dirt(rng, image)
    if rng.random() < 0.12:
        _scratches(rng, image)
    if rng.random() < 0.06:
        _splashes(rng, image)
    if rng.random() < 0.22:
        _shadow(rng, image)
    if rng.random() < 0.12:
        _glare(rng, image)


@lru_cache(maxsize=_FIELDS * 4)
def cloud(number: int, cell_px: int) -> Field:
    """A smooth random field, 512 x 512, 0..1, whose blots are about `cell_px` wide."""
    rng = np.random.default_rng(7_000 + number)
    few = max(2, _FIELD_PX // cell_px)
    coarse = rng.random((few, few), np.float32)
    fine = rng.random((few * 3, few * 3), np.float32)
    field = cv2.resize(coarse, (_FIELD_PX, _FIELD_PX), interpolation=cv2.INTER_CUBIC) * 0.7
    field = field + cv2.resize(fine, (_FIELD_PX, _FIELD_PX), interpolation=cv2.INTER_LINEAR) * 0.3
    return np.asarray(np.clip(field, 0, 1), np.float32)


def cloud_patch(rng: np.random.Generator, width_px: int, height_px: int) -> Field:
    """A part of a random field, stretched to the size asked for."""
    field = cloud(int(rng.integers(_FIELDS)), int(rng.choice((16, 40, 110))))
    size = int(rng.integers(120, 400))
    left, top = int(rng.integers(_FIELD_PX - size)), int(rng.integers(_FIELD_PX - size))
    part = field[top : top + size, left : left + size]
    return np.asarray(cv2.resize(part, (width_px, height_px)), np.float32)


def _bolts(rng: np.random.Generator, image: BgrImage) -> None:
    height, width = image.shape[:2]
    tone = int(rng.integers(20, 250))
    shade = (
        tone,
        min(255, tone + int(rng.integers(0, 30))),
        min(255, tone + int(rng.integers(30))),
    )
    radius = max(1, round(height * float(rng.uniform(0.025, 0.055))))
    rows = (0.08, 0.92) if rng.random() < 0.5 else ((0.08,) if rng.random() < 0.8 else (0.92,))
    side = float(rng.uniform(0.2, 0.3))
    for x_share in (side, 1 - side):
        for y_share in rows:
            center = (round(width * x_share), round(height * y_share))
            cv2.circle(image, center, radius, shade, -1, cv2.LINE_AA)
            if rng.random() < 0.5:
                cv2.circle(image, center, radius, (tone // 2,) * 3, 1, cv2.LINE_AA)


def _dirt(rng: np.random.Generator, image: BgrImage) -> None:
    """A veil of one tone, thicker in blots."""
    height, width = image.shape[:2]
    veil = cloud_patch(rng, width, height)
    floor = float(rng.uniform(0.3, 0.7))
    share = np.clip((veil - floor) * float(rng.uniform(0.8, 2.5)), 0, float(rng.uniform(0.2, 0.65)))
    tone = rng.uniform((40, 55, 65), (150, 170, 185)).astype(np.float32)
    lit = image.astype(np.float32)
    image[:] = lit + (tone - lit) * share[:, :, None]


def _scratches(rng: np.random.Generator, image: BgrImage) -> None:
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        start = (int(rng.integers(width)), int(rng.integers(height)))
        end = (start[0] + int(rng.integers(-60, 61)), start[1] + int(rng.integers(-20, 21)))
        tone = int(rng.integers(60, 220))
        cv2.line(image, start, end, (tone, tone, tone), 1, cv2.LINE_AA)


def _splashes(rng: np.random.Generator, image: BgrImage) -> None:
    height, width = image.shape[:2]
    tone = rng.integers(40, 130)
    color = (int(tone), int(tone) + 12, int(tone) + 22)
    for _ in range(int(rng.integers(2, 14))):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(1, int(height * float(rng.uniform(0.01, 0.06))))
        cv2.circle(image, center, radius, color, -1, cv2.LINE_AA)


def _shadow(rng: np.random.Generator, image: BgrImage) -> None:
    """Part of the plate lies in shade behind a straight edge."""
    height, width = image.shape[:2]
    depth = float(rng.uniform(0.3, 0.85))
    mask = np.full((height, width), 255, np.uint8)
    if rng.random() < 0.5:  # from above: a bumper
        left, right = (int(height * v) for v in rng.uniform(0.1, 0.9, 2))
        corners = np.array([[0, 0], [width, 0], [width, right], [0, left]])
    else:
        upper, lower = (int(width * v) for v in rng.uniform(0.1, 0.9, 2))
        corners = np.array([[0, 0], [upper, 0], [lower, height], [0, height]])
    cv2.fillPoly(mask, [corners], (round(255 * depth),))
    if rng.random() < 0.5:
        soft = 2 * int(rng.integers(1, 8)) + 1
        mask = np.asarray(cv2.blur(mask, (soft, soft)), np.uint8)
    cv2.multiply(image, cv2.merge([mask, mask, mask]), image, 1 / 255)


def _glare(rng: np.random.Generator, image: BgrImage) -> None:
    """A bright blot, as of a lamp or of the sun in the lacquer."""
    height, width = image.shape[:2]
    center = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(width * rng.uniform(0.05, 0.35)), int(height * rng.uniform(0.2, 0.9)))
    spot = np.zeros((height, width), np.uint8)
    light = (int(rng.integers(50, 190)),)
    cv2.ellipse(spot, center, axes, float(rng.uniform(0, 180)), 0, 360, light, -1)
    spot = np.asarray(cv2.blur(spot, (width // 8 * 2 + 1, height // 4 * 2 + 1)), np.uint8)
    cv2.add(image, cv2.merge([spot, spot, spot]), image)
