"""What strangers, accomplices and a broken boom may not do to a lane."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import KeepClip
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import Alarm
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import Barrier, Left, Outcome, Phase, WeightState
from gate_agent.domain.way_out import CLIPS_MAX, LOWERINGS_MAX
from tests.builders import GROSS_KG, LaneStory
from tests.lane_stories import a_held_truck


def a_truck_under_an_open_boom() -> LaneStory:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    return story.boom_goes_up().weighs(WeightState.SETTLED, GROSS_KG)


def test_somebody_crossing_beyond_the_boom_does_not_lower_it_before_the_truck_that_waits() -> None:
    story = a_truck_under_an_open_boom()
    story.sees(exit_loop=True).passes(2.0).sees(exit_loop=False).passes(5.0)
    assert story.lowerings() == 0
    story.drives_out().passes(1.0)
    assert story.lowerings() == 1
    story.boom_comes_down()
    assert [closed.left for closed in story.closed()] == [Left.EXIT]


def test_nor_does_it_after_a_restart_while_the_scale_feels_the_truck() -> None:
    story = a_truck_under_an_open_boom().starts().sees().boom(Barrier.OPEN)
    story.weighs(WeightState.SETTLED, GROSS_KG)
    story.sees(exit_loop=True).passes(2.0).sees(exit_loop=False).passes(5.0)
    assert story.lowerings() == 0
    assert story.drives_out().passes(1.0).lowerings() == 1


def test_a_board_that_flickers_with_a_car_on_the_exit_loop_does_not_lower_the_boom() -> None:
    story = LaneStory().ready().waits_for_verdict().sees(exit_loop=True)
    story.manifest_answers()
    story.boom_goes_up().weighs(WeightState.SETTLED, GROSS_KG)
    story.sees(exit_loop=None, front_beam=None).sees(exit_loop=True, front_beam=False)
    story.sees(exit_loop=False).passes(5.0)
    assert story.lowerings() == 0


def test_somebody_on_the_exit_loop_at_a_restart_lowers_nothing_before_the_scale_has_spoken() -> (
    None
):
    story = a_truck_under_an_open_boom().starts().sees(exit_loop=True).boom(Barrier.OPEN)
    story.weighs(WeightState.SETTLED, GROSS_KG)
    story.sees(exit_loop=False).passes(5.0)
    assert (story.lowerings(), story.phase) == (0, Phase.RELEASING)
    assert story.drives_out().passes(1.0).lowerings() == 1


@pytest.mark.parametrize("first", ["scale", "loop"])
def test_a_truck_that_reached_the_exit_loop_during_a_restart_is_past_once_the_scale_says_zero(
    first: str,
) -> None:
    story = a_truck_under_an_open_boom().starts()
    if first == "scale":
        story.weighs(WeightState.EMPTY, 0)
    story.sees(exit_loop=True).boom(Barrier.OPEN)
    if first == "loop":
        story.weighs(WeightState.EMPTY, 0)
    story.passes(1.0).sees(exit_loop=False).passes(1.0)
    assert story.lowerings() == 1
    story.boom_comes_down()
    assert [closed.left for closed in story.closed()] == [Left.EXIT]


def test_a_loop_that_was_occupied_before_the_board_went_away_is_not_the_truck_when_it_is_back() -> (
    None
):
    story = LaneStory().ready().waits_for_verdict().sees(exit_loop=True)
    story.manifest_answers()
    story.boom_goes_up().weighs(WeightState.SETTLED, GROSS_KG).sees(front_beam=True)
    story.sees(exit_loop=None, front_beam=None).sees(exit_loop=True, front_beam=True)
    story.sees(front_beam=False, exit_loop=False).passes(5.0)
    assert story.lowerings() == 0


@pytest.mark.parametrize("position", [Barrier.FAULT, Barrier.STOPPED_MID, Barrier.FORCED])
def test_a_released_truck_before_a_boom_that_never_arrives_is_a_persons(position: Barrier) -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom(Barrier.OPENING).passes(story.policy.boom_up_timeout_s)
    assert story.phase is Phase.RELEASING
    story.boom(position)
    assert story.phase is Phase.HELD
    story.supervisor(Outcome.RELEASE)
    assert (story.phase, story.raises()) == (Phase.RELEASING, 2)


@pytest.mark.parametrize("position", [Barrier.FAULT, Barrier.STOPPED_MID, Barrier.FORCED])
def test_a_boom_that_did_not_stay_up_before_a_released_truck_is_a_persons_after_a_while(
    position: Barrier,
) -> None:
    story = a_truck_under_an_open_boom().boom(position).passes(0.5)
    assert story.phase is Phase.RELEASING
    story.boom(Barrier.OPEN).passes(60.0)
    assert story.phase is Phase.RELEASING
    story.boom(position).passes(story.policy.boom_up_timeout_s)
    assert story.phase is Phase.HELD


def test_a_scale_that_says_zero_under_a_held_truck_does_not_make_it_gone() -> None:
    story = a_held_truck()
    story.weighs(WeightState.MOVING, 9_000).weighs(WeightState.EMPTY, 0).passes(300.0)
    assert story.phase is Phase.HELD
    assert not is_inviting(story.lane)
    assert story.alarms() == [Alarm.ZEROED_UNDER_LOAD]
    story.backs_out().passes(5.0)
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_a_truck_that_came_onto_a_scale_frozen_at_zero_stays_in_the_lane_until_seen_to_leave() -> (
    None
):
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(rear_beam=True).passes(3.0).sees(entry_loop=False).passes(1.0)
    story.sees(rear_beam=False).passes(120.0)
    assert story.phase is Phase.HELD
    assert not is_inviting(story.lane)
    assert Alarm.ZEROED_UNDER_LOAD in story.alarms()
    story.sees(rear_beam=True).passes(1.0).sees(rear_beam=False).passes(5.0)
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_a_boom_that_ignores_every_lowering_is_a_persons_after_three_and_keeps_one_clip_each() -> (
    None
):
    story = a_truck_under_an_open_boom().drives_out().passes(1.0)
    while story.phase is Phase.CLEARING:
        story.boom(Barrier.CLOSING).passes(4.0).boom(Barrier.OPEN).passes(1.0)
    story.passes(300.0)
    assert story.lowerings() == LOWERINGS_MAX
    assert len(story.all(KeepClip)) <= CLIPS_MAX
    assert story.alarms() == [Alarm.OPEN_TOO_LONG, Alarm.BOOM_LEFT_OPEN]
    story.orders_boom_down()
    assert story.lowerings() == LOWERINGS_MAX + 1
    story.boom(Barrier.CLOSING).boom(Barrier.CLOSED)
    assert [closed.left for closed in story.closed()] == [Left.EXIT]


def test_a_boom_stopped_half_way_by_an_emergency_stop_can_be_raised_again_by_a_person() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom(Barrier.OPENING).passes(0.5)
    story.fault(FaultCode.EMERGENCY_STOP).boom(Barrier.STOPPED_MID).passes(10.0)
    assert story.phase is Phase.HELD
    story.repaired(FaultCode.EMERGENCY_STOP).supervisor(Outcome.RELEASE)
    assert (story.phase, story.raises()) == (Phase.RELEASING, 2)


@pytest.mark.parametrize("accomplice", ["beyond the boom", "on the scale", "scale unplugged"])
def test_a_truck_that_showed_its_plate_and_backed_out_lends_it_to_nobody(accomplice: str) -> None:
    story = LaneStory().ready()
    if accomplice == "beyond the boom":
        story.sees(exit_loop=True)
    story.truck_arrives().plate_is_read()
    if accomplice == "on the scale":
        story.weighs(WeightState.MOVING, 50).weighs(WeightState.SETTLED, 90)
    if accomplice == "scale unplugged":
        story.weighs(WeightState.UNAVAILABLE)
    story.sees(entry_loop=False).passes(3.0)
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_a_held_truck_that_backs_out_is_gone_whoever_stands_beyond_the_boom() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.fault(FaultCode.SCALE_VALUE).manifest_answers()
    assert story.phase is Phase.HELD
    story.sees(exit_loop=True).backs_out()
    assert [closed.outcome for closed in story.closed()] == [Outcome.HOLD]
    assert story.phase is Phase.IDLE


def test_a_truck_on_the_platform_is_not_gone_while_its_rear_beam_was_missed() -> None:
    story = LaneStory().ready().truck_arrives()
    story.weighs(WeightState.MOVING, 9_000).weighs(WeightState.SETTLED, GROSS_KG)
    story.sees(entry_loop=False).passes(5.0)
    assert story.phase is Phase.GATHERING


def test_mud_that_a_held_truck_left_on_the_scale_does_not_keep_its_passage_for_the_next() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.fault(FaultCode.SCALE_VALUE).manifest_answers()
    assert story.phase is Phase.HELD
    story.sees(rear_beam=True, entry_loop=True).weighs(WeightState.MOVING, 9_000).passes(2.0)
    story.sees(rear_beam=False).weighs(WeightState.SETTLED, 80).sees(entry_loop=False).passes(2.0)
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_mud_of_a_truck_that_backed_out_undecided_does_not_keep_its_passage_either() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, 9_000).passes(2.0)
    story.sees(rear_beam=False).weighs(WeightState.SETTLED, 80).sees(entry_loop=False).passes(2.0)
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_a_truck_that_came_on_while_the_board_was_away_is_not_gone_before_it_rests() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(entry_loop=None, rear_beam=None, front_beam=None, exit_loop=None)
    story.weighs(WeightState.MOVING, 20_000).passes(2.0)
    story.sees(entry_loop=False, rear_beam=False, front_beam=False, exit_loop=False).passes(3.0)
    assert story.phase is Phase.GATHERING
    assert story.closed() == []
