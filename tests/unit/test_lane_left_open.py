"""An open boom under which nobody was let through calls somebody within ten seconds, always."""

from __future__ import annotations

import pytest

from gate_agent.domain.records import Alarm, AlarmRaised
from gate_agent.domain.vocabulary import Barrier, Outcome, Phase, WeightState
from tests.builders import LaneStory
from tests.lane_stories import a_held_truck, a_released_truck

LEFT_OPEN = Alarm.BOOM_LEFT_OPEN


def calls(story: LaneStory) -> int:
    return story.alarms().count(LEFT_OPEN)


@pytest.mark.parametrize("position", [Barrier.OPEN, Barrier.STOPPED_MID, Barrier.FORCED])
def test_an_open_boom_before_a_held_vehicle_is_an_alarm(position: Barrier) -> None:
    story = a_held_truck().boom(position).passes(9.0)
    assert calls(story) == 0
    story.passes(1.5)
    assert calls(story) == 1
    named = [each.passage_id for each in story.records(AlarmRaised) if each.code is LEFT_OPEN]
    assert named == [story.passage.passage_id]


def test_nor_is_it_forgotten_while_a_vehicle_is_checked_or_turned_back() -> None:
    checked = LaneStory().ready().truck_arrives().boom(Barrier.OPEN).passes(10.5)
    assert (checked.phase, calls(checked)) == (Phase.GATHERING, 1)
    turned = a_held_truck()
    turned.supervisor(Outcome.REFUSE)
    turned.boom(Barrier.OPEN).passes(10.5)
    assert (turned.phase, calls(turned)) == (Phase.TURNING_BACK, 1)


def test_a_raise_whose_echo_was_lost_and_that_opened_all_the_same_is_an_alarm() -> None:
    story = a_released_truck().raise_fails().boom(Barrier.OPENING).boom(Barrier.OPEN)
    assert story.phase is Phase.HELD
    assert calls(story.passes(10.5)) == 1


def test_one_that_was_up_already_when_the_release_was_taken_back_is_an_alarm() -> None:
    story = a_released_truck().boom_goes_up()
    story.starts().sees().boom(Barrier.OPEN).passes(1.0)  # interrupted
    story.boom(Barrier.STOPPED_MID).boom(Barrier.CLOSED)  # somebody else lowers it
    assert story.phase is Phase.HELD
    assert calls(story.boom(Barrier.OPEN).passes(10.5)) == 1


def test_a_vehicle_that_comes_under_an_open_boom_does_not_put_the_alarm_off() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).passes(5.0).truck_arrives().passes(4.5)
    assert calls(story) == 1
    assert calls(story.passes(30.0)) == 1, "once"


def test_nor_do_vehicles_that_come_and_go() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN)
    for _ in range(2):
        story.passes(1.0).truck_arrives().sees(entry_loop=False).passes(2.5)
    assert len(story.closed()) == 2
    assert calls(story.passes(2.0)) == 1


def test_one_that_comes_after_the_alarm_is_told_of_anew() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).passes(11.0)
    story.truck_arrives().passes(11.0)
    assert calls(story) == 2


def test_a_vehicle_that_is_held_after_all_under_an_open_boom_is_an_alarm() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).passes(11.0).waits_for_verdict()
    before = calls(story)
    story.manifest_answers()
    assert story.phase is Phase.HELD
    assert calls(story.passes(10.5)) == before + 1


def test_an_evacuation_that_ends_with_a_vehicle_held_is_an_alarm() -> None:
    story = a_held_truck()
    story.orders_evacuation()
    story.boom_goes_up().passes(60.0)
    assert calls(story) == 0
    story.ends_evacuation()
    assert calls(story.passes(10.5)) == 1


def test_a_boom_that_came_down_in_time_is_none() -> None:
    story = a_held_truck().boom(Barrier.OPEN).passes(5.0).boom(Barrier.CLOSED).passes(30.0)
    assert calls(story) == 0


def test_a_supervisors_release_under_an_open_boom_takes_it_back() -> None:
    story = a_held_truck().boom(Barrier.OPEN).passes(5.0)
    story.supervisor(Outcome.RELEASE)
    assert story.phase is Phase.RELEASING
    assert calls(story.passes(20.0)) == 0
    story.drives_out().passes(1.0)
    assert story.lowerings() == 1


def test_the_scale_that_speaks_meanwhile_does_not_put_it_off() -> None:
    story = a_held_truck().boom(Barrier.OPEN)
    for _ in range(11):
        story.passes(1.0).weighs(WeightState.SETTLED, 32_000).sees()
    assert calls(story) == 1


@pytest.mark.parametrize("position", [Barrier.STOPPED_MID, Barrier.FORCED])
def test_one_that_hangs_half_way_behind_a_vehicle_that_has_left_is_an_alarm(
    position: Barrier,
) -> None:
    story = a_released_truck().boom_goes_up().passes(60.0).drives_out().boom(position)
    assert story.phase is Phase.RELEASING
    assert calls(story.passes(10.5)) == 1
    story.orders_boom_down()
    assert story.lowerings() == 1
