"""When a supervisor may rely on a weight."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import pytest

from devices.config import WeighbridgeConfig
from devices.readings import WeighbridgeReading, WeightStatus
from devices.weighbridge.settle import SettleFilter, WeightPhase, WeightState

CONFIG = WeighbridgeConfig(port="-", division_kg=20, max_kg=60_000, settle_s=0.4, stale_s=0.5)
PERIOD_S = 0.04


class Scale:
    """A stream of frames, 25 a second, into a filter."""

    def __init__(self, config: WeighbridgeConfig = CONFIG) -> None:
        self.filter = SettleFilter(config)
        self.now_s = 100.0

    def shows(
        self,
        values_kg: Iterable[int],
        *,
        motion: bool | None = None,
        status: WeightStatus = WeightStatus.OK,
    ) -> list[WeightState]:
        return [self._one(value_kg, motion=motion, status=status) for value_kg in values_kg]

    def holds(self, value_kg: int, *, for_s: float = 1.0) -> WeightState:
        return self.shows([value_kg] * round(for_s / PERIOD_S))[-1]

    def _one(self, value_kg: int, *, motion: bool | None, status: WeightStatus) -> WeightState:
        self.now_s += PERIOD_S
        return self.filter.feed(
            WeighbridgeReading(
                gross_kg=value_kg, status=status, motion=motion, received_s=self.now_s
            )
        )


def test_before_the_first_frame_there_is_no_weight() -> None:
    state = Scale().filter.at(100.0)
    assert (state.phase, state.gross_kg, state.readings) == (WeightPhase.STALE, None, ())
    assert state.since_s == 100.0


def test_a_platform_at_rest_near_zero_is_empty() -> None:
    for value_kg in (0, 20, 40, -20, -40):
        state = Scale().holds(value_kg)
        assert (state.phase, state.gross_kg) == (WeightPhase.EMPTY, value_kg)


def test_a_vehicle_at_rest_has_a_weight_after_the_settling_time_and_not_before() -> None:
    scale = Scale()
    states = scale.shows([25_680] * 25)
    first = next(index for index, state in enumerate(states) if state.phase is WeightPhase.SETTLED)
    assert states[first].span_s == pytest.approx(CONFIG.settle_s, abs=PERIOD_S)
    assert states[first].span_s >= CONFIG.settle_s
    assert all(state.phase is WeightPhase.MOVING for state in states[:first])
    assert all(state.gross_kg is None for state in states[:first])
    assert states[-1].gross_kg == 25_680
    assert states[-1].since_s == states[first].since_s


def test_the_evidence_is_the_frames_that_were_judged() -> None:
    state = Scale().holds(25_680)
    assert len(state.readings) >= 5
    assert state.readings[-1].received_s - state.readings[0].received_s == state.span_s
    assert state.spread_kg == 0


def test_a_flicker_of_one_division_settles() -> None:
    scale = Scale()
    scale.holds(25_680)
    state = scale.shows([25_700, 25_680, 25_660, 25_680])[-1]
    assert (state.phase, state.gross_kg) == (WeightPhase.SETTLED, 25_680)


def test_a_ramp_is_never_settled() -> None:
    scale = Scale()
    states = scale.shows(range(0, 20_000, 40))
    assert all(state.phase is WeightPhase.MOVING for state in states[12:])
    assert states[-1].gross_kg is None
    assert states[-1].shown_kg == 19_960


def test_a_creep_within_one_division_is_not_settled() -> None:
    """Twenty kilograms in 0.4 s is 50 kg/s: inside the spread, beyond the slope."""
    scale = Scale()
    states = scale.shows([1_000, 1_005, 1_010, 1_015, 1_020])
    states += scale.shows(range(1_022, 1_200, 2))
    assert all(state.phase is WeightPhase.MOVING for state in states)


def test_an_axle_that_leaves_unsettles_the_weight() -> None:
    scale = Scale()
    scale.holds(25_680)
    state = scale.shows([25_640])[-1]
    assert (state.phase, state.gross_kg) == (WeightPhase.MOVING, None)
    state = scale.holds(19_000)
    assert (state.phase, state.gross_kg) == (WeightPhase.SETTLED, 19_000)


def test_a_frame_in_motion_is_never_settled() -> None:
    scale = Scale()
    states = scale.shows([25_680] * 50, motion=True)
    assert {state.phase for state in states} == {WeightPhase.MOVING}
    assert scale.shows([25_680] * 30, motion=False)[-1].phase is WeightPhase.SETTLED
    assert scale.shows([25_680], motion=True)[-1].phase is WeightPhase.MOVING


def test_a_silent_scale_has_no_weight() -> None:
    scale = Scale()
    settled = scale.holds(25_680)
    assert scale.filter.at(scale.now_s + CONFIG.stale_s) == settled
    state = scale.filter.at(scale.now_s + CONFIG.stale_s + 0.01)
    assert (state.phase, state.gross_kg, state.shown_kg) == (WeightPhase.STALE, None, None)
    assert state.since_s == pytest.approx(scale.now_s + CONFIG.stale_s)


def test_after_a_silence_the_weight_must_settle_anew() -> None:
    scale = Scale()
    scale.holds(25_680)
    scale.now_s += 0.6
    states = scale.shows([25_680] * 25)
    assert states[0].phase is WeightPhase.MOVING
    assert states[-1].phase is WeightPhase.SETTLED
    assert states[-1].since_s >= states[0].readings[0].received_s + CONFIG.settle_s


@pytest.mark.parametrize(
    ("value_kg", "status", "why"),
    [
        (60_001, WeightStatus.OK, WeightStatus.OVERLOAD),
        (-60, WeightStatus.OK, WeightStatus.UNDERLOAD),
        (25_680, WeightStatus.NET, WeightStatus.NET),
        (25_680, WeightStatus.NOT_ZEROED, WeightStatus.NOT_ZEROED),
        (26, WeightStatus.NOT_KG, WeightStatus.NOT_KG),
    ],
)
def test_an_unusable_value_is_no_weight_and_says_why(
    value_kg: int, status: WeightStatus, why: WeightStatus
) -> None:
    scale = Scale()
    scale.holds(25_680)
    states = scale.shows([value_kg] * 20, status=status)
    assert {state.phase for state in states} == {WeightPhase.INVALID}
    assert {state.gross_kg for state in states} == {None}
    assert {state.status for state in states} == {why}
    assert {state.since_s for state in states} == {states[0].since_s}
    assert scale.shows([25_680])[-1].phase is WeightPhase.MOVING
    assert scale.holds(25_680).phase is WeightPhase.SETTLED


def test_a_slow_indicator_needs_five_frames() -> None:
    config = WeighbridgeConfig(port="-", settle_s=0.4, stale_s=0.5)
    judge = SettleFilter(config)
    phases = [
        judge.feed(
            WeighbridgeReading(
                gross_kg=8_000, status=WeightStatus.OK, motion=None, received_s=10 + 0.3 * n
            )
        ).phase
        for n in range(5)
    ]
    assert phases == [WeightPhase.MOVING] * 4 + [WeightPhase.SETTLED]


def test_a_backlog_read_in_one_go_is_not_time_at_rest() -> None:
    judge = SettleFilter(CONFIG)
    reading = WeighbridgeReading(
        gross_kg=8_000, status=WeightStatus.OK, motion=None, received_s=10.0
    )
    assert {judge.feed(reading).phase for _ in range(100)} == {WeightPhase.MOVING}


def test_frames_out_of_order_start_afresh() -> None:
    scale = Scale()
    scale.holds(25_680)
    scale.now_s -= 0.2
    assert scale.shows([25_680])[-1].phase is WeightPhase.MOVING


def test_a_swinging_vehicle_has_an_interval_before_it_has_a_weight() -> None:
    scale = Scale()
    swing_kg = [round(600 * math.cos(0.5 * n) * 0.95**n / 20) * 20 for n in range(120)]
    states = scale.shows(32_000 + kg for kg in swing_kg)
    named = [state for state in states if state.bracket_kg is not None]
    assert named
    assert {state.phase for state in named} == {WeightPhase.MOVING}
    assert all(state.gross_kg is None for state in named)
    assert all(low <= 32_000 <= high for low, high in (s.bracket_kg for s in named if s.bracket_kg))
    assert (states[-1].phase, states[-1].gross_kg) == (WeightPhase.SETTLED, 32_000)


def test_an_unusable_value_or_a_silence_ends_the_interval() -> None:
    for spoil in ("net", "silence"):
        scale = Scale()
        swing_kg = [round(600 * math.cos(0.5 * n) / 20) * 20 for n in range(60)]
        assert scale.shows(32_000 + kg for kg in swing_kg)[-1].bracket_kg is not None
        if spoil == "net":
            assert scale.shows([32_000], status=WeightStatus.NET)[-1].bracket_kg is None
        else:
            scale.now_s += 0.6
        assert scale.shows(32_000 + kg for kg in swing_kg[:20])[-1].bracket_kg is None


def test_a_lane_file_may_forbid_that_a_swing_is_judged_before_it_rests() -> None:
    scale = Scale(msgspec.structs.replace(CONFIG, judge_swing=False))
    swing_kg = [round(600 * math.cos(0.5 * n) * 0.95**n / 20) * 20 for n in range(120)]
    states = scale.shows(32_000 + kg for kg in swing_kg)
    assert all(state.bracket_kg is None for state in states)
    assert states[-1].gross_kg == 32_000


def test_a_swing_that_stops_dead_is_a_frozen_indicator_and_no_weight_until_it_moves_again() -> None:
    scale = Scale()
    swing_kg = [round(600 * math.cos(0.5 * n) * 0.99**n / 20) * 20 for n in range(40)]
    peak_kg = 32_000 + scale_peak(swing_kg)
    scale.shows(32_000 + kg for kg in swing_kg[: swing_kg.index(scale_peak(swing_kg), 10) + 1])
    assert scale.holds(peak_kg, for_s=30.0).phase is WeightPhase.MOVING
    rest = scale.shows([32_000, *[32_020] * 30])[-1]
    assert (rest.phase, rest.gross_kg) == (WeightPhase.SETTLED, 32_020)


def test_an_indicator_that_freezes_before_the_first_turn_of_the_swing_weighs_nothing_either() -> (
    None
):
    scale = Scale()
    scale.holds(0, for_s=2.0)
    flank_kg = [round(600 * math.sin(0.5 * n) / 20) * 20 for n in range(-3, 2)]
    scale.shows([12_000, 31_000, 31_800, *(32_000 + kg for kg in flank_kg)])
    assert scale.holds(32_000 + flank_kg[-1], for_s=30.0).phase is WeightPhase.MOVING


def test_a_platform_that_a_vehicle_rolled_off_is_empty_however_abruptly_it_rests() -> None:
    scale = Scale()
    scale.holds(20_000, for_s=2.0)
    swing_kg = [round(400 * math.cos(0.5 * n) * 0.97**n / 20) * 20 for n in range(14)]
    scale.shows(20_000 + kg for kg in swing_kg)
    scale.shows([13_000, 12_600, 13_200, 5_000])
    state = scale.holds(0, for_s=3.0)
    assert (state.phase, state.gross_kg) == (WeightPhase.EMPTY, 0)


def test_a_swing_that_dies_by_degrees_is_a_weight_at_any_rate_springs_can() -> None:
    for dies in (0.93, 0.95, 0.97):
        scale = Scale()
        swing_kg = [round(600 * math.cos(0.5 * n) * dies**n / 20) * 20 for n in range(200)]
        state = scale.shows(32_000 + kg for kg in swing_kg)[-1]
        assert (state.phase, state.gross_kg) == (WeightPhase.SETTLED, 32_000)


def scale_peak(swing_kg: list[int]) -> int:
    """The second high of a swing, in kg about its rest."""
    return max(swing_kg[10:20])
