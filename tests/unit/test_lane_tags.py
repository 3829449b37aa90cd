"""What the lane keeps of the tags that are seen while a vehicle is there."""

from __future__ import annotations

import queue

import pytest

from devices.clock import ManualClock
from devices.readings import TagReading
from gate_agent.adapters.reader import ReaderAdapter, tag_read
from gate_agent.domain.at_hand import evidence_of
from gate_agent.domain.events import TagRead
from gate_agent.domain.evidence import TagEvidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import Outcome
from gate_agent.inbox import Inbox
from tests.builders import OTHER_TAG, TAG, LaneStory, a_declaration, after


def test_the_tag_of_a_vehicle_is_part_of_its_evidence() -> None:
    story = LaneStory().truck_arrives()
    story.happens(TagRead(tag_id=TAG))
    evidence = evidence_of(story.lane, story.passage, story.at)
    assert evidence.tag is not None
    assert (evidence.tag.tag_id, evidence.tag.others) == (TAG, ())
    assert evidence.tag.since_arrival_ms >= 0
    assert evidence.tag.age_ms >= 0


def test_every_further_tag_is_kept_beside_the_first() -> None:
    story = LaneStory().truck_arrives()
    for tag_id in (TAG, OTHER_TAG, TAG, OTHER_TAG):
        story.happens(TagRead(tag_id=tag_id))
    assert story.passage.tag is not None
    assert (story.passage.tag.tag_id, story.passage.tag.others) == (TAG, (OTHER_TAG,))


def test_a_tag_of_before_the_arrival_is_not_this_vehicles() -> None:
    story = LaneStory().truck_arrives()
    now = story.at
    story.at = after(now, -30.0)
    story.happens(TagRead(tag_id=TAG))
    story.at = now
    assert story.passage.tag is None


def test_a_tag_over_an_empty_lane_opens_no_passage() -> None:
    story = LaneStory()
    story.happens(TagRead(tag_id=TAG))
    assert story.lane.passage is None


@pytest.mark.parametrize(
    ("declared", "outcome", "reasons"),
    [("", Outcome.RELEASE, ()), (TAG, Outcome.HOLD, ("identity_unproven",))],
)
def test_a_lane_whose_tag_reader_is_lost_stays_open_and_holds_only_vehicles_with_a_declared_tag(
    declared: str, outcome: Outcome, reasons: tuple[str, ...]
) -> None:
    story = (
        LaneStory(declarations=(a_declaration(tag_id=declared),)).ready().fault(FaultCode.TAG_LINK)
    )
    assert is_inviting(story.lane)
    story.truck_arrives().tag_is_seen(TAG).plate_is_read().drives_on().card().manifest_answers()
    assert story.verdict == (outcome, reasons)


def test_evidence_without_a_tag_is_what_older_dossiers_have() -> None:
    assert TagEvidence(tag_id=TAG).others == ()
    assert LaneStory().truck_arrives().passage.tag is None


class _Reader:
    """A tag reader with a tag in view."""

    is_heard = True
    good_frames = discarded_bytes = 0

    def __init__(self) -> None:
        self.readings: queue.SimpleQueue[list[TagReading]] = queue.SimpleQueue()

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, timeout_s: float) -> list[TagReading]:
        return self.readings.get_nowait()


def test_the_adapter_stamps_a_tag_with_the_moment_it_was_asked_for() -> None:
    clock, inbox, reader = ManualClock(mono_s=100.0), Inbox(), _Reader()
    adapter = ReaderAdapter(reader, tag_read, inbox, clock)
    reader.readings.put([TagReading(tag_id=TAG, received_s=99.5)])
    assert adapter.serve()
    stamped = inbox.take(0.0)
    assert stamped is not None
    assert stamped.event == TagRead(tag_id=TAG)
    assert stamped.at.mono_s == 99.5
