"""LOCKED_OPEN: everybody drives out, nothing comes down, nobody is released, all is on record."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import (
    Effect,
    Lamp,
    LowerBarrier,
    MarkUsed,
    RaiseForEvacuation,
    Record,
    Sign,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import (
    Alarm,
    CommandCarriedOut,
    CommandRefused,
    PassageDecided,
    Refusal,
)
from gate_agent.domain.vocabulary import Barrier, Left, Mode, Outcome, Phase, WeightState
from gate_agent.runtime.health import health_of
from gate_agent.store.encoding import decode_state, encode_state
from gate_agent.store.held_manifest import HeldManifest
from gate_agent.wire import v1
from gate_agent.wire.convert import body_of
from tests.builders import LaneStory

GREEN = {Lamp.ENTRY_GREEN, Lamp.EXIT_GREEN}


def raised(effects: tuple[Effect, ...] | list[Effect]) -> list[str]:
    return [each.command_id for each in effects if isinstance(each, RaiseForEvacuation)]


def refusals(story: LaneStory) -> list[Refusal]:
    return [body.why for body in story.records(CommandRefused)]


def evacuated() -> LaneStory:
    """An idle lane whose boom was raised for everybody."""
    story = LaneStory().ready()
    story.orders_evacuation()
    return story.boom_goes_up()


def held() -> LaneStory:
    """A vehicle waits for a person."""
    story = LaneStory(declarations=()).ready().truck_arrives().plate_is_read().drives_on()
    story.card("FFFFFFFF")
    story.manifest_answers()
    story.supervisor(Outcome.REFUSE)
    return story


def test_the_order_is_on_record_before_the_boom_goes_up() -> None:
    story = LaneStory().ready()
    effects = story.orders_evacuation()
    (done,) = story.records(CommandCarriedOut)
    assert (done.command, done.by, done.reason) == ("evacuate", "li.wei", "fire")
    (command_id,) = raised(effects)
    assert done.command_id in command_id
    kinds = [type(each) for each in effects]
    assert kinds.index(Record) < kinds.index(RaiseForEvacuation)
    assert story.alarms() == [Alarm.EVACUATION]
    assert v1.decode_body(v1.encode(body_of(done))) == body_of(done)


def test_lamps_and_sign_tell_to_drive_out_once_the_boom_is_up() -> None:
    story = LaneStory().ready()
    story.orders_evacuation()
    assert story.lane.sign is Sign.EVACUATION
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.STROBE}
    story.boom_goes_up()
    assert story.lane.lamps == GREEN
    story.fault(FaultCode.EMERGENCY_STOP)
    assert story.lane.lamps == {Lamp.EXIT_RED}


def test_a_boom_that_comes_down_by_itself_is_raised_again_and_somebody_is_called() -> None:
    story = evacuated()
    before = len(story.effects)
    story.boom(Barrier.FORCED)
    assert len(raised(story.effects[before:])) == 1
    story.boom(Barrier.OPENING).boom(Barrier.OPEN)
    assert story.alarms().count(Alarm.EVACUATION) == 2
    assert len(set(raised(story.effects))) == 2  # each with an id of its own


def test_a_raise_that_is_lost_is_tried_again_until_the_boom_is_up() -> None:
    story = LaneStory().ready()
    story.orders_evacuation()
    story.fault(FaultCode.BUS_LINK).boom(Barrier.UNKNOWN).passes(60.0)
    tried = len(raised(story.effects))
    assert tried > 3
    story.repaired(FaultCode.BUS_LINK).boom(Barrier.CLOSED)
    assert len(raised(story.effects)) == tried + 1  # at once, as soon as the board is back
    story.boom_goes_up().passes(600.0)
    assert len(raised(story.effects)) == tried + 1


@pytest.mark.parametrize("code", [FaultCode.EMERGENCY_STOP, FaultCode.MANUAL_SWITCH])
def test_nothing_is_raised_against_whoever_has_the_barrier_in_hand(code: FaultCode) -> None:
    story = evacuated()
    story.fault(code).boom(Barrier.STOPPED_MID).passes(60.0)
    assert len(raised(story.effects)) == 1
    story.repaired(code)
    assert len(raised(story.effects)) == 2


def test_nothing_lowers_a_boom_that_is_kept_open() -> None:
    story = evacuated()
    story.orders_boom_down()
    assert refusals(story) == [Refusal.EVACUATION]
    story.passes(3_600.0)
    assert not story.all(LowerBarrier)
    assert Alarm.BOOM_LEFT_OPEN not in story.alarms()


def test_after_the_end_the_boom_stays_up_until_a_person_orders_it_down() -> None:
    story = evacuated()
    story.ends_evacuation()
    assert story.records(CommandCarriedOut)[-1].command == "end_evacuation"
    story.passes(60.0)
    assert not story.all(LowerBarrier)
    assert Alarm.BOOM_LEFT_OPEN in story.alarms()
    assert story.lane.lamps == {Lamp.EXIT_RED}
    story.orders_boom_down()
    assert len(story.all(LowerBarrier)) == 1


def test_a_vehicle_that_drives_through_is_recorded_and_was_not_released() -> None:
    story = evacuated()
    story.truck_arrives().plate_is_read().drives_on().drives_out().passes(30.0)
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.HOLD, Left.EVACUATION)
    (decided,) = story.records(PassageDecided)
    assert decided.evidence.plate is not None
    assert decided.evidence.evacuated
    assert "lane_evacuated" in [reason.value for reason in decided.verdict.reasons]
    assert not story.all(MarkUsed)
    assert Alarm.LEFT_UNRELEASED not in story.alarms()
    sent = v1.decode_body(v1.encode(body_of(closed)))
    assert isinstance(sent, v1.PassageClosed)
    assert sent.left == "evacuation"


def test_a_faultless_vehicle_is_not_released_and_its_paper_stays_good() -> None:
    story = evacuated().waits_for_verdict()
    story.manifest_answers()
    assert story.phase is Phase.HELD
    story.supervisor(Outcome.RELEASE)
    assert refusals(story) == [Refusal.EVACUATION]
    assert not story.all(MarkUsed)


def test_a_vehicle_that_was_turned_back_drives_out_with_the_others() -> None:
    story = held()
    assert story.phase is Phase.TURNING_BACK
    story.orders_evacuation()
    story.boom_goes_up()
    assert story.lane.sign is Sign.EVACUATION
    story.drives_out().passes(30.0)
    assert story.closed()[-1].left is Left.EVACUATION


def test_a_vehicle_that_was_released_before_leaves_released_and_nothing_lowers_after_it() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom_goes_up()
    story.orders_evacuation()
    story.drives_out().passes(30.0)
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.RELEASE, Left.EXIT)
    assert not story.all(LowerBarrier)


def test_a_boom_that_was_just_coming_down_is_raised() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom_goes_up().drives_out().passes(1.0).boom(Barrier.CLOSING)
    assert story.phase is Phase.CLEARING
    assert raised(story.orders_evacuation())
    story.boom(Barrier.OPENING).boom(Barrier.OPEN).passes(5.0)
    assert story.phase is Phase.IDLE
    assert len(story.all(LowerBarrier)) == 1  # the one of before


def test_the_evacuation_outlasts_the_agent_and_no_effect_is_replayed() -> None:
    story = evacuated()
    story.lane = decode_state(encode_state(story.lane))
    before = len(story.effects)
    story.starts()
    assert not raised(story.effects[before:])  # nothing is known of the boom yet
    assert story.lane.sign is Sign.EVACUATION
    story.boom(Barrier.CLOSED)
    (again,) = raised(story.effects[before:])
    assert again not in raised(story.effects[:before])
    story.boom_goes_up()
    assert story.lane.lamps == GREEN


def test_a_restart_under_a_boom_that_is_still_up_raises_nothing() -> None:
    story = evacuated()
    before = len(story.effects)
    story.starts().sees().boom(Barrier.OPEN).weighs(WeightState.EMPTY, 0).passes(60.0)
    assert not raised(story.effects[before:])


def test_an_end_ends_the_evacuation_that_it_names_and_no_later_one() -> None:
    story = evacuated()
    first = story.lane.evacuation
    assert first is not None
    story.orders_evacuation()
    story.ends_evacuation(first.command_id)
    assert refusals(story) == [Refusal.NO_EVACUATION]
    story.ends_evacuation()
    assert story.lane.evacuation is None
    story.ends_evacuation("c1")
    assert refusals(story)[1:] == [Refusal.NO_EVACUATION]


def test_an_order_that_comes_late_opens_nothing() -> None:
    story = LaneStory().ready()
    story.orders_evacuation(valid_s=-1.0)
    assert refusals(story) == [Refusal.EXPIRED]
    assert not raised(story.effects)


def test_at_the_lane_itself_it_is_ordered_and_ended_only_while_the_hub_is_not_heard() -> None:
    story = LaneStory().ready()
    story.orders_evacuation(local=True)
    assert refusals(story) == [Refusal.HUB_HEARD]
    story.fault(FaultCode.UPLINK)
    story.orders_evacuation(local=True)
    assert story.records(CommandCarriedOut)[-1].local
    story.boom_goes_up().repaired(FaultCode.UPLINK)
    story.ends_evacuation(local=True)
    assert refusals(story)[1:] == [Refusal.HUB_HEARD]
    story.fault(FaultCode.CLOCK)  # every order of the hub may count as expired here
    story.ends_evacuation(local=True)
    assert story.lane.evacuation is None


def test_an_emergency_goes_on_under_an_evacuation() -> None:
    story = evacuated()
    story.sets_mode(Mode.CLOSED)
    assert story.lane.evacuation is not None
    assert story.lane.lamps == GREEN
    story.ends_evacuation()
    assert story.lane.mode is Mode.CLOSED


def test_the_console_hears_that_the_boom_is_locked_open() -> None:
    story = LaneStory().ready()
    story.orders_evacuation()
    assert [told(story).barrier, told(story).evacuation] == ["closed", "c1"]
    story.boom_goes_up()
    assert told(story).barrier == "locked_open"
    story.ends_evacuation()
    assert [told(story).barrier, told(story).evacuation] == ["open", ""]


def told(story: LaneStory) -> v1.LaneHealth:
    held_now = HeldManifest(version=7, count=1, digest="", confirmed_ms=story.at.wall_ms)
    return health_of(
        story.lane,
        story.at,
        held=held_now,
        last_seq=0,
        unsent=0,
        oldest_ms=None,
        is_store_failing=False,
    )
