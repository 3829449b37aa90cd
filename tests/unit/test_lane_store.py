"""lane.db: what is committed is committed whole; what cannot be read is said by name."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gate_agent.domain.effects import MarkUsed, Record
from gate_agent.domain.events import CardPresented, Stamped
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import FaultChanged, PassageOpened
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import DeclarationId, LaneId, PassageId
from gate_agent.errors import StoreError
from gate_agent.store.lane_store import LaneStore, OutboxReader
from tests.builders import START, LaneStory, after

LANE = LaneId("lane1")
POLICY = ReleasePolicy()


def a_store(folder: Path, lane: str = "lane1") -> LaneStore:
    return LaneStore(folder / "lane.db", LaneId(lane), POLICY)


def note(store: LaneStore, *passages: str, used: str = "") -> None:
    """One event that puts records, and perhaps a used declaration, into the store."""
    stamped = Stamped(CardPresented(uid="04"), START)
    effects: list[Record | MarkUsed] = [
        Record(body=PassageOpened(passage_id=PassageId(p))) for p in passages
    ]
    if used:
        mark = MarkUsed(declaration_id=DeclarationId(used), passage_id=PassageId(passages[0]))
        effects.append(mark)
    store.commit(stamped, Step(store.lane, tuple(effects)))


def note_faults(store: LaneStore, count: int) -> None:
    """Records that belong to no passage."""
    record = Record(body=FaultChanged(code=FaultCode.CLOCK, raised=True, detail=""))
    store.commit(Stamped(CardPresented(uid="04"), START), Step(store.lane, (record,) * count))


def outbox(folder: Path) -> list[int]:
    with closing(OutboxReader(folder / "lane.db")) as reader:
        return [row.seq for row in reader.after(0, 1_000)]


def journal_length(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "lane.db")) as reader:
        count: int = reader.execute("SELECT count(*) FROM journal").fetchone()[0]
        return count


def test_records_are_numbered_from_one_without_gaps_over_restarts(tmp_path: Path) -> None:
    for names in (["p1"], ["p2", "p3"], [], ["p4"]):
        with closing(a_store(tmp_path)) as store:
            note(store, *names)
    assert outbox(tmp_path) == [1, 2, 3, 4]


def test_numbers_are_never_given_twice_after_their_rows_are_forgotten(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        note_faults(store, 2)
        store.forget_acknowledged(2)
    with closing(a_store(tmp_path)) as store:
        assert store.last_seq == 2
        note_faults(store, 1)
    assert outbox(tmp_path) == [3]


def test_forgetting_keeps_every_record_that_the_hub_has_not_acknowledged(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        note_faults(store, 3)
        for through, left in ((0, [1, 2, 3]), (2, [3]), (1, [3]), (9, [])):
            store.forget_acknowledged(through)
            assert outbox(tmp_path) == left


def test_the_records_of_a_vehicle_that_waits_are_kept_for_a_hub_that_is_put_back(
    tmp_path: Path,
) -> None:
    with closing(a_store(tmp_path)) as store, closing(OutboxReader(store.path)) as reader:
        note_faults(store, 2)
        assert reader.kept_from() is None
        note(store, "p1")
        note_faults(store, 1)
        store.forget_acknowledged(4)
        assert outbox(tmp_path) == [3, 4]
        assert reader.kept_from() == 3


def test_an_event_that_cannot_be_committed_whole_is_not_there_at_all(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        note(store, "p1")
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")  # the disk is full now
        before, rows = store.lane, journal_length(tmp_path)
        many = [f"p{number}-{'x' * 900}" for number in range(40)]
        with pytest.raises(StoreError, match=r"lane\.db: cannot commit"):
            note(store, *many, used="D1")
        assert store.lane is before
        assert store.last_seq == 1
        assert outbox(tmp_path) == [1]
        assert journal_length(tmp_path) == rows
        assert store.used_by("D1") is None
        store._db.execute("PRAGMA max_page_count = 1000000")  # space was freed
        note(store, *many, used="D1")
    assert outbox(tmp_path) == list(range(1, 42))


def test_a_used_declaration_stays_used_by_the_first_passage(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        note(store, "p1", used="D1")
        note(store, "p2", used="D1")
    with closing(a_store(tmp_path)) as store:
        assert store.used_by("D1") == "p1"
        assert store.used_by("D2") is None


def test_the_lane_is_found_as_it_was_left(tmp_path: Path) -> None:
    story = LaneStory().ready().waits_for_verdict()
    with closing(a_store(tmp_path)) as store:
        for stamped in story.journal:
            store.commit(stamped, step(store.lane, stamped.event, stamped.at))
        left = store.lane
    with closing(a_store(tmp_path)) as store:
        assert store.lane == left
        assert store.lane.passage is not None
        assert store.lane.passage.passage_id.endswith("-000001")


def test_the_database_of_another_lane_is_refused_by_name(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    with pytest.raises(StoreError, match=r"lane\.db: belongs to lane 'lane1', not to 'lane2'"):
        a_store(tmp_path, "lane2")


def test_two_lives_of_a_database_never_share_an_epoch(tmp_path: Path) -> None:
    epochs = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        with closing(a_store(folder)) as store:
            epochs.add(store.epoch)
    assert len(epochs) == 2


@pytest.mark.parametrize("content", [b"this is not a database at all" * 100, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_refused_by_name_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "lane.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"lane\.db"):
        a_store(tmp_path)
    assert path.read_bytes().startswith(content[:16])


def test_a_damaged_page_is_found_when_the_lane_starts(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        for number in range(200):
            note(store, f"p{number}")
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "lane.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xa5" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"lane\.db"):
        a_store(tmp_path)


@pytest.mark.parametrize("state", [b'{"lane_id":"lane1"}', b"\xff\xfe", b""])
def test_a_snapshot_that_cannot_be_read_stops_the_start(tmp_path: Path, state: bytes) -> None:
    a_store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "lane.db")) as writer:
        writer.execute("UPDATE snapshot SET state = ?", [state])
        writer.commit()
    with pytest.raises(StoreError, match=r"lane\.db"):
        a_store(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    with pytest.raises(StoreError, match="state"):
        a_store(tmp_path / "state")


def test_a_journal_row_of_a_version_to_come_does_not_end_the_lane(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        for number in range(30):
            note(store, f"p{number}")
        store._db.execute("UPDATE journal SET type = 'Beamed' WHERE seq = 3")
        with pytest.raises(StoreError, match="Beamed"):
            store.trim_journal(keep_rows=10)
        note(store, "p31")
        assert store.last_seq == 31


def test_the_backlog_says_how_many_and_how_old(tmp_path: Path) -> None:
    with closing(a_store(tmp_path)) as store:
        note(store, "p1", "p2")
        later = Stamped(CardPresented(uid="04"), after(START, 5))
        effect = Record(body=PassageOpened(passage_id=PassageId("p3")))
        store.commit(later, Step(store.lane, (effect,)))
        with closing(OutboxReader(tmp_path / "lane.db")) as reader:
            assert reader.backlog(0) == (3, START.wall_ms)
            assert reader.backlog(2) == (1, START.wall_ms + 5_000)
            assert reader.backlog(3) == (0, None)
