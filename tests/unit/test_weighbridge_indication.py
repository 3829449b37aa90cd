"""When a frame is a gross weight in kilograms, whatever the indicator."""

from __future__ import annotations

from typing import Literal

import pytest

from devices.readings import WeightStatus
from devices.weighbridge.indication import IndicatorFrame, Kind, Unit, reading_of


def read(
    frame: IndicatorFrame, *, division_kg: int = 20, unit: Literal["kg", "t"] = "kg"
) -> tuple[int, WeightStatus]:
    reading = reading_of(frame, received_s=1.0, division_kg=division_kg, unit=unit)
    return reading.gross_kg, reading.status


@pytest.mark.parametrize(
    ("frame", "gross_kg"),
    [
        (IndicatorFrame(digits=25_680), 25_680),
        (IndicatorFrame(digits=256_800, decimals=1), 25_680),
        (IndicatorFrame(digits=2_568, decimals=-1), 25_680),
        (IndicatorFrame(digits=25_680, decimals=3, unit=Unit.T), 25_680),
        (IndicatorFrame(digits=2_568, decimals=2, unit=Unit.T), 25_680),
        (IndicatorFrame(digits=25_680_000, unit=Unit.G), 25_680),
        (IndicatorFrame(digits=-20, kind=Kind.GROSS), -20),
        (IndicatorFrame(digits=0), 0),
    ],
)
def test_points_zeros_and_units_are_honored_exactly(frame: IndicatorFrame, gross_kg: int) -> None:
    assert read(frame) == (gross_kg, WeightStatus.OK)


def test_a_display_that_is_set_to_tonnes_is_read_where_the_lane_file_says_so() -> None:
    frame = IndicatorFrame(digits=2_568, decimals=2)
    assert read(frame, unit="t") == (25_680, WeightStatus.OK)
    assert read(frame) == (26, WeightStatus.NOT_KG)


def test_what_the_frame_says_of_its_unit_outranks_the_lane_file() -> None:
    assert read(IndicatorFrame(digits=25_680, unit=Unit.KG), unit="t")[0] == 25_680


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (IndicatorFrame(digits=100, unit=Unit.LB), WeightStatus.NOT_KG),
        (IndicatorFrame(digits=0, unit=Unit.LB), WeightStatus.NOT_KG),
        (IndicatorFrame(digits=100, unit=Unit.OTHER), WeightStatus.NOT_KG),
        (IndicatorFrame(digits=256_805, decimals=1), WeightStatus.NOT_KG),
        (IndicatorFrame(digits=25_680_001, unit=Unit.G), WeightStatus.NOT_KG),
        (IndicatorFrame(digits=8_000, kind=Kind.NET), WeightStatus.NET),
        (IndicatorFrame(digits=8_000, kind=Kind.TARE), WeightStatus.NET),
        (IndicatorFrame(digits=8_000, status=WeightStatus.OVERLOAD), WeightStatus.OVERLOAD),
        (IndicatorFrame(digits=None, status=WeightStatus.UNDERLOAD), WeightStatus.UNDERLOAD),
        (IndicatorFrame(digits=None), WeightStatus.ERROR),
        (IndicatorFrame(digits=25_690), WeightStatus.DIVISION),
        (IndicatorFrame(digits=25_700, step=5), WeightStatus.DIVISION),
        (IndicatorFrame(digits=25_700, step=1), WeightStatus.DIVISION),
    ],
)
def test_what_is_not_a_gross_weight_in_kilograms_is_refused_and_says_why(
    frame: IndicatorFrame, status: WeightStatus
) -> None:
    assert read(frame)[1] is status


@pytest.mark.parametrize(("division_kg", "step"), [(1, 1), (2, 2), (10, 1), (50, 5), (100, 1)])
def test_the_step_of_the_display_is_the_first_digit_of_the_division(
    division_kg: int, step: int
) -> None:
    frame = IndicatorFrame(digits=25_700, step=step)
    assert read(frame, division_kg=division_kg) == (25_700, WeightStatus.OK)
