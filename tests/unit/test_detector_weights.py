"""The detector that is shipped: it finds the plate of a drawn lane, and none where none is."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from models.lpr.detector import Detector, overlap
from models.lpr.plates import PlateClass
from models.lpr.session import open_session
from models.lpr.weights_card import WeightsCard
from models.synth.plate_pictures import draw_plate, random_plate
from models.synth.scenes import LaneScene, draw_scene, photograph

_LANES = 8


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(open_session(WeightsCard().network("detector")))


def _lanes(rng: np.random.Generator) -> Iterator[LaneScene]:
    for _ in range(_LANES):
        text, plate_class = random_plate(rng)
        yield draw_scene(rng, draw_plate(text, plate_class))


def test_the_plate_of_a_drawn_lane_is_found_at_its_corners(detector: Detector) -> None:
    rng = np.random.default_rng(31)
    for scene in _lanes(rng):
        best = detector.find(photograph(rng, scene))[0]
        assert scene.corners is not None
        assert overlap(best.corners, np.array(scene.corners, np.float32)) > 0.7
        assert best.rows == 1


def test_two_rows_are_told_from_one(detector: Detector) -> None:
    rng = np.random.default_rng(32)
    for scene in (
        draw_scene(rng, draw_plate("粤BF123挂", PlateClass.YELLOW, rows=2)) for _ in "abc"
    ):
        assert detector.find(photograph(rng, scene))[0].rows == 2


def test_a_lane_without_a_plate_shows_none(detector: Detector) -> None:
    rng = np.random.default_rng(33)
    scenes = [draw_scene(rng, None) for _ in range(_LANES)]
    assert [f for s in scenes for f in detector.find(photograph(rng, s), thorough=False)] == []


def test_a_small_plate_in_a_large_picture_is_found_at_the_second_look(detector: Detector) -> None:
    rng = np.random.default_rng(34)
    scene = next(_lanes(rng))
    large = np.full((2160, 3840, 3), 120, np.uint8)
    large[700:1060, 1500:2140] = cv2.resize(scene.image, (640, 360), interpolation=cv2.INTER_AREA)
    truth = np.array(scene.corners) / 2 + np.array([1500, 700])
    assert any(overlap(f.corners, truth.astype(np.float32)) > 0.5 for f in detector.find(large))


@pytest.mark.parametrize("shape", [(1, 1), (8, 4000), (4000, 8), (48, 168), (33, 31)])
def test_pictures_of_any_shape_are_looked_at(detector: Detector, shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 90, np.uint8)
    assert detector.find(flat) == []
