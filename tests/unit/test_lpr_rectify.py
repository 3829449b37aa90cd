"""A strip shows the plate upright, and symbols spell what was encoded."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.lpr.alphabet import ALPHABET, decode, encode
from models.lpr.plates import PROVINCES, Corners
from models.lpr.rectify import UPPER_WIDTH_PX, rectify

_QUAD: Corners = ((60.0, 40.0), (260.0, 80.0), (255.0, 150.0), (55.0, 105.0))


def _striped(rows: int) -> np.ndarray:
    """A picture whose plate at _QUAD is red in its left half, blue in its right, or row by row."""
    plate = np.zeros((70, 220, 3), np.uint8)
    if rows == 1:
        plate[:, :110], plate[:, 110:] = (0, 0, 255), (255, 0, 0)
    else:
        plate[:28], plate[28:] = (0, 0, 255), (255, 0, 0)
    source = np.array([[0, 0], [220, 0], [220, 70], [0, 70]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, np.array(_QUAD, np.float32))
    return np.asarray(cv2.warpPerspective(plate, matrix, (320, 200)), np.uint8)


def test_a_tilted_plate_becomes_an_upright_strip() -> None:
    strip = rectify(_striped(1), _QUAD, 1)
    assert strip.shape == (48, 168, 3)
    assert (strip[4:-4, 4:78, 2] > 200).all()
    assert (strip[4:-4, 90:-4, 0] > 200).all()


def test_the_rows_of_a_two_row_plate_lie_side_by_side() -> None:
    strip = rectify(_striped(2), _QUAD, 2)
    assert strip.shape == (48, 168, 3)
    assert (strip[4:30, 4 : UPPER_WIDTH_PX - 4, 2] > 200).all()
    assert (strip[10:-4, UPPER_WIDTH_PX + 4 : -4, 0] > 200).all()


def test_a_plate_much_larger_than_the_strip_is_averaged_not_sampled() -> None:
    fine = np.zeros((700, 2200, 3), np.uint8)
    fine[:, ::2] = 255
    corners: Corners = ((0.0, 0.0), (2200.0, 0.0), (2200.0, 700.0), (0.0, 700.0))
    strip = rectify(fine, corners, 1)
    assert int(strip[10:-10, 10:-10].min()) > 110
    assert int(strip[10:-10, 10:-10].max()) < 145


def test_corners_outside_of_the_picture_repeat_its_edge() -> None:
    gray = np.full((40, 100, 3), 77, np.uint8)
    corners: Corners = ((-50.0, -50.0), (150.0, -40.0), (140.0, 90.0), (-60.0, 80.0))
    assert (rectify(gray, corners, 1) == 77).all()
    assert (rectify(gray, corners, 2) == 77).all()


@pytest.mark.parametrize(
    "text", ["粤B12345", "苏O12345", "WJ粤1234X", "AB123", "粤Z1234港", "MT6504"]
)
def test_a_text_comes_back_from_its_symbols(text: str) -> None:
    symbols = encode(text)
    assert symbols is not None
    assert decode(symbols) == text


def test_only_the_issuing_office_is_ever_an_o() -> None:
    symbols = encode("粤OO0I1")
    assert symbols is not None
    assert decode(symbols) == "粤O0011"


def test_a_character_that_no_plate_has_cannot_be_encoded() -> None:
    assert encode("粤B12é45") is None
    assert encode("") == ()


def test_the_alphabet_has_every_symbol_once() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 76
    assert ALPHABET.startswith(PROVINCES)
