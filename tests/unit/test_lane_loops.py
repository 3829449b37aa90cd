"""Somebody is called where a loop says what no ordinary vehicle says."""

from __future__ import annotations

import pytest

from gate_agent.domain.records import Alarm
from gate_agent.domain.vocabulary import Barrier, Phase, WeightState
from gate_agent.store.encoding import decode_state, encode_state
from tests.builders import GROSS_KG, LaneStory
from tests.lane_stories import a_held_truck, a_released_truck

ENTRY, EXIT = Alarm.ENTRY_LOOP_STUCK, Alarm.EXIT_LOOP_STUCK


def a_truck_that_is_past_the_boom() -> LaneStory:
    """Released, and off the exit loop a moment ago; the boom is still up."""
    return a_released_truck().boom_goes_up().drives_out()


# -- a second vehicle behind the released one


def test_an_ordinary_departure_is_no_tailgating() -> None:
    story = a_truck_that_is_past_the_boom().passes(0.6).boom_comes_down()
    assert story.phase is Phase.IDLE
    assert story.alarms() == []


def test_a_second_rise_of_the_exit_loop_in_one_opening_is_tailgating() -> None:
    story = a_truck_that_is_past_the_boom().passes(0.3)
    story.sees(exit_loop=True)
    assert story.alarms() == [Alarm.TAILGATING]


def test_so_is_one_that_comes_while_the_boom_is_already_coming_down() -> None:
    story = a_truck_that_is_past_the_boom().passes(0.6).boom(Barrier.CLOSING)
    assert story.phase is Phase.CLEARING
    story.sees(exit_loop=True)
    assert story.alarms() == [Alarm.TAILGATING]


def test_so_is_one_that_is_seen_before_the_boom_first() -> None:
    story = a_truck_that_is_past_the_boom().passes(0.3)
    story.sees(front_beam=True)
    assert story.alarms() == [Alarm.TAILGATING]


def test_one_following_vehicle_is_one_alarm() -> None:
    story = a_truck_that_is_past_the_boom().passes(0.3)
    story.sees(front_beam=True).sees(exit_loop=True).sees(front_beam=False).sees(exit_loop=False)
    story.sees(exit_loop=True).sees(exit_loop=False)
    assert story.alarms() == [Alarm.TAILGATING]


def test_the_gap_between_tractor_and_trailer_is_no_second_vehicle() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).weighs(WeightState.MOVING, 20_000).passes(1.0)
    for occupied in (True, False, True):  # the trailer still cuts the front beam
        story.sees(exit_loop=occupied).passes(0.4)
    story.weighs(WeightState.EMPTY, 0)
    story.sees(front_beam=False).passes(1.0).sees(exit_loop=False)
    assert story.alarms() == []


# -- a loop under the boom that is held


def test_an_exit_loop_held_longer_than_the_longest_vehicle_takes_is_an_alarm() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).weighs(WeightState.MOVING, 20_000).passes(1.0)
    story.sees(exit_loop=True).weighs(WeightState.EMPTY, 0).passes(19.9)
    assert Alarm.EXIT_LOOP_HELD not in story.alarms()
    story.passes(0.2)
    assert Alarm.EXIT_LOOP_HELD in story.alarms()
    story.passes(30.0)
    assert story.alarms().count(Alarm.EXIT_LOOP_HELD) == 1


def test_a_truck_that_takes_its_time_over_the_exit_loop_is_none() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).weighs(WeightState.MOVING, 20_000).passes(1.0)
    story.sees(exit_loop=True).weighs(WeightState.EMPTY, 0).passes(15.0)
    story.sees(front_beam=False).passes(1.0).sees(exit_loop=False).passes(0.6).boom_comes_down()
    story.passes(60.0)
    assert Alarm.EXIT_LOOP_HELD not in story.alarms()


# -- a detector that hangs


@pytest.mark.parametrize(("loop", "alarm"), [("entry_loop", ENTRY), ("exit_loop", EXIT)])
def test_a_loop_occupied_for_five_minutes_with_no_weight_is_an_alarm_once(
    loop: str, alarm: Alarm
) -> None:
    story = LaneStory().ready().sees(**{loop: True}).passes(299.0)
    assert alarm not in story.alarms()
    story.passes(2.0)
    assert story.alarms().count(alarm) == 1
    story.passes(900.0)
    assert story.alarms().count(alarm) == 1
    story.sees(**{loop: False}).passes(5.0).sees(**{loop: True}).passes(301.0)
    assert story.alarms().count(alarm) == 2


def test_a_queue_behind_a_held_truck_is_no_stuck_loop() -> None:
    story = a_held_truck().sees(entry_loop=True).passes(900.0)
    assert ENTRY not in story.alarms()


def test_vehicles_that_come_and_go_meanwhile_do_not_put_the_alarm_off_but_weight_does() -> None:
    story = LaneStory().ready().sees(exit_loop=True).passes(200.0)
    story.weighs(WeightState.SETTLED, GROSS_KG).passes(10.0)
    story.weighs(WeightState.EMPTY, 0).passes(200.0)
    assert EXIT not in story.alarms()
    story.passes(101.0)
    assert EXIT in story.alarms()


def test_a_passage_that_opens_and_ends_on_a_stuck_entry_loop_does_not_put_its_alarm_off() -> None:
    story = LaneStory().ready().sees(entry_loop=True).passes(100.0)
    story.sees(rear_beam=True).passes(100.0).sees(rear_beam=False).passes(101.0)
    assert ENTRY in story.alarms()


def test_a_scale_that_says_nothing_puts_it_off_no_longer_than_one_at_zero() -> None:
    story = LaneStory().ready().sees(entry_loop=True)
    story.weighs(WeightState.UNAVAILABLE).passes(301.0)
    assert ENTRY in story.alarms()


def test_a_loop_that_cannot_be_read_is_not_stuck_and_a_restart_watches_anew() -> None:
    story = LaneStory().ready().sees(exit_loop=True).passes(200.0)
    story.sees(exit_loop=None).passes(200.0)
    assert EXIT not in story.alarms()
    story.sees(exit_loop=True).passes(200.0)
    story.lane = decode_state(encode_state(story.lane))
    story.starts().sees().boom(Barrier.CLOSED).weighs(WeightState.EMPTY, 0).passes(299.0)
    assert EXIT not in story.alarms()
    story.passes(2.0)
    assert EXIT in story.alarms()
