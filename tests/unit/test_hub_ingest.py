"""What becomes of each record a lane sends, the bad ones too."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.clock import ManualClock
from central.errors import StoreError
from central.hub import ingest as hub_ingest
from central.hub.ingest import Arrival, Ingest, decode
from central.store import audit, hub_store
from central.store.connection import Store, open_store
from central.store.ingest_store import Acknowledgement, Undecodable
from central.store.rows import PassageFilter, SeqRange
from gate_agent.wire.v1 import (
    AlarmRaised,
    CardFact,
    EvidenceFacts,
    FaultChanged,
    LaneStarted,
    PassageDecided,
    PassageOpened,
    PictureTaken,
    PlateFact,
    WeightFact,
)
from tests.hub_bench import (
    NOW_MS,
    a_passage,
    a_store,
    arrival,
    batch,
    closed,
    decided,
    record,
    sha256,
    take,
    take_bodies,
    take_records,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


def test_a_passage_is_shown_with_what_was_read_decided_and_how_it_ended(store: Store) -> None:
    evidence = EvidenceFacts(
        plate=PlateFact(
            text="粤B12345",
            plate_class="blue",
            confidence_permille=990,
            frames_agreed=5,
            frames_seen=5,
        ),
        card=CardFact(uid="04A1B2C3"),
        weight=WeightFact(gross_kg=31_980, division_kg=20, spread_kg=0),
    )
    take_bodies(
        store,
        PassageOpened(passage_id="p1"),
        PassageDecided(
            passage_id="p1",
            outcome="hold",
            reasons=("no_declaration", "weight_differs"),
            evidence=evidence,
            declaration=None,
            manifest_version=4,
            policy_version="p1",
        ),
    )
    detail = store.read_now(hub_store.passage, "p1")
    assert detail is not None
    assert detail.evidence == evidence
    assert detail.summary.reasons == ("no_declaration", "weight_differs")
    assert (detail.summary.plate, detail.summary.gross_kg) == ("粤B12345", 31_980)
    assert detail.summary.standing == "hold"
    assert [one.type for one in detail.records] == ["passage_opened", "passage_decided"]
    (waiting,) = store.read_now(hub_store.held)
    assert waiting.passage.passage_id == "p1"
    take_bodies(store, closed("p1", "refuse"))
    assert store.read_now(hub_store.held) == ()
    assert store.read_now(hub_store.passages, PassageFilter(standing="refuse", lane="lane1"))
    assert not store.read_now(hub_store.passages, PassageFilter(open_only=True))
    assert store.read_now(hub_store.passage, "p2") is None


def test_the_last_verdict_counts_whichever_arrives_first(store: Store) -> None:
    take_records(store, [record(2, decided("p1", "release"))])
    take_records(store, [record(1, decided("p1", "hold"))])
    (passage,) = store.read_now(hub_store.passages, PassageFilter())
    assert passage.verdict == "release"


def test_a_repeated_record_is_counted_and_stored_once(store: Store) -> None:
    records = [record(1, PassageOpened(passage_id="p1"))]
    assert take_records(store, records) == 1
    assert take_records(store, records) == 1
    counts = store.read_now(hub_store.counts)
    assert (counts.records, counts.duplicates, counts.passages) == (1, 1, 1)
    assert counts.dead_letters == 0


def test_a_gap_is_stored_but_acknowledged_only_up_to_it_and_named(store: Store) -> None:
    opened = [record(n, PassageOpened(passage_id=f"p{n}")) for n in range(1, 10)]
    assert take_records(store, [opened[0], opened[1], opened[4], opened[8]]) == 2
    lane = store.read_now(hub_store.lane, "lane1")
    assert lane is not None
    assert lane.missing == (SeqRange(first=3, last=4), SeqRange(first=6, last=8))
    assert lane.missing_count == 5
    assert take_records(store, opened[2:8]) == 9
    assert store.read_now(hub_store.counts).missing == 0


def test_a_gap_at_the_very_beginning_acknowledges_nothing(store: Store) -> None:
    assert take_records(store, [record(2, PassageOpened(passage_id="p2"))]) == 0


def test_an_unknown_type_and_a_bad_body_become_dead_letters_and_block_nothing(
    store: Store,
) -> None:
    records = [
        record(1, PassageOpened(passage_id="p1")),
        record(2, b'{"type":"from_the_future","x":1}'),
        record(3, b'{"type":"passage_opened","passage_id":7}'),
        record(4, b"[]"),
        record(5, closed("p1")),
    ]
    assert take_records(store, records) == 5
    letters = store.read_now(hub_store.dead_letters)
    assert {letter.seq: letter.reason.split(" - ")[0] for letter in letters} == {
        2: "Invalid value 'from_the_future'",
        3: "Expected `str`, got `int`",
        4: "Expected `object`, got `array`",
    }
    assert letters[-1].payload == b'{"type":"from_the_future","x":1}'
    assert take_records(store, records) == 5, "sent again: dead ones are duplicates too"
    assert len(store.read_now(hub_store.dead_letters)) == 3


def test_a_number_that_the_database_cannot_hold_is_a_dead_letter_not_a_crash(store: Store) -> None:
    huge = b'{"type":"passage_closed","passage_id":"p1","outcome":"release","decided_by":"lane",'
    huge += b'"left":"exit","arrived_at_ms":99999999999999999999,"timeline":{}}'
    assert take_records(store, [record(1, huge), record(2, PassageOpened(passage_id="p2"))]) == 2
    (letter,) = store.read_now(hub_store.dead_letters)
    assert letter.seq == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b'{"type":"lane_status","lane":"lane1","epoch":"e","online":true}',
        batch("lane2", "e1", []),
        batch("lane1", "", []),
        batch("lane1", "e1", [record(0, b"{}")]),
        batch("lane1", "e1", [record(2**60, b"{}")]),
        batch("lane1", "e1", [])[:-3],
    ],
)
def test_a_message_that_does_not_decode_is_kept_counted_and_not_acknowledged(
    store: Store, payload: bytes
) -> None:
    assert isinstance(decode(arrival(payload), NOW_MS), Undecodable)
    assert take(store, payload) == ()
    assert take(store, payload) == ()
    (letter,) = store.read_now(hub_store.dead_letters)
    assert (letter.payload, letter.times, letter.seq) == (payload, 2, None)
    assert letter.reason


def test_a_sequence_number_used_twice_for_different_contents_is_kept_aside(store: Store) -> None:
    take_records(store, [record(1, PassageOpened(passage_id="p1"))])
    take_records(store, [record(1, PassageOpened(passage_id="p2"))])
    (letter,) = store.read_now(hub_store.dead_letters)
    assert "came before with other contents" in letter.reason
    assert store.read_now(hub_store.passage, "p2") is None


def test_a_passage_cannot_be_taken_over_by_another_lane_nor_closed_twice(store: Store) -> None:
    take_bodies(store, *a_passage("p1"))
    take_bodies(store, PassageOpened(passage_id="p1"), lane="lane2")
    take_bodies(store, closed("p1", "refuse"))
    reasons = {letter.reason for letter in store.read_now(hub_store.dead_letters)}
    assert reasons == {
        "passage p1 is one of lane lane1, not of lane2",
        "passage p1 was closed before",
    }
    (passage,) = store.read_now(hub_store.passages, PassageFilter())
    assert (passage.lane, passage.outcome) == ("lane1", "release")


def test_a_picture_is_kept_once_and_only_if_it_is_what_its_id_says(store: Store) -> None:
    jpeg = b"\xff\xd8 a picture"
    taken = PictureTaken(passage_id="p1", picture_id=sha256(jpeg), view="plate", jpeg=jpeg)
    false = PictureTaken(passage_id="p1", picture_id=sha256(b"x"), view="overview", jpeg=jpeg)
    lost = PictureTaken(passage_id="p1", picture_id=sha256(b"gone"), view="overview")
    take_bodies(store, taken, false, lost)
    assert store.read_now(hub_store.picture, sha256(jpeg)) == jpeg
    assert store.read_now(hub_store.picture, sha256(b"gone")) is None
    detail = store.read_now(hub_store.passage, "p1")
    assert detail is not None
    assert [(one.view, one.present) for one in detail.pictures] == [
        ("plate", True),
        ("overview", False),
    ]
    assert all(jpeg not in one.body for one in detail.records), "the picture is stored once"
    (letter,) = store.read_now(hub_store.dead_letters)
    assert letter.seq == 2
    assert take_bodies(store, taken) == 4
    assert store.read_now(hub_store.counts).records == 4


def test_a_fault_lasts_until_its_newest_record_says_otherwise(store: Store) -> None:
    raised = record(1, FaultChanged(code="scale_link", raised=True, detail="no frame"))
    cleared = record(2, FaultChanged(code="scale_link", raised=False))
    take_records(store, [cleared])
    take_records(store, [raised])
    assert store.read_now(hub_store.faults) == ()
    take_records(store, [record(3, FaultChanged(code="scale_link", raised=True, detail="again"))])
    (fault,) = store.read_now(hub_store.faults, "lane1")
    assert (fault.code, fault.detail) == ("scale_link", "again")


def test_what_a_lost_lane_database_left_open_is_no_longer_held_nor_faulty(store: Store) -> None:
    take_bodies(store, decided("p1"), FaultChanged(code="scale_link", raised=True))
    assert len(store.read_now(hub_store.held)) == 1
    take_records(store, [record(1, LaneStarted(version="1"))], epoch="e2")
    assert store.read_now(hub_store.held) == ()
    assert store.read_now(hub_store.faults) == ()
    (lane,) = store.read_now(hub_store.lanes)
    assert (lane.epoch, lane.through_seq) == ("e2", 1)


def test_an_alarm_is_open_until_a_person_has_seen_it(store: Store) -> None:
    take_bodies(store, AlarmRaised(code="tailgating", passage_id="p1"))
    (alarm,) = store.read_now(hub_store.alarms, open_only=True)
    seen = {"at_ms": NOW_MS, "who": "li"}
    assert store.write_now(audit.acknowledge_alarm, alarm.alarm_id, at_ms=NOW_MS, who="li")
    assert not store.write_now(audit.acknowledge_alarm, alarm.alarm_id, at_ms=NOW_MS, who="wang")
    assert store.read_now(hub_store.alarms, open_only=True) == ()
    (alarm,) = store.read_now(hub_store.alarms, lane_id="lane1")
    assert (alarm.acknowledged_by, alarm.acknowledged_at_ms) == (seen["who"], seen["at_ms"])


def test_a_database_that_is_none_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"this is a diary, not a database, and it is longer than a header" * 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"hub\.db: file is not a database"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_ingest, "RETRY_S", 0.01)
    jpeg = b"\xff\xd8" + bytes(400_000)
    picture = PictureTaken(passage_id="p1", picture_id=sha256(jpeg), view="plate", jpeg=jpeg)
    acknowledged: list[Acknowledgement] = []
    settled: list[int] = []

    def limit(db: sqlite3.Connection, pages: int) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}")

    def pages(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA page_count").fetchone()[0])

    async def scene() -> None:
        ingest = Ingest(
            store=store,
            clock=ManualClock(),
            acknowledge=acknowledged.append,
            stored=lambda: None,
        )
        running = asyncio.create_task(ingest.run())
        await store.write(limit, await store.read(pages))
        offered = arrival(batch("lane1", "e1", [record(1, picture)]))
        ingest.offer(
            Arrival(
                topic=offered.topic,
                address=offered.address,
                payload=offered.payload,
                settle=lambda: settled.append(1),
            )
        )
        while not ingest.failing:  # noqa: ASYNC110 - as the console sees it
            await asyncio.sleep(0.005)
        assert acknowledged == []
        assert settled == []
        await store.write(limit, 1_000_000)
        while not acknowledged:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        assert not ingest.failing
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert acknowledged == [Acknowledgement(lane="lane1", epoch="e1", through_seq=1)]
    assert settled == [1]
    assert store.read_now(hub_store.picture, sha256(jpeg)) == jpeg


def test_an_inbox_that_is_full_leaves_the_rest_to_the_lane(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_ingest, "INBOX_MESSAGES", 2)

    async def scene() -> int:
        ingest = Ingest(
            store=store, clock=ManualClock(), acknowledge=lambda _: None, stored=lambda: None
        )
        for _ in range(3):
            ingest.offer(arrival(b""))
        return ingest.left_to_the_lane

    assert asyncio.run(scene()) == 1


def test_while_the_disk_fails_what_waits_in_memory_is_bounded_in_bytes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_ingest, "INBOX_BYTES", 10_000)
    inbox = Ingest(
        store=store, clock=ManualClock(), acknowledge=lambda _: None, stored=lambda: None
    )
    for _ in range(50):
        inbox.offer(arrival(b"x" * 1_000))
    assert inbox.left_to_the_lane == 40

    async def some_taken() -> None:
        await inbox._next_group()
        inbox.offer(arrival(b"x" * 1_000))

    asyncio.run(some_taken())
    assert inbox.left_to_the_lane == 40


def test_pictures_that_the_lane_lost_are_one_alarm_until_somebody_has_seen_it(store: Store) -> None:
    def pictures_lost() -> list[str | None]:
        rows = store.read_now(hub_store.alarms)
        return [row.passage_id for row in rows if row.code == "picture_lost"]

    def a_picture(passage_id: str, jpeg: bytes | None, name: str = "") -> PictureTaken:
        picture_id = name or sha256(jpeg or b"")
        return PictureTaken(passage_id=passage_id, picture_id=picture_id, view="plate", jpeg=jpeg)

    take_bodies(store, a_picture("p1", b"here"))
    assert pictures_lost() == []
    take_bodies(store, a_picture("p2", None, "12" * 32), a_picture("p3", None, "34" * 32))
    assert pictures_lost() == ["p2"]
    (alarm,) = store.read_now(hub_store.alarms)
    store.write_now(audit.acknowledge_alarm, alarm.alarm_id, at_ms=NOW_MS, who="ada")
    take_bodies(store, a_picture("p4", None, "56" * 32))
    assert pictures_lost() == ["p4", "p2"]
