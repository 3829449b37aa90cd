"""Whoever stands beside the boom sees that it moves, or may, whichever way."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import Lamp
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier, Phase
from tests.builders import LaneStory
from tests.lane_stories import a_held_truck, a_released_truck


def flashes(story: LaneStory) -> bool:
    return Lamp.STROBE in story.lane.lamps


def test_it_flashes_from_the_order_to_raise_until_the_boom_is_up() -> None:
    story = a_held_truck()
    assert not flashes(story)
    story = a_released_truck()
    assert flashes(story), "before the boom moves"
    story.boom(Barrier.OPENING)
    assert flashes(story)
    story.boom(Barrier.OPEN)
    assert not flashes(story)


def test_it_flashes_before_the_lane_lowers_by_itself_and_until_the_boom_is_down() -> None:
    story = a_released_truck().boom_goes_up().drives_out()
    assert story.phase is Phase.RELEASING
    assert not story.lowerings()
    assert flashes(story), "half a second before the order"
    story.passes(0.6)
    assert story.lowerings() == 1
    assert flashes(story)
    story.boom_comes_down()
    assert not flashes(story)


@pytest.mark.parametrize(
    "position", [Barrier.STOPPED_MID, Barrier.FORCED, Barrier.FAULT, Barrier.UNKNOWN]
)
def test_it_flashes_as_long_as_nobody_knows_where_the_boom_will_be(position: Barrier) -> None:
    story = LaneStory().ready()
    assert not flashes(story)
    story.boom(position).passes(600.0)
    assert flashes(story)
    story.boom(Barrier.CLOSED)
    assert not flashes(story)


def test_it_does_not_flash_over_a_boom_that_is_held_down_by_hand_in_an_evacuation() -> None:
    story = LaneStory().ready().fault(FaultCode.EMERGENCY_STOP)
    story.orders_evacuation()
    assert not flashes(story)
    story.repaired(FaultCode.EMERGENCY_STOP)
    assert flashes(story), "now it is raised"
