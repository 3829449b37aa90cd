"""The chain of records: whoever alters, cuts or puts in a record is found, and where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gate_agent.proof import verify
from gate_agent.wire import v1
from gate_agent.wire.chain import (
    START,
    Finding,
    Flaw,
    Linked,
    Walk,
    findings,
    link,
    without_picture,
)
from tests.kept_lane import KeptStory, linked, rows


@pytest.fixture
def story(tmp_path: Path) -> Iterator[KeptStory]:
    told = KeptStory(tmp_path)
    told.ready()
    for _ in range(3):
        told.passage_released()
    with closing(told):
        yield told


def flaws(records: list[Linked], walk: Walk | None = None) -> list[tuple[Flaw, int, int]]:
    found: list[Finding] = list(findings(records, walk or Walk()))
    return [(each.flaw, each.first, each.last) for each in found]


def test_every_record_of_a_lane_hangs_on_the_one_before_it(story: KeptStory) -> None:
    records = linked(story)
    assert len(records) == 13
    assert flaws(records) == []
    previous = START
    for record in records:
        assert record.chain == link(
            previous,
            lane="lane1",
            epoch=story.store.epoch,
            seq=record.seq,
            at_ms=record.at_ms,
            body=bytes(record.body),
        )
        previous = record.chain


Tamper = Callable[[list[Linked]], list[Linked]]


def _change(seq: int, **fields: object) -> Tamper:
    return lambda records: [
        msgspec.structs.replace(r, **fields) if r.seq == seq else r for r in records
    ]


def _without(*seqs: int) -> Tamper:
    return lambda records: [record for record in records if record.seq not in seqs]


def _forged(seq: int) -> Tamper:
    """The body is altered and its link made anew, as somebody who knows the format would."""

    def forge(records: list[Linked]) -> list[Linked]:
        body = b'{"type":"passage_opened","passage_id":"forged"}'
        before = records[seq - 2].chain or ""
        made = link(
            before,
            lane=records[0].lane,
            epoch=records[0].epoch,
            seq=seq,
            at_ms=records[seq - 1].at_ms,
            body=body,
        )
        return _change(seq, body=msgspec.Raw(body), chain=made)(records)

    return forge


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (_change(5, body=msgspec.Raw(b"{}")), [(Flaw.ALTERED, 5, 5)]),
        (_change(5, at_ms=1), [(Flaw.ALTERED, 5, 5)]),
        (_change(5, chain="0" * 64), [(Flaw.ALTERED, 5, 6)]),
        (_change(5, chain=None), [(Flaw.CUT, 5, 5)]),
        (_change(5, lane="lane2"), [(Flaw.ALTERED, 5, 5)]),
        (_without(5), [(Flaw.MISSING, 5, 5)]),
        (_without(1, 2), [(Flaw.MISSING, 1, 2)]),
        (_without(4, 5, 6), [(Flaw.MISSING, 4, 6)]),
        (_forged(5), [(Flaw.ALTERED, 6, 6)]),
    ],
)
def test_whatever_is_done_to_a_record_is_found_where_it_was_done(
    story: KeptStory, tamper: Tamper, found: list[tuple[Flaw, int, int]]
) -> None:
    assert flaws(tamper(linked(story))) == found


def test_records_from_before_there_was_a_chain_are_said_to_be_unproved(story: KeptStory) -> None:
    records = linked(story)
    old = [msgspec.structs.replace(record, chain=None) for record in records[:4]]
    previous, new = START, []
    for record in records[4:]:
        previous = link(
            previous,
            lane=record.lane,
            epoch=record.epoch,
            seq=record.seq,
            at_ms=record.at_ms,
            body=bytes(record.body),
        )
        new.append(msgspec.structs.replace(record, chain=previous))
    assert flaws([*old, *new]) == [(Flaw.UNPROVED, 1, 4)]
    assert flaws(_change(4, body=msgspec.Raw(b"{}"))([*old, *new])) == [(Flaw.UNPROVED, 1, 4)]
    assert flaws(_change(7, chain=None)([*old, *new]))[1:] == [(Flaw.CUT, 7, 7)]


def test_a_picture_is_in_the_chain_by_its_hash_and_not_by_its_bytes() -> None:
    bare = v1.encode(v1.PictureTaken(passage_id="p", picture_id="9f" * 32, view="plate"))
    sent = v1.encode(
        v1.PictureTaken(passage_id="p", picture_id="9f" * 32, view="plate", jpeg=b"\xff\xd8")
    )
    assert without_picture(sent) == without_picture(bare) == bare
    later = msgspec.json.encode(msgspec.json.decode(sent) | {"added_in_v1_9": [1, {"er": None}]})
    assert b"added_in_v1_9" in without_picture(later)
    assert without_picture(b'{"type":"picture_taken"') == b'{"type":"picture_taken"'


# -- a lane's own database


def altered(story: KeptStory, statement: str) -> verify.Checked:
    story.close()
    with closing(sqlite3.connect(story.path)) as writer:
        writer.execute(statement)
        writer.commit()
    return verify.database(story.path)


def test_a_database_left_alone_is_intact(story: KeptStory) -> None:
    checked = verify.database(story.path)
    assert checked.is_intact
    assert (checked.first_seq, checked.last_seq, checked.missing) == (1, 13, 0)
    assert "chain intact, 0 missing" in verify.summary(checked)


def test_what_the_hub_has_may_be_forgotten_and_the_rest_still_proves_itself(
    story: KeptStory,
) -> None:
    story.store.forget_acknowledged(6)
    story.passage_turned_back()
    checked = verify.database(story.path)
    assert checked.is_intact
    assert (checked.first_seq, checked.last_seq) == (7, 17)
    story.store.forget_acknowledged(17)
    story.passage_released()
    assert verify.database(story.path).is_intact
    assert verify.database(story.path).first_seq == 18


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE outbox SET body = CAST(replace(body, 'se', 'es') AS BLOB) WHERE seq = 8", "8 alt"),
        ("DELETE FROM outbox WHERE seq = 4", "record 4 missing"),
        ("DELETE FROM outbox WHERE seq < 3", "1..2 missing"),
        ("DELETE FROM outbox WHERE seq > 11", "12..13 missing"),
        ("DELETE FROM outbox", "1..13 missing"),
        ("UPDATE outbox SET chain = NULL", "record 13 altered"),
        ("UPDATE snapshot SET chain = '00'", "record 13 altered"),
        ("INSERT INTO outbox VALUES (14, 0, x'7B7D', '00')", "record 14 altered"),
    ],
)
def test_what_is_done_to_a_lanes_database_is_found(
    story: KeptStory, statement: str, found: str
) -> None:
    checked = altered(story, statement)
    assert not checked.is_intact
    assert any(found in str(flaw) for flaw in checked.flaws), [str(f) for f in checked.flaws]


def test_a_database_of_the_version_before_goes_on_and_says_what_is_unproved(
    tmp_path: Path,
) -> None:
    with closing(KeptStory(tmp_path)) as told:
        told.ready().passage_released()  # type: ignore[attr-defined]
        old = rows(told.path)
    with closing(sqlite3.connect(told.path)) as writer:  # back to the tables of that version
        for statement in (
            "ALTER TABLE outbox DROP COLUMN chain",
            *(
                f"ALTER TABLE snapshot DROP COLUMN {column}"
                for column in ("chain", "forgotten_seq", "forgotten_chain", "opened_seq")
            ),
            "DROP TABLE unsealed",
            "DELETE FROM _sqlite_migrations WHERE name = 'lane_chain_and_dossiers'",
        ):
            writer.execute(statement)
        writer.commit()
    with closing(KeptStory(tmp_path)) as told:
        told.at = told.at.__class__(2_000.0, told.at.wall_ms + 1_000_000)
        told.ready().passage_released()  # type: ignore[attr-defined]
        checked = verify.database(told.path)
        assert checked.is_intact
        assert [(f.flaw, f.first, f.last) for f in checked.flaws] == [(Flaw.UNPROVED, 1, len(old))]
        assert "5 made before there was a chain: unproved" in verify.summary(checked)
        told.store.forget_acknowledged(3)
        assert verify.database(told.path).is_intact
        told.store.forget_acknowledged(8)
        assert verify.database(told.path).is_intact
