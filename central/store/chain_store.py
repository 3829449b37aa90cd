"""The chain of every lane in the hub's database: checked as it grows, and whole on demand.

What does not fit is an alarm and is counted; nothing is refused for it. A record that was altered
on the way or in a lane's database is evidence too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from central.store import projections
from gate_agent.domain.records import Alarm
from gate_agent.wire.chain import START, Finding, Flaw, Linked, Walk, findings

GAP_PATIENCE_MS = 30_000
"""A lane sends again after 5 s what is not acknowledged."""
_COLUMNS = "lane, epoch, seq, at_ms, chain, body"


def check(
    db: sqlite3.Connection,
    *,
    lane: str,
    epoch: str,
    after_seq: int,
    through_seq: int,
    received_ms: int,
) -> None:
    """Go along the records that were just joined to the chain; a flaw raises an alarm."""
    (proved_from,) = db.execute(
        "SELECT proved_from FROM lane_epochs WHERE lane = ? AND epoch = ?", [lane, epoch]
    ).fetchone()
    walk = Walk(
        after_seq=after_seq,
        after_chain=_link_at(db, lane, epoch, after_seq, is_proved=proved_from is not None),
        is_proved=proved_from is not None,
    )
    records = span(db, lane=lane, epoch=epoch, first_seq=after_seq + 1, last_seq=through_seq)
    breaks = [found for found in findings(records, walk) if found.flaw in _OF_CHAIN]
    db.execute(
        "UPDATE lane_epochs SET chain_breaks = chain_breaks + ?,"
        " proved_from = coalesce(proved_from, ?) WHERE lane = ? AND epoch = ?",
        [len(breaks), walk.proved_from, lane, epoch],
    )
    for found in breaks:
        projections.raise_by_hub(
            db, lane=lane, at_ms=received_ms, code=Alarm.CHAIN_BROKEN.value, detail=str(found)
        )


_OF_CHAIN = frozenset({Flaw.ALTERED, Flaw.CUT})
"""What is missing has its own alarm, where it is given up for lost."""


def _link_at(
    db: sqlite3.Connection, lane: str, epoch: str, seq: int, *, is_proved: bool
) -> str | None:
    if seq == 0:
        return START
    row = db.execute(
        "SELECT chain FROM records WHERE lane = ? AND epoch = ? AND seq = ?", [lane, epoch, seq]
    ).fetchone()
    if row is None:
        return None
    link: str | None = row[0]
    return START if link is None and not is_proved else link


def watch_gap(db: sqlite3.Connection, *, lane: str, epoch: str, received_ms: int) -> None:
    """Say once that records are missing, when the lane has had time to send them again."""
    through_seq, highest_seq, since_ms, told = db.execute(
        "SELECT through_seq, highest_seq, gap_since_ms, gap_told FROM lane_epochs"
        " WHERE lane = ? AND epoch = ?",
        [lane, epoch],
    ).fetchone()
    place = [lane, epoch]
    if highest_seq <= through_seq:
        if since_ms is not None:
            _note_gap(db, place, since_ms=None, told=False)
    elif since_ms is None:
        _note_gap(db, place, since_ms=received_ms, told=False)
    elif not told and received_ms - since_ms > GAP_PATIENCE_MS:
        _note_gap(db, place, since_ms=since_ms, told=True)
        (after,) = db.execute(
            "SELECT min(seq) FROM records WHERE lane = ? AND epoch = ? AND seq > ?",
            [lane, epoch, through_seq],
        ).fetchone()
        detail = f"records {through_seq + 1} to {after - 1} of epoch {epoch}: later ones are here"
        projections.raise_by_hub(
            db, lane=lane, at_ms=received_ms, code=Alarm.RECORDS_MISSING.value, detail=detail
        )


def _note_gap(
    db: sqlite3.Connection, place: list[str], *, since_ms: int | None, told: bool
) -> None:
    db.execute(
        "UPDATE lane_epochs SET gap_since_ms = ?, gap_told = ? WHERE lane = ? AND epoch = ?",
        [since_ms, told, *place],
    )


def span(
    db: sqlite3.Connection, *, lane: str, epoch: str, first_seq: int = 1, last_seq: int = 2**53
) -> Iterator[Linked]:
    """The records of one epoch in order, as they are in the chain."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM records"  # noqa: S608 - our own columns
        " WHERE lane = ? AND epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq",
        [lane, epoch, first_seq, last_seq],
    )
    for lane_, epoch_, seq, at_ms, chain, body in rows:
        yield Linked(
            lane=lane_, epoch=epoch_, seq=seq, at_ms=at_ms, chain=chain, body=msgspec.Raw(body)
        )


def epochs(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every (lane, epoch) that ever sent a record, in the order in which they came."""
    return db.execute("SELECT lane, epoch FROM lane_epochs ORDER BY lane, rowid").fetchall()


def flaws(db: sqlite3.Connection, lane: str, epoch: str) -> Iterator[Finding]:
    """Check one epoch from its first record to its last."""
    yield from findings(span(db, lane=lane, epoch=epoch), Walk())


def sealed_between(
    db: sqlite3.Connection, from_ms: int, to_ms: int
) -> Iterator[tuple[str, str, int, str, bytes]]:
    """The sealed passages closed in [from_ms, to_ms): lane, epoch, seq, passage id, body."""
    yield from db.execute(
        "SELECT lane, epoch, seq, passage_id, body FROM records WHERE type = 'passage_sealed'"
        " AND at_ms >= ? AND at_ms < ? ORDER BY lane, epoch, seq",
        [from_ms, to_ms],
    )


def sealed(db: sqlite3.Connection, passage_id: str) -> bytes | None:
    """The body of the record that sealed one passage; None: not here."""
    row = db.execute(
        "SELECT body FROM records WHERE passage_id = ? AND type = 'passage_sealed'", [passage_id]
    ).fetchone()
    return None if row is None else row[0]


def extent(db: sqlite3.Connection, lane: str, epoch: str) -> tuple[int, int]:
    """How many records of an epoch are here, and the highest number among them."""
    stored, highest = db.execute(
        "SELECT count(*), coalesce(max(seq), 0) FROM records WHERE lane = ? AND epoch = ?",
        [lane, epoch],
    ).fetchone()
    return stored, highest


def sealed_before(db: sqlite3.Connection, *, lane: str, epoch: str, seq: int) -> int:
    """The number of the last seal before `seq`; 0: there is none."""
    (found,) = db.execute(
        "SELECT coalesce(max(seq), 0) FROM records WHERE lane = ? AND epoch = ? AND seq < ?"
        " AND type = 'passage_sealed'",
        [lane, epoch, seq],
    ).fetchone()
    return int(found)


def pictures_of(db: sqlite3.Connection, passage_id: str) -> Iterator[tuple[str, bytes]]:
    """The pictures of a passage that are here, by id."""
    yield from db.execute(
        "SELECT DISTINCT p.picture_id, p.jpeg FROM pictures p JOIN passage_pictures USING"
        " (picture_id) WHERE passage_id = ? AND jpeg IS NOT NULL ORDER BY p.picture_id",
        [passage_id],
    )


def pictures_not_here(db: sqlite3.Connection) -> Iterator[tuple[str, str, bool, bool]]:
    """Pictures without bytes, by passage: was it lost at its lane, did a rule delete it?"""
    yield from db.execute(
        "SELECT DISTINCT y.passage_id, y.picture_id, coalesce(x.lost, 0), EXISTS (SELECT 1 FROM"
        " deletions d WHERE d.passage_id = y.passage_id AND d.kind = 'picture'"
        " AND d.content_id = y.picture_id) FROM passage_pictures y"
        " LEFT JOIN pictures x USING (picture_id) WHERE x.jpeg IS NULL ORDER BY 1, 2"
    )


def all_pictures(db: sqlite3.Connection) -> Iterator[tuple[str, bytes]]:
    """Every picture that is here."""
    yield from db.execute("SELECT picture_id, jpeg FROM pictures WHERE jpeg IS NOT NULL")
