"""What a supervisor and a driver may rely on, one vehicle at a time."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import (
    ArmDeadline,
    Lamp,
    LowerBarrier,
    MarkUsed,
    RaiseBarrier,
    Record,
    Sign,
)
from gate_agent.domain.events import (
    BarrierCommandFailed,
    DeclarationsFound,
    FaultCleared,
    PlateRead,
    RaiseSent,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import ManifestStatus
from gate_agent.domain.records import (
    Alarm,
    CommandCarriedOut,
    CommandRefused,
    FaultChanged,
    LaneStarted,
    PassageDecided,
    PassageOverridden,
    Refusal,
)
from gate_agent.domain.vocabulary import (
    Barrier,
    Left,
    Mode,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from tests.builders import GROSS_KG, PLATE, LaneStory, a_declaration


def a_released_truck() -> LaneStory:
    story = LaneStory().ready().waits_for_verdict()
    story.passes(0.1).manifest_answers()
    assert story.phase is Phase.RELEASING
    return story


def a_held_truck() -> LaneStory:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers(a_declaration(gross_kg=GROSS_KG + 1_500))
    assert story.phase is Phase.HELD
    return story


# -- the walk of one vehicle


def test_a_lane_that_has_read_nothing_yet_invites_nobody() -> None:
    story = LaneStory().starts()
    assert story.lane.lamps == {Lamp.EXIT_RED}
    assert story.lane.sign is Sign.OUT_OF_SERVICE


def test_one_declared_truck_passes_from_arrival_to_closing_record() -> None:
    story = LaneStory().ready()
    assert story.lane.sign is Sign.WELCOME
    assert story.lane.lamps == {Lamp.ENTRY_GREEN, Lamp.EXIT_RED}

    story.truck_arrives()
    assert story.phase is Phase.GATHERING
    assert story.lane.sign is Sign.PULL_FORWARD
    assert story.lane.lamps == {Lamp.EXIT_RED}
    assert [request.attempt for request in story.plate_requests()] == [1]

    story.plate_is_read().drives_on()
    assert story.lane.sign is Sign.PRESENT_CARD
    story.card()
    assert story.lane.sign is Sign.WEIGHING
    question = story.questions()[0]
    assert (question.plate, question.card_uid) == (PLATE, "04A1B2C3")

    story.passes(0.1).manifest_answers()
    assert story.phase is Phase.RELEASING
    assert story.verdict == (Outcome.RELEASE, ())
    assert story.last(MarkUsed).declaration_id == "D1"
    order = [type(effect) for effect in story.effects]
    assert order.index(MarkUsed) < order.index(RaiseBarrier)
    assert story.lane.lamps == {Lamp.EXIT_RED}  # until the boom is up

    story.happens(RaiseSent(command_id=story.last(RaiseBarrier).command_id))
    story.boom_goes_up()
    assert story.lane.lamps == {Lamp.EXIT_GREEN}
    assert story.lane.sign is Sign.PROCEED

    story.drives_out()
    assert story.phase is Phase.RELEASING
    story.passes(0.6)
    assert story.phase is Phase.CLEARING
    assert story.lowerings() == 1
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.SOUNDER}

    story.boom_comes_down()
    assert story.phase is Phase.IDLE
    (closed,) = story.closed()
    assert (closed.outcome, closed.decided_by, closed.left) == (
        Outcome.RELEASE,
        "lane",
        Left.EXIT,
    )
    stages = closed.timeline
    marks = [
        stages.plate,
        stages.weight,
        stages.card,
        stages.decided,
        stages.raise_sent,
        stages.boom_up,
        stages.exit_clear,
    ]
    assert all(mark is not None for mark in marks)
    seconds = [mark.mono_s for mark in marks if mark is not None]
    assert seconds == sorted(seconds)
    assert story.lane.sign is Sign.WELCOME
    assert story.alarms() == []


@pytest.mark.parametrize("order", ["pcw", "pwc", "cpw", "cwp", "wpc", "wcp"])
def test_evidence_may_come_in_any_order(order: str) -> None:
    story = LaneStory().ready().truck_arrives()
    for piece in order:
        assert story.questions() == []
        match piece:
            case "p":
                story.plate_is_read()
            case "c":
                story.card()
            case "w":
                story.drives_on()
    story.manifest_answers()
    assert story.phase is Phase.RELEASING


def test_a_doubtful_plate_is_read_again_until_it_is_good() -> None:
    story = LaneStory().ready().truck_arrives()
    story.plate_is_read("粤B1Z345", 500).plate_is_read("", 0).plate_is_read(PLATE, 900)
    assert [request.attempt for request in story.plate_requests()] == [1, 2, 3]
    assert story.passage.plate_done


def test_after_the_last_attempt_the_best_reading_is_judged_as_it_is() -> None:
    story = LaneStory().ready().truck_arrives()
    for confidence in (500, 700, 600, 400):
        story.plate_is_read(PLATE, confidence)
    story.drives_on().card().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("plate_doubtful",))
    assert story.records(PassageDecided)[0].evidence.plate is not None
    assert story.passage.plate is not None
    assert story.passage.plate.confidence_permille == 700


def test_after_the_gathering_time_the_vehicle_is_judged_as_it_is() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().drives_on()
    story.passes(38.5)
    assert story.passage.lookup is not None
    story.manifest_answers()
    assert story.phase is Phase.HELD
    assert "card_missing" in story.verdict[1]


def test_a_manifest_that_does_not_answer_releases_nobody() -> None:
    story = LaneStory().ready().waits_for_verdict().passes(2.5)
    assert story.phase is Phase.HELD
    assert "manifest_missing" in story.verdict[1]


def test_a_late_answer_of_the_manifest_is_ignored() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.card("FFFFFFFF")  # another card: another question
    old, new = (question.token for question in story.questions())
    story.happens(
        DeclarationsFound(
            token=old,
            declarations=(a_declaration(),),
            manifest=ManifestStatus(version=7, confirmed_at=story.at),
        )
    )
    assert story.phase is Phase.GATHERING
    assert story.passage.lookup is not None
    assert story.passage.lookup.token == new


def test_an_axle_over_the_beam_takes_the_weight_back_until_it_settles_again() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.sees(front_beam=True)
    story.manifest_answers()
    assert story.phase is Phase.GATHERING
    story.sees(front_beam=False).weighs(WeightState.SETTLED, GROSS_KG).manifest_answers()
    assert story.phase is Phase.RELEASING


def test_a_weight_that_was_there_before_the_truck_moved_is_no_weight() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().card()
    story.weighs(WeightState.SETTLED, GROSS_KG)
    assert story.passage.weight is None


@pytest.mark.parametrize("beam", ["front_beam", "rear_beam"])
@pytest.mark.parametrize("state", [True, None])
def test_a_truck_that_hangs_over_a_beam_or_may_do_so_has_no_weight(
    beam: str, *, state: bool | None
) -> None:
    story = LaneStory().ready().truck_arrives().sees(entry_loop=False, **{beam: state})
    story.weighs(WeightState.MOVING, 9_000).weighs(WeightState.SETTLED, GROSS_KG)
    assert story.passage.weight is None


def test_a_card_presented_before_the_vehicle_came_counts_for_nobody() -> None:
    story = LaneStory().ready().card().truck_arrives()
    assert story.passage.card is None
    assert "no vehicle is being checked" in story.ignored()


def test_the_plate_of_an_earlier_passage_is_never_used() -> None:
    story = LaneStory().ready().truck_arrives()
    story.happens(
        PlateRead(
            passage_id=PassageId("lane1-e-000000"),
            attempt=1,
            text=PLATE,
            plate_class="",
            confidence_permille=999,
            frames_agreed=5,
            frames_seen=5,
            picture_id=None,
        )
    )
    assert story.passage.plate is None


def test_facts_stamped_by_two_threads_within_a_moment_are_not_taken_for_stale() -> None:
    story = LaneStory().ready().waits_for_verdict()
    answered_at = story.at
    story.passes(0.02).weighs(WeightState.SETTLED, GROSS_KG)
    story.at = answered_at  # the answer was stamped first and queued second
    story.manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())


# -- holds, refusals, supervisors


def test_a_held_truck_leaves_when_a_supervisor_releases_it() -> None:
    story = a_held_truck()
    assert story.lane.sign is Sign.WAIT_FOR_OFFICER
    story.supervisor(Outcome.RELEASE)
    assert story.phase is Phase.RELEASING
    assert story.last(MarkUsed).passage_id == story.passage.passage_id
    story.boom_goes_up().drives_out().passes(1.0).boom_comes_down()
    (closed,) = story.closed()
    assert (closed.outcome, closed.decided_by) == (Outcome.RELEASE, "li.wei")


def test_a_refused_truck_backs_out_with_the_boom_down() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.REFUSE)
    assert story.phase is Phase.TURNING_BACK
    assert story.lane.sign is Sign.TURN_BACK
    story.backs_out()
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.REFUSE, Left.ENTRY)
    assert story.raises() == 0
    assert story.phase is Phase.IDLE


def test_a_truck_sent_to_inspection_is_told_where_to_go_and_not_why() -> None:
    story = LaneStory(declarations=(a_declaration(holds=("customs",)),))
    story.ready().waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.INSPECT, ("agency_hold",))
    assert story.lane.sign is Sign.GO_TO_INSPECTION
    story.supervisor(Outcome.INSPECT)
    assert story.phase is Phase.TURNING_BACK
    assert story.lane.sign is Sign.GO_TO_INSPECTION


def test_an_undeclared_truck_is_turned_back_and_a_supervisor_may_still_release_it() -> None:
    story = LaneStory(declarations=(a_declaration(plates=("粤A1",), card_uid="77"),))
    story.ready().waits_for_verdict().manifest_answers()
    assert story.phase is Phase.TURNING_BACK
    assert story.verdict == (Outcome.REFUSE, ("no_declaration",))
    story.supervisor(Outcome.RELEASE)
    assert story.phase is Phase.RELEASING
    assert story.all(MarkUsed) == []


def test_a_truck_that_backs_out_undecided_leaves_a_record_that_says_so() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().drives_on().backs_out()
    assert story.phase is Phase.IDLE
    assert "left_undecided" in story.verdict[1]
    (closed,) = story.closed()
    assert (closed.outcome, closed.left) == (Outcome.HOLD, Left.ENTRY)


def test_a_held_truck_that_backs_out_ends_its_passage() -> None:
    story = a_held_truck().backs_out()
    assert [closed.left for closed in story.closed()] == [Left.ENTRY]


def test_a_held_truck_on_a_dead_scale_is_gone_only_after_it_was_seen_on_the_entry_loop() -> None:
    story = a_held_truck().weighs(WeightState.UNAVAILABLE).passes(30.0)
    assert story.phase is Phase.HELD
    story.sees(entry_loop=True, rear_beam=True).sees(rear_beam=False).sees(entry_loop=False)
    assert story.passes(2.0).phase is Phase.IDLE


def _refusal(story: LaneStory) -> Refusal:
    return story.records(CommandRefused)[-1].why


def test_an_expired_override_opens_nothing() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.RELEASE, valid_s=-0.1)
    assert (_refusal(story), story.raises()) == (Refusal.EXPIRED, 0)


def test_an_override_for_another_passage_opens_nothing() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.RELEASE, passage_id="lane1-e-000099")
    assert (_refusal(story), story.raises()) == (Refusal.OTHER_PASSAGE, 0)


def test_an_override_before_the_lane_has_a_verdict_opens_nothing() -> None:
    story = LaneStory().ready().truck_arrives()
    story.supervisor(Outcome.RELEASE)
    assert (_refusal(story), story.raises()) == (Refusal.NOT_WAITING, 0)


def test_nobody_can_override_to_hold() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.HOLD)
    assert _refusal(story) is Refusal.NOT_WAITING


def test_an_override_delivered_twice_raises_the_boom_once() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.RELEASE)
    story.raise_fails()
    story.commands -= 1
    story.supervisor(Outcome.RELEASE)
    assert story.raises() == 1
    assert len(story.records(PassageOverridden)) == 1
    assert story.phase is Phase.HELD


def test_an_attended_lane_holds_a_faultless_truck_for_a_person() -> None:
    story = LaneStory().ready()
    story.sets_mode(Mode.ATTENDED)
    story.waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("lane_attended",))


def test_a_mode_set_while_a_truck_is_checked_counts_for_that_truck() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.sets_mode(Mode.CLOSED)
    story.manifest_answers()
    assert story.verdict == (Outcome.REFUSE, ("lane_closed",))
    assert story.lane.sign is Sign.TURN_BACK


def test_an_expired_or_repeated_change_of_mode_changes_nothing() -> None:
    story = LaneStory().ready()
    story.sets_mode(Mode.CLOSED, valid_s=-1.0)
    assert (story.lane.mode, _refusal(story)) == (Mode.AUTO, Refusal.EXPIRED)
    story.sets_mode(Mode.CLOSED)
    story.commands -= 1
    story.sets_mode(Mode.AUTO)
    assert story.lane.mode is Mode.CLOSED
    assert len(story.records(CommandCarriedOut)) == 1


def test_a_closed_lane_invites_nobody() -> None:
    story = LaneStory().ready()
    story.sets_mode(Mode.CLOSED)
    assert story.lane.lamps == {Lamp.EXIT_RED}
    assert story.lane.sign is Sign.OUT_OF_SERVICE


# -- the boom


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
    assert _refusal(story) is Refusal.BOOM_NOT_OPEN
    story.boom(Barrier.OPEN).weighs(WeightState.SETTLED, 200)  # a person on the platform
    story.orders_boom_down()
    assert _refusal(story) is Refusal.LANE_NOT_EMPTY
    story.weighs(WeightState.EMPTY, 0).sees(exit_loop=None)
    story.orders_boom_down()
    assert _refusal(story) is Refusal.LANE_NOT_EMPTY
    story.sees(exit_loop=False)
    story.orders_boom_down(valid_s=-1.0)
    assert _refusal(story) is Refusal.EXPIRED
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
    story.repaired(FaultCode.EMERGENCY_STOP).passes(1.0)
    assert story.lowerings() == 1


def test_the_sign_stops_saying_proceed_when_the_boom_comes_down() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(1.0)
    assert story.lane.sign is Sign.BOOM_CLOSING


# -- what drivers should not do


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
    story.plate_is_read().drives_on().card().manifest_answers(a_declaration(declaration_id="D2"))
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


# -- restarts


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


# -- faults


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
