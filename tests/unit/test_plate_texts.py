"""The text of a plate: how it is compared and what it may be."""

from __future__ import annotations

import pytest

from models.lpr.plates import (
    PlateClass,
    may_begin_plate,
    normalize_plate,
    plausible_class,
    plausible_classes,
)


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("粤B·12345", "粤B12345"),
        ("粤b 12345", "粤B12345"),
        ("粤Ｂ１２３４５", "粤B12345"),
        ("粤Z-F823-港", "粤ZF823港"),
        ("MA-12-34", "MA1234"),
        ("粤B1O34I", "粤B10341"),
        ("京O12345", "京O12345"),
        ("ab 1o3i", "AB1031"),
        ("", ""),
        (" ·-. ", ""),
    ],
)
def test_a_plate_typed_by_a_clerk_and_one_read_by_a_camera_compare_equal(
    typed: str, compared: str
) -> None:
    assert normalize_plate(typed) == compared


@pytest.mark.parametrize(
    ("text", "plate_class"),
    [
        ("粤B12345", PlateClass.BLUE),
        ("粤ZF823港", PlateClass.BLACK),
        ("粤Z1234澳", PlateClass.BLACK),
        ("粤BD12345", PlateClass.GREEN),
        ("粤B12345F", PlateClass.GREEN),
        ("粤B1234挂", PlateClass.YELLOW),
        ("粤B1234学", PlateClass.YELLOW),
        ("粤B1234警", PlateClass.WHITE),
        ("WJ粤12345", PlateClass.WHITE),
        ("粤B123应急", PlateClass.WHITE),
        ("使123456", PlateClass.BLACK),
        ("粤A1234领", PlateClass.BLACK),
        ("AB1234", PlateClass.HK),
        ("XY12", PlateClass.HK),
        ("MT6504", PlateClass.MACAU),
        ("AA0123", PlateClass.MACAU),
    ],
)
def test_a_text_names_the_class_that_its_grammar_allows(text: str, plate_class: PlateClass) -> None:
    assert plausible_class(text) is plate_class


def test_a_truck_plate_may_be_yellow_although_its_text_is_that_of_a_blue_one() -> None:
    assert PlateClass.YELLOW in plausible_classes("粤B12345")


@pytest.mark.parametrize(
    "text",
    ["", "粤", "粤B1234", "CSQU3054383", "危险品", "限速40", "港粤ZF823", "BA0123", "IO1234"],
)
def test_a_text_that_no_plate_carries_has_no_class(text: str) -> None:
    assert plausible_class(text) is None


def test_the_beginning_of_a_plate_is_known_as_one() -> None:
    assert may_begin_plate("粤ZF82")
    assert may_begin_plate("")
    assert not may_begin_plate("粤粤")
    assert not may_begin_plate("1粤")
