"""Whoever stands under the boom hears and reads that it comes down, whoever brings it down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate_agent.domain.effects import Lamp, LowerBarrier, Sign
from gate_agent.domain.events import BarrierCommandFailed
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier, Outcome, WeightState
from gate_agent.store.encoding import decode_state, encode_state
from tests.builders import LaneStory
from tests.lane_stories import a_held_truck, a_released_truck


def sounds(story: LaneStory) -> bool:
    return Lamp.SOUNDER in story.lane.lamps


def a_boom_left_open() -> LaneStory:
    return LaneStory().ready().boom(Barrier.OPEN).passes(15.0)


def test_a_boom_lowered_by_order_over_an_empty_lane_sounds() -> None:
    story = a_boom_left_open()
    assert not sounds(story)
    story.orders_boom_down()
    assert sounds(story), "from the order on, not only once it moves"
    assert story.lane.sign is Sign.BOOM_CLOSING
    story.boom(Barrier.CLOSING).passes(1.5)
    assert sounds(story)
    story.boom(Barrier.CLOSED)
    assert not sounds(story)
    assert story.lane.sign is Sign.WELCOME


def test_it_sounds_until_the_boom_is_down_however_long_that_takes() -> None:
    story = a_boom_left_open()
    story.orders_boom_down()
    story.boom(Barrier.CLOSING).boom(Barrier.STOPPED_MID).passes(60.0)
    assert sounds(story)
    story.boom(Barrier.CLOSED)
    assert not sounds(story)


def test_it_falls_silent_where_the_boom_reverses_or_the_board_refuses_to_lower() -> None:
    story = a_boom_left_open()
    story.orders_boom_down()
    story.boom(Barrier.CLOSING).boom(Barrier.OPENING)
    assert not sounds(story)
    story.boom(Barrier.OPEN)
    story.orders_boom_down()
    assert sounds(story)
    story.lowering_fails()
    assert not sounds(story)
    assert story.lane.sign is Sign.OUT_OF_SERVICE


def test_the_late_refusal_of_an_older_order_silences_nothing() -> None:
    story = a_boom_left_open()
    story.orders_boom_down()
    older = story.last(LowerBarrier).command_id
    story.boom(Barrier.CLOSING).boom(Barrier.OPENING).boom(Barrier.OPEN)
    story.orders_boom_down()
    story.happens(BarrierCommandFailed(command_id=older, why="late"))
    assert sounds(story)


def an_empty_lane() -> LaneStory:
    return LaneStory().ready()


def a_truck_that_is_checked() -> LaneStory:
    return LaneStory().ready().truck_arrives()


@pytest.mark.parametrize(
    "begun", [an_empty_lane, a_truck_that_is_checked, a_held_truck, a_released_truck]
)
def test_a_boom_that_comes_down_without_the_lane_sounds_in_every_phase(
    begun: Callable[[], LaneStory],
) -> None:
    story = begun()
    phase = story.phase
    story.boom(Barrier.OPEN).boom(Barrier.CLOSING)
    assert story.phase is phase
    assert sounds(story)
    assert story.lane.sign is Sign.BOOM_CLOSING
    story.boom(Barrier.CLOSED)
    assert not sounds(story)


def test_a_boom_that_leaves_its_upper_limit_by_itself_sounds_until_it_is_seen_to_stay() -> None:
    story = a_boom_left_open().boom(Barrier.FORCED)
    assert sounds(story)
    story.passes(11.0)
    assert not sounds(story), "an alarm has called somebody; it hangs there"
    story.boom(Barrier.OPEN).boom(Barrier.FORCED).boom(Barrier.CLOSED)
    assert not sounds(story)


def test_one_that_somebody_raised_by_force_does_not_sound() -> None:
    assert not sounds(LaneStory().ready().boom(Barrier.FORCED))


def test_a_restart_while_the_boom_comes_down_does_not_silence_it() -> None:
    for story in (a_boom_left_open(), a_released_truck().boom_goes_up().drives_out()):
        story.passes(1.0)
        if not story.lowerings():
            story.orders_boom_down()
        story.boom(Barrier.CLOSING)
        story.lane = decode_state(encode_state(story.lane))
        story.starts().sees().boom(Barrier.UNKNOWN)
        assert sounds(story)
        assert story.lane.sign is Sign.BOOM_CLOSING
        story.boom(Barrier.CLOSED).weighs(WeightState.EMPTY, 0)
        assert not sounds(story)


def test_an_evacuation_ordered_while_it_comes_down_sounds_until_it_goes_up() -> None:
    story = a_boom_left_open()
    story.orders_boom_down()
    story.boom(Barrier.CLOSING)
    story.orders_evacuation()
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.SOUNDER, Lamp.STROBE}
    story.boom(Barrier.OPENING)
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.STROBE}


def test_an_emergency_stop_on_the_way_down_leaves_the_warning_on() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0).boom(Barrier.CLOSING)
    story.fault(FaultCode.EMERGENCY_STOP).boom(Barrier.STOPPED_MID).passes(20.0)
    assert sounds(story)
    assert story.closed() == []
    story.boom(Barrier.CLOSED)
    assert story.closed()[0].outcome is Outcome.RELEASE
    assert not sounds(story)
