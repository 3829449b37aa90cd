"""An emergency stop or the key at the barrier: somebody has the boom in hand, and keeps it."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import Lamp, LowerBarrier, Sign
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import Alarm, CommandRefused, Refusal
from gate_agent.domain.vocabulary import Barrier, Left, Outcome, Phase, WeightState
from gate_agent.store.encoding import decode_state, encode_state
from gate_agent.wire import v1
from gate_agent.wire.convert import body_of
from tests.builders import LaneStory
from tests.lane_stories import a_held_truck, a_released_truck, last_refusal

IN_HAND = pytest.mark.parametrize("code", [FaultCode.EMERGENCY_STOP, FaultCode.MANUAL_SWITCH])


@IN_HAND
def test_resetting_the_emergency_stop_moves_nothing(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up().fault(code).drives_out().passes(5.0)
    before = story.lane.barrier
    story.repaired(code).passes(600.0)
    assert story.lowerings() == 0
    assert story.lane.barrier is before is Barrier.OPEN
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.RELEASE, Left.EXIT)
    assert story.phase is Phase.IDLE
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()
    assert Lamp.ENTRY_GREEN not in story.lane.lamps
    story.orders_boom_down()
    assert story.lowerings() == 1


@IN_HAND
def test_nor_does_one_that_was_reset_before_the_truck_left(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up().fault(code).passes(3.0).repaired(code)
    story.drives_out().passes(20.0)
    assert story.lowerings() == 0
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()


@IN_HAND
def test_a_boom_stopped_on_its_way_down_goes_on_by_a_persons_order_only(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0).boom(Barrier.CLOSING)
    story.fault(code).boom(Barrier.STOPPED_MID).passes(5.0).repaired(code).passes(60.0)
    assert story.lowerings() == 1
    story.boom(Barrier.OPEN).passes(60.0)  # raised from its cabinet
    assert story.lowerings() == 1
    story.orders_boom_down()
    assert story.lowerings() == 2


@IN_HAND
def test_a_restart_does_not_forget_who_had_the_boom_in_hand(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up().fault(code)
    story.lane = decode_state(encode_state(story.lane))
    story.starts().sees().boom(Barrier.OPEN).weighs(WeightState.UNAVAILABLE)
    story.drives_out().passes(20.0)
    assert story.lowerings() == 0


@IN_HAND
def test_the_alarm_comes_within_ten_seconds_while_the_stop_is_still_pressed(
    code: FaultCode,
) -> None:
    story = a_released_truck().boom_goes_up().fault(code).drives_out().passes(11.0)
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()


@IN_HAND
def test_the_passage_after_it_is_lowered_behind_again(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up().fault(code).drives_out().repaired(code).passes(5.0)
    story.orders_boom_down()
    story.boom_comes_down().waits_for_verdict().manifest_answers()
    story.supervisor(Outcome.RELEASE)  # the same plate again, so soon
    story.boom_goes_up().drives_out().passes(1.0)
    assert story.lowerings() == 2


@IN_HAND
def test_no_order_raises_a_boom_that_somebody_has_in_hand(code: FaultCode) -> None:
    story = a_held_truck().fault(code)
    story.supervisor(Outcome.RELEASE)
    assert story.raises() == 0
    assert story.phase is Phase.HELD
    assert last_refusal(story) is Refusal.IN_HAND
    sent = body_of(story.records(CommandRefused)[-1])
    assert v1.decode_body(v1.encode(sent)) == sent
    story.repaired(code)
    story.supervisor(Outcome.RELEASE)
    assert story.raises() == 1


@IN_HAND
def test_a_truck_may_be_refused_while_somebody_has_the_boom_in_hand(code: FaultCode) -> None:
    story = a_held_truck().fault(code)
    story.supervisor(Outcome.REFUSE)
    assert story.phase is Phase.TURNING_BACK
    story.supervisor(Outcome.RELEASE)
    assert (story.phase, last_refusal(story)) == (Phase.TURNING_BACK, Refusal.IN_HAND)


@IN_HAND
def test_a_release_that_was_refused_uses_up_neither_paper_nor_slip(code: FaultCode) -> None:
    story = a_held_truck().fault(code)
    effects = story.supervisor(Outcome.RELEASE)
    assert [type(effect).__name__ for effect in effects] == ["Record"]
    assert story.lane.used_slips == ()


@IN_HAND
def test_no_order_lowers_a_boom_that_somebody_has_in_hand(code: FaultCode) -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).fault(code)
    story.orders_boom_down()
    assert not story.all(LowerBarrier)
    assert last_refusal(story) is Refusal.IN_HAND
    story.repaired(code)
    story.orders_boom_down()
    assert story.lowerings() == 1


@IN_HAND
def test_nobody_is_told_to_drive_under_a_boom_that_somebody_has_in_hand(code: FaultCode) -> None:
    story = a_released_truck().boom_goes_up()
    assert story.lane.lamps == {Lamp.EXIT_GREEN}
    story.fault(code)
    assert (story.lane.lamps, story.lane.sign) == ({Lamp.EXIT_RED}, Sign.WAIT_FOR_OFFICER)
    story.repaired(code)
    assert (story.lane.lamps, story.lane.sign) == ({Lamp.EXIT_GREEN}, Sign.PROCEED)


@IN_HAND
def test_nor_in_an_evacuation(code: FaultCode) -> None:
    story = LaneStory().ready()
    story.orders_evacuation()
    story.boom_goes_up().fault(code)
    assert story.lane.lamps == {Lamp.EXIT_RED}
