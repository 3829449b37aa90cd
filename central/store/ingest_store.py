"""Puts what lanes sent into the database, each record once: for `Store.write`.

The rule of dedupe: (lane, epoch, seq). The rule of acknowledgement: the highest seq up to which
everything is stored, counted after this very transaction. A record that cannot be used counts
as stored, in the dead letters, so that it never blocks those behind it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from central.store import audit, chain_store
from central.store.projections import Unusable, project, raise_by_hub
from gate_agent.domain.records import Alarm
from gate_agent.wire.v1 import RecordBody

DEAD = "dead"
UNNUMBERED_DEAD_LETTERS_KEPT = 10_000  # a sender of garbage must not fill the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """A valid record. `stored` is its JSON without the JPEG, which is in `body`."""

    seq: int
    at_ms: int
    body: RecordBody
    type: str
    stored: bytes
    chain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadRecord:
    """A numbered record whose body cannot be used."""

    seq: int
    at_ms: int
    raw: bytes
    reason: str
    chain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedBatch:
    """One batch of a lane."""

    topic: str
    lane: str
    epoch: str
    received_ms: int
    records: tuple[LiveRecord | DeadRecord, ...]
    forgotten_through: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """A whole message that cannot be used; nothing of it is acknowledged."""

    topic: str
    lane: str | None
    received_ms: int
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Everything of (lane, epoch) up to `through_seq` is stored."""

    lane: str
    epoch: str
    through_seq: int


def ingest(
    db: sqlite3.Connection, messages: Sequence[DecodedBatch | Undecodable]
) -> tuple[Acknowledgement, ...]:
    """Store all of `messages` in this transaction; one acknowledgement per (lane, epoch)."""
    touched: dict[tuple[str, str], int] = {}
    for message in messages:
        match message:
            case Undecodable():
                bury(db, message)
            case DecodedBatch():
                _store_batch(db, message)
                touched[message.lane, message.epoch] = message.received_ms
    acknowledgements = []
    for (lane, epoch), now_ms in touched.items():
        through_seq = _advance(db, lane, epoch, now_ms)
        chain_store.watch_gap(db, lane=lane, epoch=epoch, received_ms=now_ms)
        acknowledgements.append(Acknowledgement(lane=lane, epoch=epoch, through_seq=through_seq))
    return tuple(acknowledgements)


def bury(db: sqlite3.Connection, message: Undecodable) -> None:
    """Keep a message that cannot be used; the same bytes again are only counted."""
    db.execute(
        "INSERT INTO dead_letters (received_ms, topic, lane, reason, payload, payload_sha256)"
        " VALUES (?,?,?,?,?,?) ON CONFLICT (topic, payload_sha256) WHERE seq IS NULL"
        " DO UPDATE SET times = times + 1, received_ms = excluded.received_ms",
        [
            message.received_ms,
            message.topic,
            message.lane,
            message.reason,
            message.payload,
            hashlib.sha256(message.payload).hexdigest(),
        ],
    )
    db.execute(
        "DELETE FROM dead_letters WHERE seq IS NULL AND dead_letter_id <="
        " (SELECT max(dead_letter_id) FROM dead_letters) - ?",
        [UNNUMBERED_DEAD_LETTERS_KEPT],
    )


def _store_batch(db: sqlite3.Connection, batch: DecodedBatch) -> None:
    db.execute(
        "INSERT INTO lane_epochs (lane, epoch, first_received_ms, last_received_ms)"
        " VALUES (?1, ?2, ?3, ?3) ON CONFLICT (lane, epoch)"
        " DO UPDATE SET last_received_ms = excluded.last_received_ms",
        [batch.lane, batch.epoch, batch.received_ms],
    )
    _give_up_forgotten(db, batch)
    fresh = [record for record in batch.records if _insert(db, batch, record)]
    duplicates = len(batch.records) - len(fresh)
    db.execute(
        "UPDATE lane_epochs SET stored = stored + ?, duplicates = duplicates + ?,"
        " highest_seq = max(highest_seq, ?), last_at_ms = max(last_at_ms, ?)"
        " WHERE lane = ? AND epoch = ?",
        [
            len(fresh),
            duplicates,
            _greatest(record.seq for record in fresh),
            _greatest(record.at_ms for record in fresh),
            batch.lane,
            batch.epoch,
        ],
    )


def _give_up_forgotten(db: sqlite3.Connection, batch: DecodedBatch) -> None:
    """Do not wait for what the lane no longer has: we acknowledged it and were then restored.

    Else nothing new of the lane would ever be acknowledged, and it would stop sending.
    """
    (through_seq,) = db.execute(
        "SELECT through_seq FROM lane_epochs WHERE lane = ? AND epoch = ?",
        [batch.lane, batch.epoch],
    ).fetchone()
    (held,) = db.execute(
        "SELECT count(*) FROM records WHERE lane = ? AND epoch = ? AND seq > ? AND seq <= ?",
        [batch.lane, batch.epoch, through_seq, batch.forgotten_through],
    ).fetchone()
    lost = batch.forgotten_through - through_seq - held
    if lost <= 0:
        return
    db.execute(
        "UPDATE lane_epochs SET through_seq = ?, lost = lost + ? WHERE lane = ? AND epoch = ?",
        [batch.forgotten_through, lost, batch.lane, batch.epoch],
    )
    chain_store.check(
        db,
        lane=batch.lane,
        epoch=batch.epoch,
        after_seq=through_seq,
        through_seq=batch.forgotten_through,
        received_ms=batch.received_ms,
    )
    detail = (
        f"{lost} records of epoch {batch.epoch} between {through_seq + 1} and"
        f" {batch.forgotten_through}: acknowledged once, not stored here, gone from the lane"
    )
    raise_by_hub(
        db,
        lane=batch.lane,
        at_ms=batch.received_ms,
        code=Alarm.RECORDS_LOST.value,
        detail=detail,
    )
    audit.record(
        db,
        at_ms=batch.received_ms,
        who="hub",
        action="records_lost",
        lane=batch.lane,
        detail=detail,
    )


def _greatest(values: Iterable[int]) -> int:
    return max(values, default=0)


def _insert(db: sqlite3.Connection, batch: DecodedBatch, record: LiveRecord | DeadRecord) -> bool:
    """Store one record with its projections; False if it was stored before."""
    match record:
        case LiveRecord():
            type_, body = record.type, record.stored
            passage_id = getattr(record.body, "passage_id", None)
        case DeadRecord():
            type_, body, passage_id = DEAD, record.raw, None
    inserted = db.execute(
        "INSERT INTO records (lane, epoch, seq, at_ms, received_ms, type, passage_id, body, chain)"
        " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (lane, epoch, seq) DO NOTHING",
        [
            batch.lane,
            batch.epoch,
            record.seq,
            record.at_ms,
            batch.received_ms,
            type_,
            passage_id,
            body,
            record.chain,
        ],
    ).rowcount
    if not inserted:
        _compare_with_stored(db, batch, record, body)
        return False
    match record:
        case LiveRecord():
            _project_or_bury(db, batch, record)
        case DeadRecord():
            _bury_numbered(db, batch, record.seq, body, record.reason)
    return True


def _project_or_bury(db: sqlite3.Connection, batch: DecodedBatch, record: LiveRecord) -> None:
    db.execute("SAVEPOINT projection")
    try:
        project(
            db,
            record.body,
            lane=batch.lane,
            epoch=batch.epoch,
            seq=record.seq,
            at_ms=record.at_ms,
            received_ms=batch.received_ms,
        )
    except (Unusable, OverflowError, sqlite3.IntegrityError) as exc:
        db.execute("ROLLBACK TO projection")
        db.execute(
            "UPDATE records SET type = ?, passage_id = NULL"
            " WHERE lane = ? AND epoch = ? AND seq = ?",
            [DEAD, batch.lane, batch.epoch, record.seq],
        )
        _bury_numbered(db, batch, record.seq, record.stored, str(exc))
    db.execute("RELEASE projection")


def _bury_numbered(
    db: sqlite3.Connection, batch: DecodedBatch, seq: int, payload: bytes, reason: str
) -> None:
    db.execute(
        "INSERT INTO dead_letters"
        " (received_ms, topic, lane, epoch, seq, reason, payload, payload_sha256)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [
            batch.received_ms,
            batch.topic,
            batch.lane,
            batch.epoch,
            seq,
            reason,
            payload,
            hashlib.sha256(payload).hexdigest(),
        ],
    )


def _compare_with_stored(
    db: sqlite3.Connection, batch: DecodedBatch, record: LiveRecord | DeadRecord, body: bytes
) -> None:
    """A number used twice for different contents is a lane that went back in time: keep both."""
    at_ms, stored = db.execute(
        "SELECT at_ms, body FROM records WHERE lane = ? AND epoch = ? AND seq = ?",
        [batch.lane, batch.epoch, record.seq],
    ).fetchone()
    if (at_ms, stored) == (record.at_ms, body):
        return
    reason = f"record {record.seq} of epoch {batch.epoch} came before with other contents"
    bury(
        db,
        Undecodable(
            topic=batch.topic,
            lane=batch.lane,
            received_ms=batch.received_ms,
            payload=body,
            reason=reason,
        ),
    )


def _advance(db: sqlite3.Connection, lane: str, epoch: str, received_ms: int) -> int:
    """Move `through_seq` over everything that is now contiguous, and check its chain."""
    (through_seq,) = db.execute(
        "SELECT through_seq FROM lane_epochs WHERE lane = ? AND epoch = ?", [lane, epoch]
    ).fetchone()
    row = db.execute(
        "SELECT a.seq FROM records a WHERE a.lane = ?1 AND a.epoch = ?2 AND a.seq > ?3"
        " AND EXISTS (SELECT 1 FROM records f WHERE f.lane = ?1 AND f.epoch = ?2"
        " AND f.seq = ?3 + 1)"
        " AND NOT EXISTS (SELECT 1 FROM records b WHERE b.lane = ?1 AND b.epoch = ?2"
        " AND b.seq = a.seq + 1) ORDER BY a.seq LIMIT 1",
        [lane, epoch, through_seq],
    ).fetchone()
    if row is None:
        return int(through_seq)
    db.execute(
        "UPDATE lane_epochs SET through_seq = ? WHERE lane = ? AND epoch = ?", [row[0], lane, epoch]
    )
    chain_store.check(
        db,
        lane=lane,
        epoch=epoch,
        after_seq=through_seq,
        through_seq=row[0],
        received_ms=received_ms,
    )
    return int(row[0])
