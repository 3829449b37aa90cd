"""The hub walks every lane's chain as it comes in, and hands out what it can prove."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from central.cli import main
from central.hub.ingest import decode
from central.store import hub_store
from central.store.connection import Store
from central.store.ingest_store import ingest
from central.store.rows import AlarmRow, LaneRecords
from gate_agent.cli import main as agent_main
from gate_agent.domain.events import PlateRead
from gate_agent.store.lane_store import OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.publisher import Publisher
from gate_agent.wire import v1
from gate_agent.wire.chain import START, link, without_picture
from tests.hub_bench import (
    NOW_MS,
    a_passage,
    a_store,
    arrival,
    batch,
    record,
    sha256,
    take,
    take_records,
)
from tests.kept_lane import KeptStory, rows

JPEG = b"\xff\xd8 a picture \xff\xd9"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


@pytest.fixture
def sent(tmp_path: Path) -> list[v1.RawRecord]:
    """Three passages of a real lane, as its publisher sends them."""
    with closing(KeptStory(tmp_path / "lane")) as story:
        story.ready()
        story.passage_released().passage_turned_back().passage_released()
        return [
            v1.RawRecord(seq=r.seq, at_ms=r.at_ms, body=msgspec.Raw(r.body), chain=r.chain)
            for r in rows(story.path)
        ]


EPOCH = "e1"


def chained(*bodies: v1.RecordBody, epoch: str = EPOCH) -> list[v1.RawRecord]:
    made, previous = [], START
    for seq, body in enumerate(bodies, start=1):
        raw = v1.encode(body)
        at_ms = NOW_MS + seq
        previous = link(
            previous,
            lane="lane1",
            epoch=epoch,
            seq=seq,
            at_ms=at_ms,
            body=without_picture(raw),
        )
        made.append(v1.RawRecord(seq=seq, at_ms=at_ms, body=msgspec.Raw(raw), chain=previous))
    return made


def some(count: int = 4) -> list[v1.RawRecord]:
    return chained(*(body for n in range(count) for body in a_passage(f"lane1-e1-{n:06d}")))


def the_lane(store: Store) -> LaneRecords:
    found = store.read_now(hub_store.lane, "lane1")
    assert found is not None
    return found


def alarms(store: Store) -> list[AlarmRow]:
    return list(reversed(store.read_now(hub_store.alarms)))


def test_a_chain_that_holds_is_proved_in_whatever_order_it_comes(store: Store) -> None:
    records = some()
    for part in (records[6:9], records[0:3], records[9:], records[3:6], records[0:3]):
        take_records(store, part, epoch=EPOCH)
    lane = the_lane(store)
    assert (lane.through_seq, lane.missing_count, lane.lost) == (12, 0, 0)
    assert (lane.chain_breaks, lane.proved_from) == (0, 1)
    assert alarms(store) == []


def test_a_picture_is_proved_though_its_bytes_are_kept_elsewhere(store: Store) -> None:
    records = chained(
        v1.PassageOpened(passage_id="p"),
        v1.PictureTaken(passage_id="p", picture_id=sha256(JPEG), view="plate", jpeg=JPEG),
        v1.PassageOpened(passage_id="q"),
    )
    take_records(store, records, epoch=EPOCH)
    assert the_lane(store).chain_breaks == 0
    assert the_lane(store).proved_from == 1


Change = Callable[[list[v1.RawRecord]], list[v1.RawRecord]]


def _at(seq: int, **fields: object) -> Change:
    return lambda found: [
        msgspec.structs.replace(r, **fields) if r.seq == seq else r for r in found
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_at(5, at_ms=NOW_MS), "record 5 altered"),
        (_at(5, body=msgspec.Raw(v1.encode(v1.PassageOpened(passage_id="x")))), "record 5 altered"),
        (_at(5, body=msgspec.Raw(b'{"type":"unheard_of"}')), "record 5 altered"),
        (_at(5, chain=None), "record 5 cut"),
        (_at(1, chain="ff" * 32), "1..2 altered"),
    ],
)
def test_a_record_that_does_not_fit_is_stored_acknowledged_and_an_alarm(
    store: Store, change: Change, place: str
) -> None:
    records = change(some())
    assert take_records(store, records[:7], epoch=EPOCH) == 7
    assert take_records(store, records[7:], epoch=EPOCH) == 12
    (alarm,) = alarms(store)
    assert alarm.code == "chain_broken"
    assert place in alarm.detail
    assert the_lane(store).chain_breaks == 1


def test_a_lane_of_the_version_before_is_no_alarm_and_its_chain_begins_with_the_update(
    store: Store,
) -> None:
    old = [record(seq, body) for seq, body in enumerate(a_passage("lane1-e1-000001"), start=1)]
    take_records(store, old, epoch=EPOCH)
    assert the_lane(store).proved_from is None
    raw = v1.encode(v1.PassageOpened(passage_id="lane1-e1-000002"))
    previous = START
    for seq in (4, 5):
        previous = link(previous, lane="lane1", epoch=EPOCH, seq=seq, at_ms=NOW_MS, body=raw)
        new = v1.RawRecord(seq=seq, at_ms=NOW_MS, body=msgspec.Raw(raw), chain=previous)
        take_records(store, [new], epoch=EPOCH)
    assert (the_lane(store).proved_from, the_lane(store).chain_breaks) == (4, 0)
    assert alarms(store) == []


def test_a_hub_that_lost_records_says_how_many_and_does_not_call_it_zero(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = some()
    take_records(store, records[:3], epoch=EPOCH)
    message = v1.RecordBatch(
        lane="lane1", epoch=EPOCH, records=tuple(records[8:]), forgotten_through=8
    )
    take(store, v1.encode(message))
    lane = the_lane(store)
    assert (lane.through_seq, lane.lost, lane.chain_breaks) == (12, 5, 0)
    (alarm,) = alarms(store)
    assert alarm.code == "records_lost"
    assert "5 records of epoch e1 between 4 and 8" in alarm.detail
    assert main(["verify", "--state", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "7 records through 12, 5 missing, chain intact" in said
    assert "4..8 missing" in said


def take_at(store: Store, records: list[v1.RawRecord], after_s: float) -> None:
    arrived = arrival(batch("lane1", EPOCH, records))
    store.write_now(ingest, [decode(arrived, NOW_MS + round(after_s * 1000))])


def test_records_that_do_not_come_though_later_ones_do_are_an_alarm_once(store: Store) -> None:
    records = some()
    take_at(store, records[:3], 0)
    take_at(store, records[5:], 1)
    take_at(store, records[5:], 20)
    assert alarms(store) == []
    for after_s in (32, 40, 500):
        take_at(store, records[5:], after_s)
    (alarm,) = alarms(store)
    assert alarm.code == "records_missing"
    assert "records 4 to 5 of epoch e1" in alarm.detail
    assert the_lane(store).missing_count == 2
    take_at(store, records[3:5], 501)
    assert (the_lane(store).missing_count, the_lane(store).chain_breaks) == (0, 0)
    assert len(alarms(store)) == 1


def test_a_lane_whose_database_was_put_back_is_found_by_its_chain(
    store: Store, tmp_path: Path
) -> None:
    def sends(story: KeptStory) -> None:
        found = [
            v1.RawRecord(seq=r.seq, at_ms=r.at_ms, body=msgspec.Raw(r.body), chain=r.chain)
            for r in rows(story.path)
        ]
        take(store, batch("lane1", story.store.epoch, found))

    with closing(KeptStory(tmp_path / "lane")) as story:
        story.ready().passes(1.0)
        story.store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        image = story.path.read_bytes()
        story.passage_released()
        sends(story)
    assert alarms(store) == []
    for leftover in tmp_path.glob("lane/lane.db-*"):
        leftover.unlink()
    story.path.write_bytes(image)
    with closing(KeptStory(tmp_path / "lane")) as again:
        again.ready()
        again.passage_turned_back()
        again.passage_released()
        assert again.store.epoch == story.store.epoch
        sends(again)
    assert "chain_broken" in {alarm.code for alarm in alarms(store)}


# -- what is handed out


def test_what_a_real_lane_sent_verifies_at_the_hub_and_in_its_export(
    store: Store, sent: list[v1.RawRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    epoch = json.loads(bytes(sent[1].body))["passage_id"].split("-")[1]
    take(store, batch("lane1", epoch, sent))
    assert the_lane(store).chain_breaks == 0
    assert the_lane(store).dead_letters == 0
    assert main(["verify", "--state", str(tmp_path)]) == 0
    assert "13 records through 13, 0 missing, chain intact" in capsys.readouterr().out
    out = tmp_path / "out"
    span = ["--from", "2026-01-01", "--to", "2027-01-01"]
    assert main(["dossiers", "--state", str(tmp_path), *span, "--out", str(out)]) == 0
    assert "3 dossiers, 13 records, 0 pictures" in capsys.readouterr().out
    assert len(list(out.glob("*.json"))) == 3
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    assert agent_main(["verify", str(out)]) == 0
    assert agent_main(["replay", str(out)]) == 0
    assert "3 dossiers, 3 verdicts: all identical" in capsys.readouterr().out


def test_what_the_publisher_sends_is_what_the_lane_chained_pictures_too(
    store: Store, tmp_path: Path
) -> None:
    pictures = PictureFiles(tmp_path / "pictures", max_bytes=1_000_000)
    with closing(KeptStory(tmp_path / "lane")) as story:
        story.ready().truck_arrives()
        story.happens(
            PlateRead(
                passage_id=story.passage.passage_id,
                attempt=1,
                text="粤B12345",
                plate_class="mainland",
                confidence_permille=950,
                frames_agreed=3,
                frames_seen=3,
                picture_id=pictures.keep(JPEG),
                plate_picture_id="ab" * 32,  # a file that the lane has lost
            )
        )
        story.drives_on().card().manifest_answers().boom_goes_up().drives_out().passes(2.0)
        story.boom_comes_down()
        payloads: list[bytes] = []

        def send(payload: bytes) -> bool:
            payloads.append(payload)
            return True

        with closing(OutboxReader(story.path)) as outbox:
            Publisher(outbox, pictures, "lane1", story.store.epoch, send).publish(0.0)
    take(store, *payloads)
    lane = the_lane(store)
    assert (lane.proved_from, lane.chain_breaks, lane.dead_letters) == (1, 0, 0)
    assert store.read_now(hub_store.picture, sha256(JPEG)) == JPEG


def test_an_export_of_a_part_begins_after_the_seal_before_it(
    store: Store, sent: list[v1.RawRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    epoch = json.loads(bytes(sent[1].body))["passage_id"].split("-")[1]
    take(store, batch("lane1", epoch, sent))
    seals = [r.at_ms for r in sent if b"passage_sealed" in bytes(r.body)[:40]]
    from_, to = (_iso(ms) for ms in (seals[1], seals[2]))
    out = tmp_path / "out"
    arguments = ["dossiers", "--state", str(tmp_path), "--from", from_, "--to", to]
    assert main([*arguments, "--out", str(out), "--pictures"]) == 0
    assert "1 dossiers, 4 records" in capsys.readouterr().out
    assert agent_main(["verify", str(out)]) == 0
    assert "records 6..9, chain intact" in capsys.readouterr().out


def test_a_dossier_that_is_not_what_its_seal_says_is_kept_apart_and_named(
    store: Store, sent: list[v1.RawRecord]
) -> None:
    epoch = json.loads(bytes(sent[1].body))["passage_id"].split("-")[1]
    seal = next(r for r in sent if b"passage_sealed" in bytes(r.body)[:40])
    body = json.loads(bytes(seal.body)) | {"sha256": "00" * 32}
    forged = msgspec.structs.replace(seal, body=msgspec.Raw(json.dumps(body).encode()))
    take(store, batch("lane1", epoch, [forged if r.seq == seal.seq else r for r in sent]))
    assert the_lane(store).dead_letters == 1
    assert the_lane(store).chain_breaks == 1


def test_a_hub_database_altered_by_hand_is_found_by_verify(
    store: Store, sent: list[v1.RawRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    epoch = json.loads(bytes(sent[1].body))["passage_id"].split("-")[1]
    take(store, batch("lane1", epoch, sent))
    take_records(
        store,
        chained(v1.PictureTaken(passage_id="p", picture_id=sha256(JPEG), view="plate", jpeg=JPEG)),
        epoch="other",
    )

    def tamper(db: object) -> None:
        db.execute(  # type: ignore[attr-defined]
            "UPDATE records SET body = CAST(replace(body, 'hold', 'release') AS BLOB)"
            " WHERE type = 'passage_decided'"
        )
        db.execute("UPDATE pictures SET jpeg = x'00'")  # type: ignore[attr-defined]

    store.write_now(tamper)
    assert main(["verify", "--state", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "chain BROKEN" in said.out
    assert "record 7 altered" in said.out
    assert f"picture {sha256(JPEG)}: altered" in said.err


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat()
