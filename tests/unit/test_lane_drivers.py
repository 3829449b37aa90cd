"""What drivers should not do, and faults while they do it."""

from __future__ import annotations

import pytest

from gate_agent.domain.decision import Reason
from gate_agent.domain.effects import (
    Lamp,
    Record,
)
from gate_agent.domain.events import (
    FaultCleared,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import (
    Alarm,
    FaultChanged,
)
from gate_agent.domain.vocabulary import (
    Outcome,
    Phase,
    WeightState,
)
from tests.builders import GROSS_KG, POLICY, LaneStory, a_declaration
from tests.lane_stories import a_released_truck


def test_a_tailgater_is_an_alarm_and_is_judged_on_its_own_by_a_person() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True, exit_loop=True).weighs(WeightState.EMPTY, 0)
    story.sees(entry_loop=True, rear_beam=True).weighs(WeightState.MOVING, 4_000)
    assert story.alarms() == [Alarm.TAILGATING]
    story.sees(front_beam=False).sees(exit_loop=False).passes(1.0)
    story.boom_comes_down()
    assert (story.phase, story.passage.unexpected) == (Phase.GATHERING, True)
    assert len(story.closed()) == 1


def test_a_truck_that_waits_on_the_entry_loop_is_not_held_for_having_queued() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.sees(entry_loop=True).boom_comes_down()
    assert (story.phase, story.passage.unexpected) == (Phase.GATHERING, False)
    other = a_declaration(declaration_id="D2", plates=("粤C67890",))
    story.plate_is_read("粤C67890").drives_on().card().manifest_answers(other)
    assert story.phase is Phase.RELEASING


def test_a_second_truck_on_the_platform_keeps_the_boom_down() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.sees(rear_beam=True).sees(rear_beam=False).weighs(WeightState.SETTLED, GROSS_KG)
    story.manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("not_alone",))


def test_a_vehicle_from_the_exit_side_is_an_alarm_and_nothing_opens() -> None:
    story = LaneStory().ready().sees(exit_loop=True)
    assert story.alarms() == [Alarm.WRONG_WAY]
    assert story.lane.lamps == {Lamp.EXIT_RED}
    story.sees(front_beam=True)
    assert story.passage.unexpected


def test_a_vehicle_found_on_the_scale_is_unexpected() -> None:
    story = LaneStory().ready().weighs(WeightState.SETTLED, 12_000)
    assert story.passage.unexpected
    assert not story.passage.scale_zeroed


def test_a_weight_that_changes_between_verdict_and_open_boom_is_one_alarm() -> None:
    story = a_released_truck()
    for kg in (GROSS_KG - 40, GROSS_KG - 80, GROSS_KG - 100):
        story.weighs(WeightState.SETTLED, kg)
    assert story.alarms() == [Alarm.WEIGHT_CHANGED]


@pytest.mark.parametrize("code", list(FaultCode))
def test_a_fault_is_reported_once_when_it_begins_and_once_when_it_ends(code: FaultCode) -> None:
    story = LaneStory().ready().fault(code).fault(code).repaired(code).repaired(code)
    assert [(f.code, f.raised) for f in story.records(FaultChanged)] == [
        (code, True),
        (code, False),
    ]


def test_a_fault_never_moves_a_boom_or_a_vehicle() -> None:
    story = LaneStory().ready().waits_for_verdict()
    before = story.phase
    for code in FaultCode:
        story.fault(code)
    assert story.phase is before
    assert story.raises() == story.lowerings() == 0


def test_all_lamps_are_switched_again_when_the_board_is_back() -> None:
    story = LaneStory().ready().fault(FaultCode.BUS_LINK)
    effects = story.happens(FaultCleared(code=FaultCode.BUS_LINK))
    assert sum(not isinstance(effect, Record) for effect in effects) == len(Lamp) + 1


def test_a_vehicle_that_is_found_on_the_platform_is_a_persons_within_seconds() -> None:
    lane = LaneStory().ready().sees(rear_beam=True)
    assert lane.phase is Phase.GATHERING

    lane.passes(POLICY.unexpected_gather_s + 0.1)
    lane.manifest_answers()

    assert lane.phase is Phase.HELD
    assert Reason.UNEXPECTED_VEHICLE in lane.verdict[1]
