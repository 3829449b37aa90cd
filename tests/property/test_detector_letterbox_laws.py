"""Points go into the detector's input and come back where they were."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.lpr.detector import letterbox


@given(
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
)
def test_a_point_survives_the_way_into_the_input_and_back(
    width: int, height: int, x: float, y: float
) -> None:
    box = letterbox(width, height)
    point = np.array([x * width, y * height], np.float32)
    inside = point * np.array(box.factors, np.float32)
    assert (inside >= 0).all()
    assert (inside <= np.array(box.content) + 0.01).all()
    assert np.allclose(box.to_picture(inside), point, atol=0.01)


@given(width=st.integers(16, 9000), height=st.integers(16, 9000))
def test_a_picture_keeps_its_proportions_unless_it_is_a_thread(width: int, height: int) -> None:
    box = letterbox(width, height)
    if max(width, height) / min(width, height) < 10:
        across, down = box.factors
        assert abs(across / down - 1) < 0.06
