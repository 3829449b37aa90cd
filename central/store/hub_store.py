"""Everything that is read from `hub.db`: functions of a connection, for `Store.read`.

held = await services.store.read(hub_store.held)
"""

from __future__ import annotations

import sqlite3

import msgspec

from central.store import clip_store, keeping, retention_store, scope
from central.store.columns import (
    ALARM,
    AUDIT,
    COMMAND,
    DEAD_LETTER,
    PASSAGE,
    Row,
    alarm_of,
    audit_of,
    command_of,
    dead_letter_of,
    passage_of,
)
from central.store.queue import risk_of
from central.store.retention_store import Kind
from central.store.rows import (
    AlarmRow,
    AuditRow,
    CommandRow,
    CommandState,
    DeadLetterRow,
    Deletion,
    FaultRow,
    HeldPassage,
    HubCounts,
    Keeping,
    LaneRecords,
    OutcomeCounts,
    PassageDetail,
    PassageFilter,
    PassageSummary,
    PictureRef,
    SeqRange,
    StoredRecord,
    VerdictMore,
)
from gate_agent.wire.v1 import DeclarationRow, EvidenceFacts, Timeline

NAMED_GAPS = 50
# The present life of each lane's database; what an older one left open will never close. In the
# order in which they came, not by a clock that may have been put right in between.
_PRESENT = (
    "(SELECT lane, epoch FROM lane_epochs e WHERE NOT EXISTS (SELECT 1 FROM lane_epochs n"
    " WHERE n.lane = e.lane AND n.rowid > e.rowid))"
)
# A lane has one vehicle at a time: once the next one came this one is gone, though the record
# that says so may be lost with a hub's database that was restored from a backup.
_IS_FOLLOWED = (
    "EXISTS (SELECT 1 FROM records r WHERE r.lane = p.lane AND r.epoch = p.epoch"
    " AND r.seq > p.decided_seq AND r.type = 'passage_opened')"
)


def lanes(db: sqlite3.Connection) -> tuple[LaneRecords, ...]:
    """Every lane that ever sent a record, by name."""
    rows = db.execute(
        "SELECT lane, epoch, through_seq, highest_seq, stored, duplicates, last_received_ms,"  # noqa: S608
        " last_at_ms, lost, chain_breaks, proved_from"
        f" FROM lane_epochs WHERE (lane, epoch) IN {_PRESENT} ORDER BY lane"
    ).fetchall()
    return tuple(_lane(db, row) for row in rows)


def lane(db: sqlite3.Connection, lane_id: str) -> LaneRecords | None:
    """One lane; None if it never sent a record."""
    return next((found for found in lanes(db) if found.lane == lane_id), None)


def passages(db: sqlite3.Connection, wanted: PassageFilter) -> tuple[PassageSummary, ...]:
    """Passages newest first."""
    tests = {
        "p.lane = ?": wanted.lane,
        "coalesce(p.outcome, p.override_decision, p.verdict) = ?": wanted.standing,
        "p.first_at_ms >= ?": wanted.since_ms,
        "p.first_at_ms < ?": wanted.before_ms,
        "p.plate = ?": wanted.plate,
    }
    clauses = [test for test, value in tests.items() if value is not None]
    if wanted.open_only:
        clauses.append("p.closed_at_ms IS NULL")
    values = [value for value in tests.values() if value is not None]
    if wanted.scope is not None:
        test, within = scope.clause(wanted.scope)
        clauses.append(test)
        values += within
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = db.execute(
        f"SELECT {PASSAGE} FROM passages p{where}"  # noqa: S608 - columns and tests of this file
        " ORDER BY p.first_at_ms DESC, p.rowid DESC LIMIT ?",
        [*values, wanted.limit],
    )
    return tuple(passage_of(row) for row in rows)


def passage(db: sqlite3.Connection, passage_id: str) -> PassageDetail | None:
    """One passage with everything of it; None if no record ever named it."""
    row = db.execute(
        f"SELECT {PASSAGE} FROM passages p WHERE p.passage_id = ?",  # noqa: S608
        [passage_id],
    ).fetchone()
    if row is None:
        return None
    more = db.execute(
        "SELECT evidence, declaration, manifest_version, policy_version, override_reason,"
        " overridden_at_ms, arrived_at_ms, timeline, policy_hash, verdict_more"
        " FROM passages WHERE passage_id = ?",
        [passage_id],
    ).fetchone()
    evidence, declaration, manifest_version, policy_version = more[:4]
    override_reason, overridden_at_ms, arrived_at_ms, timeline, policy_hash, beyond = more[4:]
    return PassageDetail(
        summary=passage_of(row),
        evidence=msgspec.json.decode(evidence, type=EvidenceFacts) if evidence else None,
        declaration=msgspec.json.decode(declaration, type=DeclarationRow) if declaration else None,
        manifest_version=manifest_version,
        policy_version=policy_version,
        policy_hash=policy_hash,
        more=msgspec.json.decode(beyond, type=VerdictMore) if beyond else VerdictMore(),
        override_reason=override_reason,
        overridden_at_ms=overridden_at_ms,
        arrived_at_ms=arrived_at_ms,
        timeline=msgspec.json.decode(timeline, type=Timeline) if timeline else None,
        pictures=_pictures(db, passage_id),
        clip=clip_store.clip_of(db, passage_id),
        keeping=keeping.of(db, passage_id) or Keeping(because=()),
        records=_records(db, passage_id),
        commands=commands_of_passage(db, passage_id),
        alarms=alarms_of_passage(db, passage_id),
        audit=audit_of_passage(db, passage_id),
    )


def held(db: sqlite3.Connection) -> tuple[HeldPassage, ...]:
    """Vehicles that wait for a person, longest waiting first.

    The lane's verdict is hold or inspect, nobody's decision was carried out since (a lane that
    was interrupted, or whose boom did not move, asks again), the vehicle is still there, nobody
    came after it and the lane's database is the one it was.
    """
    rows = db.execute(
        f"SELECT {PASSAGE}, json_extract(p.declaration, '$.risk') FROM passages p"  # noqa: S608
        " WHERE p.verdict IN ('hold', 'inspect')"
        " AND p.closed_at_ms IS NULL"
        " AND (p.override_decision IS NULL OR p.decided_seq > p.overridden_seq)"
        f" AND NOT {_IS_FOLLOWED} AND (p.lane, p.epoch) IN {_PRESENT}"
        " ORDER BY p.decided_received_ms, p.rowid"
    ).fetchall()
    return tuple(_held(db, row) for row in rows)


def _held(db: sqlite3.Connection, row: Row) -> HeldPassage:
    passage = passage_of(row)
    return HeldPassage(
        passage=passage,
        pending=_pending(db, passage_id=passage.passage_id),
        risk=risk_of(row[-1], passage.reasons).value,
    )


def picture(db: sqlite3.Connection, picture_id: str) -> bytes | None:
    """The JPEG; None if it is not known, a rule deleted it or the lane had lost it."""
    row = db.execute("SELECT jpeg FROM pictures WHERE picture_id = ?", [picture_id]).fetchone()
    return row[0] if row else None


def faults(db: sqlite3.Connection, lane_id: str | None = None) -> tuple[FaultRow, ...]:
    """Faults that last, as the records say, oldest first; of one lane or of all."""
    rows = db.execute(
        "SELECT lane, code, at_ms, detail FROM faults WHERE raised = 1"  # noqa: S608
        f" AND (lane, epoch) IN {_PRESENT} AND (?1 IS NULL OR lane = ?1) ORDER BY at_ms",
        [lane_id],
    )
    return tuple(
        FaultRow(lane=lane, code=code, since_ms=at_ms, detail=detail)
        for lane, code, at_ms, detail in rows
    )


def alarms(
    db: sqlite3.Connection, *, lane_id: str | None = None, open_only: bool = False, limit: int = 200
) -> tuple[AlarmRow, ...]:
    """Alarms newest first; `open_only`: those nobody acknowledged."""
    rows = db.execute(
        f"SELECT {ALARM} FROM alarms WHERE (?1 IS NULL OR lane = ?1)"  # noqa: S608
        " AND (?2 = 0 OR acknowledged_by IS NULL) ORDER BY at_ms DESC, alarm_id DESC LIMIT ?3",
        [lane_id, open_only, limit],
    )
    return tuple(alarm_of(row) for row in rows)


def dead_letters(db: sqlite3.Connection, *, limit: int = 200) -> tuple[DeadLetterRow, ...]:
    """Dead letters newest first. Each carries its whole payload: keep `limit` small."""
    rows = db.execute(
        f"SELECT {DEAD_LETTER} FROM dead_letters"  # noqa: S608
        " ORDER BY received_ms DESC, dead_letter_id DESC LIMIT ?",
        [limit],
    )
    return tuple(dead_letter_of(row) for row in rows)


def audit(
    db: sqlite3.Connection, *, limit: int = 200, before_id: int | None = None
) -> tuple[AuditRow, ...]:
    """Who did what, newest first; `before_id` pages on."""
    rows = db.execute(
        f"SELECT {AUDIT} FROM audit WHERE (?1 IS NULL OR audit_id < ?1)"  # noqa: S608
        " ORDER BY audit_id DESC LIMIT ?2",
        [before_id, limit],
    )
    return tuple(audit_of(row) for row in rows)


def command(db: sqlite3.Connection, command_id: str) -> CommandRow | None:
    """One order; None if there is none of that id."""
    row = db.execute(
        f"SELECT {COMMAND} FROM commands WHERE command_id = ?",  # noqa: S608
        [command_id],
    ).fetchone()
    return command_of(row) if row else None


def commands_of_lane(
    db: sqlite3.Connection, lane_id: str, *, limit: int = 20
) -> tuple[CommandRow, ...]:
    """The newest orders to a lane, newest first."""
    rows = db.execute(
        f"SELECT {COMMAND} FROM commands WHERE lane = ?"  # noqa: S608
        " ORDER BY issued_at_ms DESC, rowid DESC LIMIT ?",
        [lane_id, limit],
    )
    return tuple(command_of(row) for row in rows)


def commands_of_passage(db: sqlite3.Connection, passage_id: str) -> tuple[CommandRow, ...]:
    """Orders for one passage, oldest first."""
    rows = db.execute(
        f"SELECT {COMMAND} FROM commands WHERE passage_id = ?"  # noqa: S608
        " ORDER BY issued_at_ms, rowid",
        [passage_id],
    )
    return tuple(command_of(row) for row in rows)


def alarms_of_passage(db: sqlite3.Connection, passage_id: str) -> tuple[AlarmRow, ...]:
    """Alarms that name one passage, oldest first."""
    rows = db.execute(
        f"SELECT {ALARM} FROM alarms WHERE passage_id = ? ORDER BY at_ms, alarm_id",  # noqa: S608
        [passage_id],
    )
    return tuple(alarm_of(row) for row in rows)


def audit_of_passage(db: sqlite3.Connection, passage_id: str) -> tuple[AuditRow, ...]:
    """Who did what to one passage, oldest first."""
    rows = db.execute(
        f"SELECT {AUDIT} FROM audit WHERE passage_id = ? ORDER BY audit_id",  # noqa: S608
        [passage_id],
    )
    return tuple(audit_of(row) for row in rows)


def counts(db: sqlite3.Connection) -> HubCounts:
    """Counters over everything; what a lane has not yet sent is in its health, not here."""
    passage_count, closed = db.execute(
        "SELECT count(*), count(closed_at_ms) FROM passages"
    ).fetchone()
    stored, duplicates = db.execute(
        "SELECT coalesce(sum(stored), 0), coalesce(sum(duplicates), 0) FROM lane_epochs"
    ).fetchone()
    return HubCounts(
        passages=passage_count,
        closed=closed,
        verdicts=_outcomes(db, "verdict", "verdict IS NOT NULL"),
        outcomes=_outcomes(db, "outcome", "closed_at_ms IS NOT NULL"),
        records=stored,
        duplicates=duplicates,
        missing=sum(found.missing_count for found in lanes(db)),
        dead_letters=db.execute("SELECT count(*) FROM dead_letters").fetchone()[0],
    )


def _outcomes(db: sqlite3.Connection, column: str, where: str) -> OutcomeCounts:
    rows = db.execute(
        f"SELECT {column}, count(*) FROM passages WHERE {where} GROUP BY 1"  # noqa: S608
    )
    return OutcomeCounts(**dict(rows.fetchall()))


def _lane(db: sqlite3.Connection, row: Row) -> LaneRecords:
    lane_id, epoch, through_seq, highest_seq = row[:4]
    stored, duplicates, last_received_ms, last_at_ms, lost, chain_breaks, proved_from = row[4:]
    missing, missing_count = _gaps(db, lane_id, epoch, through_seq)
    dead = db.execute("SELECT count(*) FROM dead_letters WHERE lane = ?", [lane_id]).fetchone()[0]
    latest = passages(db, PassageFilter(lane=lane_id, limit=1))
    return LaneRecords(
        lane=lane_id,
        epoch=epoch,
        through_seq=through_seq,
        highest_seq=highest_seq,
        missing=missing,
        missing_count=missing_count,
        lost=lost,
        chain_breaks=chain_breaks,
        proved_from=proved_from,
        stored=stored,
        duplicates=duplicates,
        dead_letters=dead,
        last_received_ms=last_received_ms,
        last_at_ms=last_at_ms,
        last_passage=latest[0] if latest else None,
    )


def _gaps(
    db: sqlite3.Connection, lane_id: str, epoch: str, through_seq: int
) -> tuple[tuple[SeqRange, ...], int]:
    """The gaps after `through_seq`: the first few by name, and how many records they are."""
    rows = db.execute(
        "SELECT before + 1, seq - 1 FROM (SELECT seq, lag(seq, 1, ?3) OVER (ORDER BY seq) AS before"
        " FROM records WHERE lane = ?1 AND epoch = ?2 AND seq > ?3) WHERE seq > before + 1",
        [lane_id, epoch, through_seq],
    ).fetchall()
    named = tuple(SeqRange(first=first, last=last) for first, last in rows[:NAMED_GAPS])
    return named, sum(last - first + 1 for first, last in rows)


def _pending(db: sqlite3.Connection, *, passage_id: str) -> CommandRow | None:
    rows = commands_of_passage(db, passage_id)
    return next((row for row in rows if row.state is CommandState.PENDING), None)


def _pictures(db: sqlite3.Connection, passage_id: str) -> tuple[PictureRef, ...]:
    rows = db.execute(
        "SELECT picture_id, view, at_ms, (SELECT jpeg IS NOT NULL FROM pictures x"
        " WHERE x.picture_id = y.picture_id) FROM passage_pictures y WHERE passage_id = ?"
        " ORDER BY at_ms, view",
        [passage_id],
    )
    return tuple(
        PictureRef(
            picture_id=picture_id,
            view=view,
            at_ms=at_ms,
            present=bool(present),
            deleted=None if present else _deleted(db, passage_id, picture_id),
        )
        for picture_id, view, at_ms, present in rows.fetchall()
    )


def _deleted(db: sqlite3.Connection, passage_id: str, picture_id: str) -> Deletion | None:
    return retention_store.deletion(db, passage_id, Kind.PICTURE, picture_id)


def _records(db: sqlite3.Connection, passage_id: str) -> tuple[StoredRecord, ...]:
    rows = db.execute(
        "SELECT seq, at_ms, received_ms, type, body FROM records WHERE passage_id = ?"
        " ORDER BY epoch, seq",
        [passage_id],
    )
    return tuple(
        StoredRecord(seq=seq, at_ms=at_ms, received_ms=received_ms, type=type_, body=body)
        for seq, at_ms, received_ms, type_, body in rows
    )
