"""Glyph masks for drawn plates, from the fonts that the OpenCV wheel itself carries.

OpenCV 5 embeds WenQuanYi Micro Hei ("uni", Apache-2.0) and Rubik ("sans", OFL), so a machine
without any font can still draw Chinese. Each glyph is drawn large, cut to its ink and stretched
to the cell that GA36 gives it, which yields the tall condensed look of a stamped plate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

_DRAWN_PX: Final = 220  # ink is cut out of a glyph of this size, then scaled down
_NARROW: Final = {"1": 0.46, "I": 0.3, "-": 0.6}  # share of the cell that the ink fills
_LATIN_WEIGHT: Final = 520  # FontFace's scale: 400 is regular, 700 is bold


class GlyphError(ValueError):
    """The fonts at hand cannot draw a character."""


@lru_cache(maxsize=1024)
def glyph_mask(character: str, width_px: int, height_px: int) -> Mask:
    """Ink (255) of one character stretched to fill a cell of `width_px` x `height_px`.

    The array is shared between callers: never write to it.

    Raises:
        GlyphError: the fonts have no such character, or this OpenCV carries no fonts.
    """
    ink = _ink(character)
    fill_px = max(1, round(width_px * _NARROW.get(character, 1.0)))
    scaled: Mask
    if character == "-":
        scaled = np.full((max(1, height_px // 9), fill_px), 255, np.uint8)
    else:
        scaled = _shrunk(ink, fill_px, height_px)
    cell = np.zeros((height_px, width_px), np.uint8)
    left, top = (width_px - fill_px) // 2, (height_px - scaled.shape[0]) // 2
    cell[top : top + scaled.shape[0], left : left + fill_px] = scaled
    cell.setflags(write=False)
    return cell


def _shrunk(ink: Mask, width_px: int, height_px: int) -> Mask:
    scaled = cv2.resize(ink, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.uint8)


@lru_cache(maxsize=256)
def _ink(character: str) -> Mask:
    if character == "1":
        return _one()
    if character == "0":
        return _ink("O")  # the font's zero is slashed, a plate's is not
    if character == "Q":
        return _tailed(_ink("O"))
    if not hasattr(cv2, "FontFace"):
        raise GlyphError(f"glyph {character!r}: OpenCV {cv2.__version__} carries no fonts, 5 does")
    latin = character.isascii()
    face = cv2.FontFace("sans" if latin else "uni")
    canvas = np.zeros((_DRAWN_PX * 2, _DRAWN_PX * 2, 3), np.uint8)
    origin = (_DRAWN_PX // 2, _DRAWN_PX * 3 // 2)
    weight = _LATIN_WEIGHT if latin else 700
    cv2.putText(canvas, character, origin, (255, 255, 255), face, _DRAWN_PX, weight)
    mask = np.ascontiguousarray(canvas[:, :, 0])
    if character == "J":  # a plate's J has no bar above its stem, which makes it a 3
        left, top, width, height = cv2.boundingRect(mask)
        mask[top : top + height // 3, left : left + width * 60 // 100] = 0
    if not latin:  # the font is lighter than a plate's characters
        mask = np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)), np.uint8)
    box = cv2.boundingRect(mask)
    if box[2] == 0 or box[3] == 0:
        raise GlyphError(f"glyph {character!r}: the font draws nothing")
    left, top, width, height = box
    return np.ascontiguousarray(mask[top : top + height, left : left + width])


def _tailed(ring: Mask) -> Mask:
    """The letter Q as plates stamp it: a ring with a bold tail that crosses it."""
    height, width = ring.shape
    mask = np.zeros_like(ring)
    high, wide = height * 94 // 100, width * 92 // 100
    mask[:high, :wide] = _shrunk(ring, wide, high)
    start, end = (width * 48 // 100, height * 62 // 100), (width * 91 // 100, height * 96 // 100)
    cv2.line(mask, start, end, (255,), width // 6)
    return mask


def _one() -> Mask:
    """The digit 1 as plates stamp it: a bar with a flag and no foot."""
    mask = np.zeros((_DRAWN_PX, _DRAWN_PX // 4), np.uint8)
    height, width = mask.shape
    bar = width // 2
    mask[:, bar:] = 255
    flag = np.array([[bar, 0], [bar, height // 6], [0, height // 4], [0, height // 7]])
    cv2.fillPoly(mask, [flag], (255,))
    return mask
