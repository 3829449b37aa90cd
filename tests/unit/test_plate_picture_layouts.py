"""Plates of every kind: numbers that their grammars know, characters that stand on the plate."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpr.alphabet import encode
from models.lpr.plates import PlateClass, normalize_plate, plausible_classes
from models.synth.camera import expose, place, pose
from models.synth.glyph_book import GlyphBook, Hand
from models.synth.layouts import CLASS_OF, PlateKind, lay_out
from models.synth.render import plain_paint, render, varied_paint
from models.synth.texts import TEACHING_MIX, plate_text, teaching_kind
from models.synth.wear import wear

_ABROAD = {PlateClass.HK, PlateClass.OTHER}


@pytest.mark.parametrize("kind", list(PlateKind))
def test_a_number_is_one_that_its_class_knows_and_the_alphabet_spells(kind: PlateKind) -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        text = plate_text(rng, kind)
        assert text == normalize_plate(text)
        assert encode(text) is not None
        if CLASS_OF[kind] not in _ABROAD:
            assert CLASS_OF[kind] in plausible_classes(text), text


@pytest.mark.parametrize("kind", list(PlateKind))
def test_every_character_stands_on_the_plate_and_beside_the_others(kind: PlateKind) -> None:
    rng = np.random.default_rng(6)
    for _ in range(30):
        text = plate_text(rng, kind)
        layout = lay_out(kind, text)
        assert "".join(cell.character for cell in layout.cells) == text
        for cell in layout.cells:
            assert cell.left_mm >= 0
            assert cell.left_mm + cell.width_mm <= layout.width_mm
            assert cell.top_mm >= 0
            assert cell.top_mm + cell.height_mm <= layout.height_mm
        for before, after in zip(layout.cells, layout.cells[1:], strict=False):
            same_row = before.top_mm == after.top_mm
            assert not same_row or before.left_mm + before.width_mm <= after.left_mm


def test_two_rows_are_laid_out_for_two_row_plates_only() -> None:
    rng = np.random.default_rng(7)
    for kind in PlateKind:
        layout = lay_out(kind, plate_text(rng, kind))
        assert layout.rows == len({cell.top_mm for cell in layout.cells})


def test_provinces_are_drawn_evenly() -> None:
    rng = np.random.default_rng(8)
    first = [plate_text(rng, PlateKind.BLUE)[0] for _ in range(6200)]
    shares = [first.count(province) for province in set(first)]
    assert len(shares) == 31
    assert max(shares) < 2 * min(shares)


def test_the_mix_for_teaching_is_kept() -> None:
    rng = np.random.default_rng(9)
    drawn = [teaching_kind(rng) for _ in range(8000)]
    total = sum(TEACHING_MIX.values())
    for kind, share in TEACHING_MIX.items():
        assert drawn.count(kind) / 8000 == pytest.approx(share / total, abs=0.02)


def test_the_same_seed_wears_and_photographs_a_plate_the_same_way() -> None:
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(10)
        layout = lay_out(PlateKind.TRAILER, "粤B1234挂")
        paint = varied_paint(rng, PlateKind.TRAILER)
        image = render(layout, paint, GlyphBook(), Hand.OUTLINE, 0.4)
        wear(rng, image)
        quad = pose(rng, 2.0, 50.0)
        quad = (quad - quad.min(axis=0) + 4).astype(np.float32)
        wide, tall = (quad.max(axis=0) + 5).astype(int)
        ground = np.full((int(tall), int(wide), 3), 90, np.uint8)
        pictures.append(expose(rng, place(image, quad, ground, None)))
    assert np.array_equal(pictures[0], pictures[1])


def test_a_plate_lies_where_its_corners_say() -> None:
    layout = lay_out(PlateKind.BLUE, "粤B12345")
    image = render(layout, plain_paint(PlateKind.BLUE), GlyphBook(), Hand.OUTLINE, 0.5)
    quad = np.array([[20, 10], [120, 20], [118, 52], [18, 42]], np.float32)
    window = place(image, quad, np.full((64, 140, 3), 255, np.uint8), None)
    assert window[5, 5].tolist() == [255, 255, 255]
    inside = window[16:20, 30:34].reshape(-1, 3).mean(axis=0)
    assert inside[0] > inside[2] + 60  # blue paint
