"""What a supervisor is told about the scale besides a weight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate_agent.domain.manifest import Kind
from gate_agent.domain.noticing import (
    TARES_ENOUGH,
    ZERO_DAYS,
    ZEROS_A_DAY,
    note_tare,
    tare_drift_permille,
)
from gate_agent.domain.records import Alarm, WeighedAfterwards
from gate_agent.domain.vocabulary import Outcome, Phase, WeightState
from tests.builders import GROSS_KG, LaneStory, a_declaration

DAY_S = 86_400.0


def decided_early(within_kg: int = 400) -> LaneStory:
    """Released while the scale still swung; the boom is rising."""
    story = LaneStory().ready().truck_arrives().plate_is_read().card()
    story.manifest_answers()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(3.0)
    story.sees(entry_loop=False, rear_beam=False)
    story.swings_between(GROSS_KG - within_kg, GROSS_KG + within_kg).manifest_answers()
    assert story.phase is Phase.RELEASING
    return story


def leaves(story: LaneStory) -> LaneStory:
    return story.boom_goes_up().drives_out().passes(1.0).boom_comes_down()


def test_the_weight_is_still_taken_while_the_boom_rises() -> None:
    story = decided_early().passes(1.0).weighs(WeightState.SETTLED, GROSS_KG + 80)
    (taken,) = story.records(WeighedAfterwards)
    assert (taken.gross_kg, taken.within_kg, taken.agrees) == (GROSS_KG + 80, 0, True)
    leaves(story.weighs(WeightState.SETTLED, GROSS_KG + 100))
    assert len(story.records(WeighedAfterwards)) == 1
    assert story.alarms() == []


@pytest.mark.parametrize("beyond_kg", [-401, 401])
def test_a_weight_that_settles_outside_the_interval_is_an_alarm(beyond_kg: int) -> None:
    story = decided_early(400).passes(1.0).weighs(WeightState.SETTLED, GROSS_KG + beyond_kg)
    (taken,) = story.records(WeighedAfterwards)
    assert not taken.agrees
    assert story.alarms() == [Alarm.WEIGHT_CHANGED]


def test_a_swing_that_moves_away_from_the_interval_is_an_alarm_before_it_settles() -> None:
    story = decided_early(400).passes(0.3).swings_between(GROSS_KG + 500, GROSS_KG + 900)
    assert story.alarms() == [Alarm.WEIGHT_CHANGED]
    leaves(story)
    (taken,) = story.records(WeighedAfterwards)
    assert (taken.gross_kg, taken.within_kg, taken.agrees) == (GROSS_KG + 700, 200, False)
    assert story.alarms() == [Alarm.WEIGHT_CHANGED]


def test_a_vehicle_that_leaves_before_the_scale_rests_is_on_record_as_far_as_it_got() -> None:
    story = leaves(decided_early(400).passes(0.5).swings_between(GROSS_KG - 80, GROSS_KG + 120))
    (taken,) = story.records(WeighedAfterwards)
    assert (taken.gross_kg, taken.within_kg, taken.agrees) == (GROSS_KG + 20, 100, True)
    assert [closed.outcome for closed in story.closed()] == [Outcome.RELEASE]


def test_a_verdict_on_a_settled_weight_needs_no_weight_after_it() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    leaves(story)
    assert story.records(WeighedAfterwards) == []


def test_an_axle_that_stays_beside_the_platform_is_an_alarm_once() -> None:
    story = LaneStory().ready().truck_arrives()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, 9_000).passes(2.0)
    story.weighs(WeightState.SETTLED, 24_000).passes(4.9).weighs(WeightState.SETTLED, 24_000)
    assert story.alarms() == []
    story.passes(0.2).weighs(WeightState.SETTLED, 24_000).passes(9.0)
    story.weighs(WeightState.SETTLED, 24_000)
    assert story.alarms() == [Alarm.AXLE_OFF_DECK]


def test_a_vehicle_that_creeps_on_the_platform_is_an_alarm() -> None:
    story = LaneStory().ready().truck_arrives()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, 9_000).passes(2.0)
    story.sees(entry_loop=False, rear_beam=False)
    for _ in range(25):
        story.weighs(WeightState.MOVING, GROSS_KG).passes(0.5)
    assert story.alarms() == [Alarm.CREEPING]


@pytest.mark.parametrize(
    ("step_kg", "is_person"),
    [(20, False), (60, True), (-85, True), (150, True), (-400, False)],
)
def test_somebody_who_gets_on_or_off_during_weighing_is_noticed(
    step_kg: int, *, is_person: bool
) -> None:
    story = LaneStory().ready().truck_arrives().drives_on()
    story.weighs(WeightState.MOVING, GROSS_KG).passes(1.0)
    story.weighs(WeightState.SETTLED, GROSS_KG + step_kg)
    assert story.alarms() == ([Alarm.PERSON_STEPPED] if is_person else [])


def empties(story: LaneStory, shown_kg: int, times: int = ZEROS_A_DAY) -> LaneStory:
    for _ in range(times):
        story.weighs(WeightState.EMPTY, shown_kg).passes(60.0)
    return story


def test_a_scale_whose_zero_is_off_over_a_day_is_an_alarm_once_that_day() -> None:
    story = LaneStory().starts()
    empties(story, 0, 30)
    empties(story, 20, 30)
    assert story.alarms() == [Alarm.ZERO_DRIFT]
    story.passes(DAY_S)
    empties(story, 20, ZEROS_A_DAY - 1)
    assert story.alarms() == [Alarm.ZERO_DRIFT]
    empties(story, 20, 1)
    assert story.alarms() == [Alarm.ZERO_DRIFT] * 2


def test_the_zero_is_kept_for_two_weeks() -> None:
    story = LaneStory().starts()
    for _ in range(ZERO_DAYS + 5):
        empties(story, 0, 2).passes(DAY_S)
    assert len(story.lane.zeros) == ZERO_DAYS
    assert all((day.seen, day.total_kg) == (2, 0) for day in story.lane.zeros)


def test_a_zero_that_flickers_is_no_drift() -> None:
    story = LaneStory().starts()
    for n in range(60):
        empties(story, 20 if n % 3 == 0 else 0, 1)
    assert story.alarms() == []


def test_the_median_of_many_known_vehicles_tells_on_the_scale_and_one_overloaded_does_not() -> None:
    assert tare_drift_permille((1000,) * (TARES_ENOUGH - 1)) is None
    assert tare_drift_permille((*((1000, 1003, 997) * 10), 1500)) == 0
    assert tare_drift_permille((985,) * TARES_ENOUGH) == -15


def test_a_scale_that_reads_off_for_registered_empty_vehicles_is_an_alarm_once() -> None:
    lane = LaneStory().ready().lane
    empty = a_declaration()
    alarms = 0
    for n in range(TARES_ENOUGH + 10):
        declared = replace(empty, kind=Kind.EMPTY, tare_kg=15_000 + n)
        step = note_tare(lane, declared, 15_200 + n)
        lane, alarms = step.lane, alarms + len(step.effects)
    assert alarms == 1
    assert note_tare(lane, empty, 40_000).lane == lane, "a loaded vehicle says nothing of tares"
