"""What the lane keeps of the tags that are seen while a vehicle is there."""

from __future__ import annotations

import queue

from devices.clock import ManualClock
from devices.readings import TagReading
from gate_agent.adapters.reader import ReaderAdapter, tag_read
from gate_agent.domain.events import FaultRaised, TagRead
from gate_agent.domain.evidence import TagEvidence
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.passing import evidence_of
from gate_agent.inbox import Inbox
from tests.builders import LaneStory, after

TAG, OTHER = "E2003411B802011383258566", "E200000000000000000000AA"


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
    for tag_id in (TAG, OTHER, TAG, OTHER):
        story.happens(TagRead(tag_id=tag_id))
    assert story.passage.tag is not None
    assert (story.passage.tag.tag_id, story.passage.tag.others) == (TAG, (OTHER,))


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


def test_a_lane_whose_tag_reader_is_lost_does_not_release_by_itself() -> None:
    assert prevents_release(FaultCode.TAG_LINK)
    story = LaneStory().truck_arrives()
    story.happens(FaultRaised(code=FaultCode.TAG_LINK))
    assert FaultCode.TAG_LINK in evidence_of(story.lane, story.passage, story.at).faults


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
