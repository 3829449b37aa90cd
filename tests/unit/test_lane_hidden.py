"""A vehicle that nothing felt for a while may be another one: a person looks."""

from __future__ import annotations

import pytest

from gate_agent.domain.events import PolicyChanged
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import Alarm, PassageDecided, PolicyAdopted
from gate_agent.domain.vocabulary import Outcome, Phase, WeightState
from tests.builders import GROSS_KG, LaneStory
from tests.lane_stories import a_held_truck, a_released_truck
from tests.policy_cases import changed_pack


def the_board_is_lost(story: LaneStory) -> LaneStory:
    return story.sees(entry_loop=None, front_beam=None, rear_beam=None, exit_loop=None)


def the_board_is_back(story: LaneStory, *, entry_loop: bool = False) -> LaneStory:
    return story.sees(entry_loop=entry_loop, front_beam=False, rear_beam=False, exit_loop=False)


def test_a_truck_that_takes_the_place_of_another_behind_a_lost_board_is_not_released_for_it() -> (
    None
):
    story = LaneStory().ready().truck_arrives().plate_is_read().card().manifest_answers()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(2.0)
    story.sees(rear_beam=False, entry_loop=False).weighs(WeightState.MOVING, GROSS_KG)
    the_board_is_lost(story)
    story.weighs(WeightState.EMPTY, 0).passes(12.0)  # it backs out, and the next one comes
    story.weighs(WeightState.MOVING, GROSS_KG).passes(3.0)
    the_board_is_back(story).passes(1.0).weighs(WeightState.SETTLED, GROSS_KG).passes(60.0)
    if story.lane.passage is not None and story.lane.passage.lookup is not None:
        story.manifest_answers()
    outcome, reasons = story.verdict
    assert outcome is Outcome.HOLD
    assert "interrupted" in reasons
    assert story.raises() == 0


def test_a_board_that_is_lost_under_a_truck_on_the_scale_does_not_lose_the_truck() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().card().manifest_answers()
    story.drives_on()
    the_board_is_lost(story)
    story.passes(5.0).weighs(WeightState.SETTLED, GROSS_KG).passes(5.0)
    the_board_is_back(story)
    assert not story.passage.interrupted


def test_a_board_that_misses_a_turn_costs_nothing() -> None:
    story = LaneStory().ready().truck_arrives()
    the_board_is_lost(story).passes(0.5)
    the_board_is_back(story, entry_loop=True)
    story.plate_is_read().drives_on().card().manifest_answers()
    assert story.phase is Phase.RELEASING


def test_a_held_truck_that_was_lost_from_sight_is_shown_as_such() -> None:
    story = a_held_truck()
    before = len(story.records(PassageDecided))
    the_board_is_lost(story)
    story.weighs(WeightState.UNAVAILABLE).passes(4.0)
    the_board_is_back(story)
    assert story.phase is Phase.HELD
    assert len(story.records(PassageDecided)) == before + 1
    assert "interrupted" in story.verdict[1]


def test_without_a_tail_at_the_rear_beam_nothing_is_weighed() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().card().manifest_answers()
    story.weighs(WeightState.MOVING, GROSS_KG).passes(4.0)  # the beam says nothing
    story.swings_between(GROSS_KG - 100, GROSS_KG + 100).passes(1.0)
    story.weighs(WeightState.SETTLED, GROSS_KG).passes(60.0)
    if story.lane.passage is not None and story.lane.passage.lookup is not None:
        story.manifest_answers()
    outcome, reasons = story.verdict
    assert outcome is Outcome.HOLD
    assert "weight_missing" in reasons
    assert Alarm.REAR_BEAM_UNCUT in story.alarms()


def test_new_rules_reach_the_next_truck_though_it_queues_already() -> None:
    story = a_released_truck()
    story.happens(PolicyChanged(pack=changed_pack(version="tighter")))
    assert story.records(PolicyAdopted) == []
    story.boom_goes_up()
    story.sees(entry_loop=True)  # the next one
    story.drives_out().passes(1.0).boom_comes_down()
    assert story.phase is Phase.GATHERING
    assert story.lane.pack.version == "tighter"
    assert [each.version for each in story.records(PolicyAdopted)] == ["tighter"]
    story.plate_is_read().drives_on().card().manifest_answers()
    assert story.records(PassageDecided)[-1].pack.version == "tighter"


def test_a_clock_that_was_known_to_be_wrong_stays_so_after_a_restart() -> None:
    story = LaneStory().ready().fault(FaultCode.CLOCK).fault(FaultCode.CARD_LINK)
    story.ready()
    assert story.lane.faults == {FaultCode.CLOCK}
    story.waits_for_verdict().manifest_answers()
    assert "clock_doubtful" in story.verdict[1]
    story.repaired(FaultCode.CLOCK)
    assert story.lane.faults == frozenset()


@pytest.mark.parametrize("late", [False, True])
def test_a_vehicle_that_leaves_the_scale_before_the_boom_is_up_is_an_alarm(*, late: bool) -> None:
    story = a_released_truck()
    if late:
        story.boom_goes_up()
    story.weighs(WeightState.EMPTY, 0)
    assert (Alarm.WEIGHT_CHANGED in story.alarms()) is not late
