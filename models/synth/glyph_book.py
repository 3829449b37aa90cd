"""One way to ask for a character, three hands that draw it.

`STAMPED` takes pictures of real GA36 characters from a folder, where one is given; `OUTLINE` draws
letters and digits from our own strokes; `FONT` takes all from the fonts of OpenCV. What a hand
lacks, the next one draws, so every book can draw every plate.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.lpr.plates import DIGITS, LETTERS
from models.synth.glyphs import Mask, glyph_mask
from models.synth.outlines import outline_mask


class GlyphStyle(StrEnum):
    """The cell that a character is made for; its shapes differ slightly."""

    ONE_ROW = "one_row"
    UPPER = "upper"
    LOWER = "lower"
    GREEN = "green"
    FREE = "free"
    """Plates that GA36 does not govern."""


class Hand(StrEnum):
    """Who draws."""

    STAMPED = "stamped"
    OUTLINE = "outline"
    OUTLINE_BOLD = "outline_bold"
    OUTLINE_FOOTED = "outline_footed"
    FONT = "font"


_STROKE_MM: Final = {Hand.OUTLINE: 11.0, Hand.OUTLINE_BOLD: 13.5, Hand.OUTLINE_FOOTED: 11.5}
_NARROW: Final = frozenset("1I")


class GlyphBook:
    """Masks of characters at any size, kept once drawn; one thread owns it."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds `font_model__<cell>_<character>.jpg`, black on white; None for none."""
        self._folder = folder
        self._sources: dict[tuple[str, GlyphStyle, Hand], Mask] = {}
        self._masks: dict[tuple[str, GlyphStyle, Hand, int, int], Mask] = {}

    @property
    def hands(self) -> tuple[Hand, ...]:
        """The hands that draw differently here."""
        drawn = tuple(hand for hand in Hand if hand is not Hand.STAMPED)
        return drawn if self._folder is None else (Hand.STAMPED, *drawn)

    def mask(
        self, character: str, style: GlyphStyle, hand: Hand, width_px: int, height_px: int
    ) -> Mask:
        """Ink (255) of one character filling a cell; shared, never to be written to.

        Raises:
            GlyphError: no hand has this character.
        """
        key = (character, style, hand, width_px, height_px)
        if key not in self._masks:
            source = self._source(character, style, hand)
            scaled = cv2.resize(source, (width_px, height_px), interpolation=cv2.INTER_AREA)
            self._masks[key] = np.asarray(scaled, np.uint8)
        return self._masks[key]

    def _source(self, character: str, style: GlyphStyle, hand: Hand) -> Mask:
        key = (character, style, hand)
        if key not in self._sources:
            self._sources[key] = self._drawn(character, style, hand)
        return self._sources[key]

    def _drawn(self, character: str, style: GlyphStyle, hand: Hand) -> Mask:
        mask: Mask | None = None
        if hand is Hand.STAMPED:
            mask = self._stamped(character, style)
        if mask is None and hand is not Hand.FONT:
            footed = hand is Hand.OUTLINE_FOOTED or style is GlyphStyle.GREEN
            stroke_mm = _STROKE_MM.get(hand, 11.0)
            mask = outline_mask(character, stroke_mm=stroke_mm, footed_one=footed)
        return glyph_mask(character, 90, 180) if mask is None else mask

    def _stamped(self, character: str, style: GlyphStyle) -> Mask | None:
        if self._folder is None:
            return None
        for name in _file_names(character, style):
            path = self._folder / f"font_model__{name}.jpg"
            if path.is_file():
                page = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
                if page is not None:
                    return _cut(np.asarray(255 - page, np.uint8), narrow=character in _NARROW)
        return None


def _file_names(character: str, style: GlyphStyle) -> tuple[str, ...]:
    plain = f"140_{character}"
    match style:
        case GlyphStyle.GREEN:
            return f"green_{character}", plain
        case GlyphStyle.UPPER:
            return f"220_up_{character}", f"220_{character}", plain
        case GlyphStyle.LOWER if character in LETTERS + DIGITS:
            return f"220_down_{character}", f"220_{character}", plain
        case GlyphStyle.LOWER:
            return (plain, f"220_{character}")
        case _:
            return (plain,)


def _cut(ink: Mask, *, narrow: bool) -> Mask:
    """The picture without its white rim; the 1 keeps its width, which places it in the cell."""
    strong = np.asarray(ink > 127, np.uint8)
    left, top, width, height = cv2.boundingRect(strong)
    if width == 0 or height == 0:
        return ink
    if narrow:
        left, width = 0, ink.shape[1]
    return np.ascontiguousarray(ink[top : top + height, left : left + width])
