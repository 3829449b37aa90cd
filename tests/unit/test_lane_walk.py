"""The walk of one vehicle from its arrival to the verdict and out."""

from __future__ import annotations

import pytest

from gate_agent.domain.effects import (
    Lamp,
    MarkUsed,
    RaiseBarrier,
    Sign,
)
from gate_agent.domain.events import (
    DeclarationsFound,
    PlateRead,
    RaiseSent,
)
from gate_agent.domain.manifest import ManifestStatus
from gate_agent.domain.records import (
    PassageDecided,
)
from gate_agent.domain.vocabulary import (
    Left,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from tests.builders import GROSS_KG, PLATE, LaneStory, a_declaration


def test_a_lane_that_has_read_nothing_yet_invites_nobody() -> None:
    story = LaneStory().starts()
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.STROBE}  # the boom may be anywhere
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
    question = story.questions()[-1]
    assert (question.plate, question.card_uid) == (PLATE, "04A1B2C3")

    story.passes(0.1).manifest_answers()
    assert story.phase is Phase.RELEASING
    assert story.verdict == (Outcome.RELEASE, ())
    assert story.last(MarkUsed).declaration_id == "D1"
    order = [type(effect) for effect in story.effects]
    assert order.index(MarkUsed) < order.index(RaiseBarrier)
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.STROBE}  # until the boom is up

    story.happens(RaiseSent(command_id=story.last(RaiseBarrier).command_id))
    story.boom_goes_up()
    assert story.lane.lamps == {Lamp.EXIT_GREEN}
    assert story.lane.sign is Sign.PROCEED

    story.drives_out()
    assert story.phase is Phase.RELEASING
    story.passes(0.6)
    assert story.phase is Phase.CLEARING
    assert story.lowerings() == 1
    assert story.lane.lamps == {Lamp.EXIT_RED, Lamp.SOUNDER, Lamp.STROBE}

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
        assert story.records(PassageDecided) == []
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
    story.plate_is_read("粤B1Z345", 500).plate_is_read("", 0).plate_is_read(PLATE, 990)
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
    old, new = (question.token for question in story.questions()[-2:])
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
