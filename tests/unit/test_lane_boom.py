"""When the boom moves, when it stays, and when somebody is called."""

from __future__ import annotations

from gate_agent.domain.effects import (
    Lamp,
    LowerBarrier,
    RaiseBarrier,
    Sign,
)
from gate_agent.domain.events import (
    BarrierCommandFailed,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import (
    Alarm,
    FaultChanged,
    Refusal,
)
from gate_agent.domain.vocabulary import (
    Barrier,
    Left,
    Outcome,
    Phase,
    WeightState,
)
from tests.builders import GROSS_KG, LaneStory
from tests.lane_stories import a_held_truck, a_released_truck, last_refusal


def test_a_raise_that_fails_hands_the_truck_to_a_person() -> None:
    story = a_released_truck().raise_fails()
    assert story.phase is Phase.HELD
    assert story.verdict == (Outcome.HOLD, ("release_failed",))
    story.supervisor(Outcome.RELEASE)
    assert [raised.command_id[-7:] for raised in story.all(RaiseBarrier)] == ["raise-1", "raise-2"]


def test_the_failure_of_an_older_raise_does_not_take_the_new_one_back() -> None:
    story = a_released_truck().raise_fails()
    first = story.last(RaiseBarrier).command_id
    story.supervisor(Outcome.RELEASE)
    story.happens(BarrierCommandFailed(command_id=first, why="late"))
    assert story.phase is Phase.RELEASING


def test_a_late_failure_of_the_raise_does_not_stop_the_lowering() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.raise_fails()
    assert story.phase is Phase.CLEARING


def test_a_boom_that_never_moves_is_a_fault_and_hands_the_truck_to_a_person() -> None:
    story = a_released_truck().passes(7.0)
    assert story.phase is Phase.HELD
    assert FaultCode.BARRIER_STUCK in story.lane.faults
    story.supervisor(Outcome.RELEASE)
    story.boom_goes_up()
    assert FaultCode.BARRIER_STUCK not in story.lane.faults


def test_a_boom_stuck_twice_is_reported_as_one_fault() -> None:
    story = a_released_truck().passes(7.0)
    story.supervisor(Outcome.RELEASE)
    story.passes(7.0)
    assert [fault.raised for fault in story.records(FaultChanged)] == [True]


def test_a_boom_stuck_half_way_and_then_closed_by_hand_gives_the_truck_back_to_a_person() -> None:
    story = a_released_truck().boom(Barrier.OPENING).boom(Barrier.STOPPED_MID).passes(7.0)
    assert story.phase is Phase.HELD
    assert FaultCode.BARRIER_STUCK in story.lane.faults
    story.boom(Barrier.CLOSED)
    assert story.phase is Phase.HELD
    assert FaultCode.BARRIER_STUCK not in story.lane.faults


def test_a_boom_that_somebody_closed_before_the_truck_left_gives_it_back_to_a_person() -> None:
    story = a_released_truck().boom_goes_up().boom(Barrier.CLOSING).boom(Barrier.CLOSED)
    assert story.phase is Phase.HELD
    assert story.verdict[1] == ("release_failed",)


def test_the_boom_stays_up_over_an_exit_loop_that_cannot_be_read() -> None:
    story = a_released_truck().boom_goes_up().drives_out()
    story.sees(exit_loop=None).passes(60.0)
    assert story.lowerings() == 0
    assert Alarm.OPEN_TOO_LONG in story.alarms()


def test_the_boom_stays_up_when_the_truck_was_never_seen_on_the_exit_loop() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).sees(front_beam=False).weighs(WeightState.EMPTY, 0).passes(15.0)
    assert story.lowerings() == 0
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()
    story.orders_boom_down()
    assert story.phase is Phase.CLEARING
    story.boom_comes_down()
    assert [closed.left for closed in story.closed()] == [Left.UNSEEN]


def test_the_vehicle_that_still_stood_on_the_exit_loop_does_not_lower_the_boom_on_the_next() -> (
    None
):
    story = LaneStory().ready().waits_for_verdict()
    story.sees(exit_loop=True)  # somebody else, beyond the boom
    story.manifest_answers()
    story.boom_goes_up().weighs(WeightState.SETTLED, GROSS_KG).sees(front_beam=True)
    story.sees(front_beam=False).sees(exit_loop=False).passes(5.0)
    assert story.lowerings() == 0
    story.drives_out().passes(1.0)
    assert story.lowerings() == 1


def test_an_exit_seen_before_a_failed_release_does_not_lower_the_boom_in_the_next() -> None:
    story = a_released_truck().sees(exit_loop=True).sees(exit_loop=False).raise_fails()
    story.boom(Barrier.OPEN)  # opened by hand
    story.supervisor(Outcome.RELEASE)
    assert story.passes(5.0).lowerings() == 0
    story.drives_out().passes(1.0)
    assert story.lowerings() == 1


def test_a_release_under_an_open_boom_is_watched_like_any_other() -> None:
    story = a_held_truck().boom(Barrier.OPEN)
    story.supervisor(Outcome.RELEASE)
    assert (story.phase, story.raises()) == (Phase.RELEASING, 0)
    assert story.lane.lamps == {Lamp.EXIT_GREEN}
    assert Alarm.OPEN_TOO_LONG in story.passes(40.0).alarms()


def test_a_boom_that_reverses_is_lowered_again_by_a_new_command() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.boom(Barrier.CLOSING).sees(exit_loop=True).boom(Barrier.OPENING).boom(Barrier.OPEN)
    assert story.phase is Phase.RELEASING
    story.sees(exit_loop=False).passes(1.0)
    ids = [lowering.command_id for lowering in story.all(LowerBarrier)]
    assert len(ids) == len(set(ids)) == 2


def test_a_boom_that_reverses_and_stays_up_is_an_alarm() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.boom(Barrier.CLOSING).sees(exit_loop=True).boom(Barrier.OPENING).boom(Barrier.OPEN)
    assert Alarm.OPEN_TOO_LONG in story.passes(40.0).alarms()


def test_a_lowering_that_the_interlock_refused_is_tried_again() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.lowering_fails()
    assert story.phase is Phase.RELEASING
    assert story.passes(1.0).lowerings() == 2


def test_a_boom_that_does_not_come_down_is_an_alarm_and_a_person_may_order_it() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    story.boom(Barrier.CLOSING).boom(Barrier.STOPPED_MID).passes(15.0)
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()
    story.orders_boom_down()
    assert story.lowerings() == 2
    story.boom_comes_down()
    assert story.phase is Phase.IDLE


def test_a_boom_that_opens_over_an_idle_lane_is_an_alarm_only_if_it_stays_open() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).passes(3.0).boom(Barrier.CLOSED).passes(20.0)
    assert story.alarms() == []
    story.boom(Barrier.OPEN).passes(11.0)
    assert story.alarms() == [Alarm.BOOM_LEFT_OPEN]


def test_an_idle_lane_says_when_an_ordered_lowering_did_not_happen() -> None:
    story = LaneStory().ready().boom(Barrier.OPEN).passes(2.0)
    story.orders_boom_down()
    story.passes(11.0)
    assert story.alarms() == [Alarm.BOOM_LEFT_OPEN]


def test_a_boom_still_open_when_a_held_truck_is_gone_is_an_alarm() -> None:
    story = a_held_truck().boom(Barrier.OPEN).backs_out().passes(15.0)
    assert story.phase is Phase.IDLE
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()


def test_a_held_truck_that_drives_out_under_an_open_boom_is_recorded_as_such() -> None:
    story = a_held_truck().boom(Barrier.OPEN).drives_out().passes(2.0)
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.HOLD, Left.EXIT)
    assert Alarm.LEFT_UNRELEASED in story.alarms()


def test_a_boom_order_is_refused_over_a_lane_that_is_not_empty_or_a_boom_that_is_not_open() -> None:
    story = LaneStory().ready()
    story.orders_boom_down()
    assert last_refusal(story) is Refusal.BOOM_NOT_OPEN
    story.boom(Barrier.OPEN).weighs(WeightState.SETTLED, 200)  # a person on the platform
    story.orders_boom_down()
    assert last_refusal(story) is Refusal.LANE_NOT_EMPTY
    story.weighs(WeightState.EMPTY, 0).sees(exit_loop=None)
    story.orders_boom_down()
    assert last_refusal(story) is Refusal.LANE_NOT_EMPTY
    story.sees(exit_loop=False)
    story.orders_boom_down(valid_s=-1.0)
    assert last_refusal(story) is Refusal.EXPIRED
    assert story.lowerings() == 0
    story.orders_boom_down()
    story.commands -= 1
    story.orders_boom_down()
    assert story.lowerings() == 1


def test_a_forced_boom_is_an_alarm() -> None:
    story = LaneStory().ready().boom(Barrier.FORCED).boom(Barrier.FORCED)
    assert story.alarms() == [Alarm.BOOM_FORCED]


def test_an_emergency_stop_puts_the_exit_lamp_to_red_and_leaves_the_boom_where_it_is() -> None:
    story = a_released_truck().boom_goes_up().fault(FaultCode.EMERGENCY_STOP)
    assert story.lane.lamps == {Lamp.EXIT_RED}
    assert story.drives_out().passes(5.0).lowerings() == 0


def test_the_sign_stops_saying_proceed_when_the_boom_comes_down() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    assert story.lane.sign is Sign.BOOM_CLOSING
