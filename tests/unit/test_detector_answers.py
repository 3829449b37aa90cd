"""What the detector makes of its network's answer, and of pictures of odd sizes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

from models.lpr.detector import CELL_PX, FoundPlate, believed, letterbox, overlap, plates_of
from models.synth.street import Quads
from models.train.detector_targets import Targets, draw_targets

_QUAD = np.array([[100, 60], [220, 70], [218, 110], [98, 100]], np.float32)
_SIZE = (320, 576)


def _quads(*quads: np.ndarray) -> Quads:
    return np.array(quads, np.float32).reshape(-1, 4, 2)


def _answer(targets: Targets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a network that had learnt everything would say."""
    rows = np.stack([1.0 - targets.rows, targets.rows]).astype(np.float32) * 8
    return targets.heat, targets.corners * CELL_PX, rows


def _targets(*quads: np.ndarray, rows: tuple[int, ...] = ()) -> Targets:
    count = len(quads)
    rows = rows or (1,) * count
    return draw_targets(_SIZE, _quads(*quads), rows, (True,) * count, _quads())


def test_a_perfect_answer_gives_back_the_corners_that_were_taught() -> None:
    found = plates_of(*_answer(_targets(_QUAD)), 0.3)
    assert len(found) == 1
    assert np.abs(found[0].corners - _QUAD).max() < 0.01
    assert found[0].rows == 1
    assert found[0].score == 1.0


def test_a_cross_border_plate_and_the_hong_kong_plate_below_it_are_two_plates() -> None:
    below = _QUAD + np.array([4, 46], np.float32)
    found = plates_of(*_answer(_targets(_QUAD, below, rows=(1, 2))), 0.3)
    assert len(found) == 2
    first = min(found, key=lambda f: float(f.corners[0, 1]))
    assert first.rows == 1
    assert {f.rows for f in found} == {1, 2}


def test_two_answers_for_one_plate_are_one_plate() -> None:
    heat, corners, rows = _answer(_targets(_QUAD))
    top, left = np.unravel_index(int(heat.argmax()), heat.shape)
    heat[top, left + 3] = 0.9  # a second summit that points at the same corners
    corners[:, top, left + 3] = corners[:, top, left]
    corners[0::2, top, left + 3] -= 3 * CELL_PX
    assert len(plates_of(heat, corners, rows, 0.3)) == 1


def test_cold_cells_are_no_plates() -> None:
    heat, corners, rows = _answer(_targets(_QUAD))
    assert plates_of(heat * np.float32(0.29), corners, rows, 0.3) == []


def test_a_plate_that_the_edge_cuts_off_is_neither_asked_for_nor_punished() -> None:
    targets = _targets(_QUAD - np.array([130, 0], np.float32))
    assert targets.near.max() == 0
    assert targets.heat.max() == 0
    assert (targets.counted == 0).any()


def test_ignored_places_do_not_hide_a_labeled_plate() -> None:
    targets = draw_targets(_SIZE, _quads(_QUAD), (1,), (True,), _quads(_QUAD))
    assert targets.counted[targets.heat == 1.0].all()


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (720, 1160), (8, 8), (8000, 6000), (9000, 10), (10, 9000)]
)
def test_pictures_of_any_shape_make_an_input_of_bounded_size(width: int, height: int) -> None:
    box = letterbox(width, height)
    assert box.canvas[0] % 32 == box.canvas[1] % 32 == 0
    assert box.canvas[0] * box.canvas[1] <= 576 * 320
    assert box.content[0] <= box.canvas[0]
    assert box.content[1] <= box.canvas[1]


def test_a_lane_camera_is_seen_with_nearly_all_the_pixels_there_are_time_for() -> None:
    box = letterbox(1280, 720)
    assert box.canvas == (576, 320)
    assert box.content[0] * box.content[1] > 0.95 * 576 * 320


def test_overlap_of_a_quad_with_itself_is_whole_and_with_a_twisted_one_none() -> None:
    assert overlap(_QUAD, _QUAD) == pytest.approx(1.0)
    assert overlap(_QUAD, _QUAD + np.float32(500)) == 0.0
    assert overlap(_QUAD, _QUAD[[0, 2, 1, 3]]) == 0.0


def _found(left: float, top: float, score: float, width: float = 140) -> FoundPlate:
    corners = [[left, top], [left + width, top], [left + width, top + 44], [left, top + 44]]
    return FoundPlate(corners=np.array(corners, np.float32), score=score, rows=1)


def test_a_faint_plate_right_above_a_surer_one_is_believed() -> None:
    sure, faint = _found(400, 300, 0.7), _found(410, 240, 0.3)
    assert believed([sure, faint], 0.4) == [sure, faint]


def test_a_faint_plate_far_away_or_much_smaller_is_not() -> None:
    sure = _found(400, 300, 0.7)
    assert believed([sure, _found(40, 300, 0.3), _found(430, 250, 0.3, width=50)], 0.4) == [sure]


def test_faint_plates_do_not_vouch_for_each_other() -> None:
    assert believed([_found(400, 300, 0.3), _found(400, 250, 0.3)], 0.4) == []
