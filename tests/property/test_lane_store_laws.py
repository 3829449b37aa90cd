"""Whatever happens to a lane, its journal leads to its snapshot, over restarts and trimming."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gate_agent.domain.effects import Record
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import Barrier, LaneId, Outcome, WeightState
from gate_agent.store.fold import fold
from gate_agent.store.lane_store import LaneStore, OutboxReader
from gate_agent.wire import v1
from tests.builders import LaneStory


def _decide(story: LaneStory) -> None:
    if story.lane.passage is not None:
        story.supervisor(Outcome.RELEASE)


def _answer(story: LaneStory) -> None:
    if story.lane.passage is not None and story.lane.passage.lookup is not None:
        story.manifest_answers()


def _read_plate(story: LaneStory) -> None:
    if story.lane.passage is not None:
        story.plate_is_read()


ACTIONS: list[Callable[[LaneStory], object]] = [
    LaneStory.starts,
    LaneStory.truck_arrives,
    LaneStory.drives_on,
    LaneStory.card,
    LaneStory.boom_goes_up,
    LaneStory.drives_out,
    LaneStory.boom_comes_down,
    LaneStory.backs_out,
    _decide,
    _answer,
    _read_plate,
    lambda story: story.passes(5.0),
    lambda story: story.boom(Barrier.UNKNOWN),
    lambda story: story.weighs(WeightState.UNAVAILABLE),
    lambda story: story.fault(FaultCode.SCALE_LINK),
    lambda story: story.repaired(FaultCode.SCALE_LINK),
]
STORIES = st.lists(st.integers(0, len(ACTIONS) - 1), max_size=25)


@settings(max_examples=60)
@given(story=STORIES, cuts=st.sets(st.integers(0, 150), max_size=4), keep_rows=st.integers(1, 60))
def test_journal_snapshot_and_outbox_agree_after_restarts_and_trimming(
    story: list[int], cuts: set[int], keep_rows: int
) -> None:
    told = LaneStory().ready().waits_for_verdict()
    told.manifest_answers()
    for number in story:
        ACTIONS[number](told)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lane.db")

        def opened() -> LaneStore:
            return LaneStore(path, LaneId("lane1"), ReleasePolicy())

        records = 0
        store = opened()
        for number, stamped in enumerate(told.journal):
            after = step(store.lane, stamped.event, stamped.at)
            store.commit(stamped, after)
            records += sum(isinstance(effect, Record) for effect in after.effects)
            if number in cuts:
                store.trim_journal(keep_rows=keep_rows)
                store.close()
                store = opened()
        with closing(store), closing(OutboxReader(path)) as outbox:
            store.trim_journal(keep_rows=keep_rows)
            again = fold(store.base(), (stamped for _, stamped in store.journal()))
            assert again == store.lane, "I7"
            rows = outbox.after(0, 10_000)
            assert [row.seq for row in rows] == list(range(1, records + 1))
            assert store.last_seq == records
            for row in rows:
                v1.decode_body(row.body)
