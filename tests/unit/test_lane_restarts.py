"""What a restart in mid passage does, and never does."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import (
    ArmDeadline,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import (
    Alarm,
    FaultChanged,
    LaneStarted,
    PassageClosed,
    Timeline,
)
from gate_agent.domain.vocabulary import (
    Barrier,
    Instant,
    Left,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from gate_agent.wire import convert, v1
from tests.builders import GROSS_KG, LaneStory, a_declaration
from tests.lane_stories import a_held_truck, a_released_truck


@pytest.mark.parametrize("phase", list(Phase))
def test_a_restart_in_any_phase_never_raises_the_boom(phase: Phase) -> None:
    story = _in_phase(phase)
    raises = story.raises()
    story.starts()
    story.sees().boom(Barrier.CLOSED).passes(120.0)
    assert story.raises() == raises
    if phase is Phase.IDLE:
        assert story.phase is Phase.IDLE
    assert story.records(LaneStarted)[-1].interrupted == (
        None if phase is Phase.IDLE else "lane1-e-000001"
    )


def _in_phase(phase: Phase) -> LaneStory:
    match phase:
        case Phase.IDLE:
            return LaneStory().ready()
        case Phase.GATHERING:
            return LaneStory().ready().waits_for_verdict()
        case Phase.HELD:
            return a_held_truck()
        case Phase.RELEASING:
            return a_released_truck()
        case Phase.CLEARING:
            return a_released_truck().boom_goes_up().drives_out().passes(1.0)
        case Phase.TURNING_BACK:
            story = a_held_truck()
            story.supervisor(Outcome.REFUSE)
            return story


@pytest.mark.parametrize("phase", [Phase.GATHERING, Phase.HELD, Phase.TURNING_BACK])
def test_a_vehicle_found_in_the_lane_after_a_restart_waits_for_a_person(phase: Phase) -> None:
    story = _in_phase(phase).starts()
    assert story.phase is Phase.HELD
    assert "interrupted" in story.verdict[1]


def test_a_restart_does_not_soften_a_verdict_of_inspect() -> None:
    story = LaneStory(declarations=(a_declaration(holds=("customs",)),))
    story.ready().waits_for_verdict().manifest_answers()
    story.starts()
    assert story.verdict == (Outcome.INSPECT, ("agency_hold", "interrupted"))


def test_a_restart_under_an_open_boom_lowers_it_after_the_truck() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).sees(exit_loop=True).starts()
    story.sees(front_beam=False).sees(exit_loop=False).boom(Barrier.OPEN).passes(1.0)
    assert story.phase is Phase.CLEARING
    story.boom_comes_down()
    assert [closed.left for closed in story.closed()] == [Left.EXIT]


def test_a_restart_with_the_boom_down_and_the_truck_gone_closes_the_passage() -> None:
    story = _in_phase(Phase.CLEARING).starts().sees().boom(Barrier.CLOSED)
    assert [closed.left for closed in story.closed()] == [Left.EXIT]
    assert story.phase is Phase.IDLE


def test_a_restart_between_raise_and_boom_hands_the_truck_to_a_person() -> None:
    story = a_released_truck().starts().sees().weighs(WeightState.SETTLED, GROSS_KG)
    story.boom(Barrier.CLOSED)
    assert story.phase is Phase.HELD
    assert "interrupted" in story.verdict[1]


def test_a_boom_up_after_a_restart_is_watched() -> None:
    story = a_released_truck().boom_goes_up().starts().sees().boom(Barrier.OPEN)
    story.weighs(WeightState.SETTLED, GROSS_KG)
    assert Alarm.OPEN_TOO_LONG in story.passes(40.0).alarms()


def test_deadlines_of_the_life_before_the_restart_change_nothing() -> None:
    story = a_held_truck()
    armed = story.all(ArmDeadline)
    story.starts()
    before = story.lane
    story.due = {deadline.token: story.at.mono_s for deadline in armed}
    assert story.passes(1.0).lane == before


def test_a_fault_that_a_restart_forgets_is_recorded_as_ended() -> None:
    lane = LaneStory().ready().fault(FaultCode.SCALE_LINK)

    lane.starts()

    changes = [(change.code, change.raised) for change in lane.records(FaultChanged)]
    assert changes == [(FaultCode.SCALE_LINK, True), (FaultCode.SCALE_LINK, False)]


def test_a_reboot_in_mid_passage_leaves_no_negative_times_in_the_record() -> None:
    before_reboot = Instant(9_000.0, 1_790_000_000_000)
    after_reboot = Instant(40.0, 1_790_000_120_000)
    closed = PassageClosed(
        passage_id=PassageId("lane1-00000000-000001"),
        outcome=Outcome.HOLD,
        decided_by="lane",
        left=Left.UNSEEN,
        arrived_at=before_reboot,
        timeline=Timeline(
            plate=before_reboot, card=before_reboot, weight=before_reboot, raise_sent=after_reboot
        ),
    )

    body = convert.body_of(closed)

    assert isinstance(body, v1.PassageClosed)
    assert body.timeline.raise_sent_ms == 120_000
    assert body.timeline.decision_us is None
