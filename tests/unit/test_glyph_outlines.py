"""Characters can be drawn from the repository alone, and every hand draws them apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.lpr.plates import DIGITS, LETTERS, PROVINCES, SUFFIXES
from models.synth.glyph_book import GlyphBook, GlyphStyle, Hand
from models.synth.outlines import CELL_HEIGHT_MM, CELL_WIDTH_MM, outline_mask


def _drawn(character: str, stroke_mm: float = 11.0) -> np.ndarray:
    mask = outline_mask(character, stroke_mm=stroke_mm)
    assert mask is not None
    return mask


@pytest.mark.parametrize("character", LETTERS + DIGITS + "IO")
def test_every_letter_and_digit_has_an_outline_that_fills_its_cell(character: str) -> None:
    mask = _drawn(character)
    left, top, width, height = cv2.boundingRect(mask)
    assert mask.shape[1] / mask.shape[0] == CELL_WIDTH_MM / CELL_HEIGHT_MM
    assert top <= 4
    assert top + height >= mask.shape[0] - 4
    if character not in "1I":
        assert left <= 16
        assert left + width >= mask.shape[1] - 16


def test_no_two_outlines_are_nearly_alike() -> None:
    masks = {c: _drawn(c).astype(np.float32) / 255 for c in LETTERS + DIGITS}
    for first, one in masks.items():
        for second, other in masks.items():
            if first < second:
                apart = float(np.abs(one - other).sum() / np.maximum(one, other).sum())
                assert apart > 0.06, f"{first} and {second}"


def test_a_bolder_stroke_gives_more_ink() -> None:
    assert _drawn("8", 13.5).mean() > _drawn("8", 10.0).mean() * 1.1


def test_a_chinese_character_has_no_outline_but_every_hand_draws_it() -> None:
    assert outline_mask("粤") is None
    book = GlyphBook()
    for hand in book.hands:
        for character in PROVINCES + SUFFIXES:
            mask = book.mask(character, GlyphStyle.ONE_ROW, hand, 20, 40)
            assert mask.shape == (40, 20)
            assert 0.15 < float((mask > 127).mean()) < 0.95


def test_a_book_without_a_folder_has_no_stamped_hand() -> None:
    assert Hand.STAMPED not in GlyphBook().hands


def test_a_stamped_glyph_comes_from_its_picture_and_a_missing_one_from_our_outline(
    tmp_path: Path,
) -> None:
    page = np.full((100, 60), 255, np.uint8)
    cv2.rectangle(page, (10, 10), (49, 89), (0,), -1)
    cv2.imwrite(str(tmp_path / "font_model__140_A.jpg"), page)
    book = GlyphBook(tmp_path)
    stamped = book.mask("A", GlyphStyle.ONE_ROW, Hand.STAMPED, 20, 40)
    assert float((stamped > 127).mean()) > 0.95  # the white rim is cut off
    own = book.mask("B", GlyphStyle.ONE_ROW, Hand.STAMPED, 20, 40)
    assert np.array_equal(own, book.mask("B", GlyphStyle.ONE_ROW, Hand.OUTLINE, 20, 40))
