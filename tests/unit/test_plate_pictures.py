"""Drawn plates and scenes are what they say, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpr.colors import plate_color, settle_class
from models.lpr.plates import PROVINCES, SUFFIXES, PlateClass, plausible_classes
from models.pictures import decode_picture
from models.synth.glyphs import glyph_mask
from models.synth.plate_pictures import draw_plate, random_plate
from models.synth.scenes import draw_scene, encode_jpeg, paste_crop, photograph

DRAWN = [c for c in PlateClass if c is not PlateClass.OTHER]


@pytest.mark.parametrize("character", list(PROVINCES + SUFFIXES))
def test_every_chinese_character_of_a_plate_can_be_drawn(character: str) -> None:
    ink_share = float((glyph_mask(character, 90, 180) > 0).mean())
    assert 0.15 < ink_share < 0.95


def test_no_two_characters_are_drawn_alike() -> None:
    masks = {glyph_mask(c, 45, 90).tobytes() for c in PROVINCES + "港澳学警挂使领应急0123456789"}
    assert len(masks) == len(PROVINCES) + 9 + 10


@pytest.mark.parametrize(
    ("text", "plate_class", "rows", "aspect"),
    [
        ("粤B12345", PlateClass.BLUE, 1, 440 / 140),
        ("粤BD12345", PlateClass.GREEN, 1, 480 / 140),
        ("粤B1234挂", PlateClass.YELLOW, 2, 440 / 220),
    ],
)
def test_a_plate_has_the_proportions_of_the_standard(
    text: str, plate_class: PlateClass, rows: int, aspect: float
) -> None:
    height, width = draw_plate(text, plate_class, rows=rows).shape[:2]
    assert width / height == pytest.approx(aspect)


@pytest.mark.parametrize("plate_class", DRAWN)
def test_the_color_of_a_drawn_plate_settles_its_class(plate_class: PlateClass) -> None:
    for seed in range(5):
        text, drawn = random_plate(np.random.default_rng(seed), plate_class)
        middle = draw_plate(text, drawn)[30:-30, 30:-30]
        assert settle_class(plausible_classes(text), plate_color(middle)) is plate_class


def test_a_hong_kong_text_on_red_paint_is_not_a_plate() -> None:
    painted = draw_plate("AB1234", PlateClass.HK)[30:-30, 30:-30]
    painted = np.where(painted > 128, np.array([40, 30, 190], np.uint8), painted).astype(np.uint8)
    assert settle_class(plausible_classes("AB1234"), plate_color(painted)) is None


def test_a_seed_draws_the_same_plate_and_the_same_frame_again() -> None:
    frames = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        scene = draw_scene(rng, draw_plate(*random_plate(rng)))
        frames.append(photograph(rng, scene))
    assert np.array_equal(frames[0], frames[1])


def test_two_frames_of_one_scene_differ() -> None:
    rng = np.random.default_rng(7)
    scene = draw_scene(rng, draw_plate("粤B12345", PlateClass.BLUE))
    assert not np.array_equal(photograph(rng, scene), photograph(rng, scene))


def test_a_truck_without_a_plate_has_no_corners_and_takes_no_crop() -> None:
    scene = draw_scene(np.random.default_rng(1), None)
    assert scene.corners is None
    with pytest.raises(ValueError, match="no plate to replace"):
        paste_crop(scene, np.zeros((24, 94, 3), np.uint8))


def test_a_pasted_crop_stands_where_the_plate_stood() -> None:
    scene = draw_scene(np.random.default_rng(1), draw_plate("粤B12345", PlateClass.BLUE))
    pasted = paste_crop(scene, np.full((24, 94, 3), (0, 255, 0), np.uint8))
    assert scene.corners is not None
    x, y = np.mean(scene.corners, axis=0).astype(int)
    assert pasted.image[y, x].tolist() == [0, 255, 0]
    assert not np.array_equal(scene.image, pasted.image)


def test_a_scene_survives_jpeg() -> None:
    rng = np.random.default_rng(3)
    frame = photograph(rng, draw_scene(rng, None))
    assert decode_picture(encode_jpeg(frame, 85), "frame").shape == (720, 1280, 3)
