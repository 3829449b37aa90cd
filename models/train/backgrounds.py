"""What stands behind and around a plate: patches of real photographs, or drawn ones without any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.synth.wear import cloud_patch
from models.train.split import RealPicture, Role

_PATCH_WIDTH_PX: Final = 288
_PATCH_HEIGHT_PX: Final = 128
_PATCHES_PER_PICTURE: Final = 4


class Backgrounds:
    """Patches to lay plates over; drawn from a generator that the caller owns."""

    def __init__(self, pictures: Sequence[RealPicture], rng: np.random.Generator) -> None:
        """Reads the teaching photographs among `pictures`; their plates are left out of patches."""
        self._patches: list[BgrImage] = []
        for picture in pictures:
            if picture.role is Role.TRAIN and picture.whole_frame and picture.corners is not None:
                self._patches += _patches(picture, rng)

    def patch(self, rng: np.random.Generator, width_px: int, height_px: int) -> BgrImage:
        """A background of that size; one in four drawn, all of them where no pictures are."""
        if not self._patches or rng.random() < 0.25:
            return _drawn(rng, width_px, height_px)
        patch = self._patches[int(rng.integers(len(self._patches)))]
        share = float(rng.uniform(0.3, 1.0))
        wide, high = int(_PATCH_WIDTH_PX * share), int(_PATCH_HEIGHT_PX * share)
        left = int(rng.integers(_PATCH_WIDTH_PX - wide + 1))
        top = int(rng.integers(_PATCH_HEIGHT_PX - high + 1))
        part = patch[top : top + high, left : left + wide]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        return np.asarray(cv2.resize(part, (width_px, height_px)), np.uint8)


def _patches(picture: RealPicture, rng: np.random.Generator) -> list[BgrImage]:
    """Patches that do not touch the plate, half of them near to it."""
    image = cv2.imdecode(np.fromfile(picture.path, np.uint8), cv2.IMREAD_COLOR)
    if image is None or picture.corners is None:
        return []
    quad = np.array(picture.corners)
    low, high = quad.min(axis=0) - 4, quad.max(axis=0) + 4
    tall, wide = image.shape[:2]
    found: list[BgrImage] = []
    for _ in range(_PATCHES_PER_PICTURE * 6):
        width = int(rng.integers(120, max(121, min(480, wide))))
        height = width * _PATCH_HEIGHT_PX // _PATCH_WIDTH_PX
        if wide <= width or tall <= height:
            continue
        left, top = int(rng.integers(wide - width)), int(rng.integers(tall - height))
        apart = left > high[0] or left + width < low[0] or top > high[1] or top + height < low[1]
        if apart:
            patch = image[top : top + height, left : left + width]
            found.append(_fitted(np.asarray(patch, np.uint8)))
        if len(found) >= _PATCHES_PER_PICTURE:
            break
    return found


def _fitted(patch: BgrImage) -> BgrImage:
    size = (_PATCH_WIDTH_PX, _PATCH_HEIGHT_PX)
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)


def _drawn(rng: np.random.Generator, width_px: int, height_px: int) -> BgrImage:
    """Paint with a smooth change of tone, and a few edges as bumpers and grilles have."""
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    if rng.random() < 0.6:  # most cars are gray, black or white
        first[:], second[:] = first.mean(), second.mean()
    share = cloud_patch(rng, width_px, height_px)[:, :, None]
    image = np.asarray(first * share + second * (1 - share), np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        tone = int(rng.integers(256))
        start = (int(rng.integers(width_px)), int(rng.integers(height_px)))
        end = (int(rng.integers(width_px)), int(rng.integers(height_px)))
        if rng.random() < 0.5:
            thick = int(rng.integers(1, max(2, height_px // 6)))
            cv2.line(image, start, end, (tone, tone, tone), thick)
        else:
            cv2.rectangle(image, start, end, (tone, tone, tone), -1)
    return image
