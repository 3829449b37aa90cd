"""What a supervisor and a held or refused driver may rely on."""

from __future__ import annotations

from gate_agent.domain.effects import (
    Lamp,
    MarkUsed,
    Sign,
)
from gate_agent.domain.records import (
    CommandCarriedOut,
    PassageOverridden,
    Refusal,
)
from gate_agent.domain.vocabulary import (
    Left,
    Mode,
    Outcome,
    Phase,
    WeightState,
)
from tests.builders import LaneStory, a_declaration
from tests.lane_stories import a_held_truck, last_refusal


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


def test_an_expired_override_opens_nothing() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.RELEASE, valid_s=-0.1)
    assert (last_refusal(story), story.raises()) == (Refusal.EXPIRED, 0)


def test_an_override_for_another_passage_opens_nothing() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.RELEASE, passage_id="lane1-e-000099")
    assert (last_refusal(story), story.raises()) == (Refusal.OTHER_PASSAGE, 0)


def test_an_override_before_the_lane_has_a_verdict_opens_nothing() -> None:
    story = LaneStory().ready().truck_arrives()
    story.supervisor(Outcome.RELEASE)
    assert (last_refusal(story), story.raises()) == (Refusal.NOT_WAITING, 0)


def test_nobody_can_override_to_hold() -> None:
    story = a_held_truck()
    story.supervisor(Outcome.HOLD)
    assert last_refusal(story) is Refusal.NOT_WAITING


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
    assert (story.lane.mode, last_refusal(story)) == (Mode.AUTO, Refusal.EXPIRED)
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
