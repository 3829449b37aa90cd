"""Declarations and slips that two passages used: who, where, when, which pictures, by whom."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from central.store.projections import DECLARATION_USED_TWICE, SLIP_USED_TWICE
from gate_agent.wire.v1 import ClaimFact, EvidenceFacts

# Two kinds of use; `which` is a constant of this file.
_USES = (
    "SELECT p.passage_id, p.lane, coalesce(p.decided_at_ms, p.first_at_ms),"
    " coalesce(p.decided_received_ms, p.first_received_ms), p.passage_id = ?,"
    " coalesce(p.override_by, p.decided_by, 'lane'), p.plate, p.card_uid, p.gross_kg,"
    " p.evidence FROM passages p WHERE {which} ORDER BY 3, p.passage_id"
)
_evidence = msgspec.json.Decoder(EvidenceFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictUse:
    """One passage that went out on the declaration.

    `by`: "lane", or the supervisor who released it. `claim`: what the lane knew of the hub's word;
    None where it claimed nothing. `pictures`: their SHA-256s, of those that are here.
    """

    passage_id: str
    lane: str
    at_ms: int
    received_ms: int
    is_first: bool  # to use it up, as the hub heard it
    by: str
    plate: str | None
    card_uid: str | None
    gross_kg: int | None
    claim: ClaimFact | None
    pictures: tuple[str, ...]
    pictures_deleted: int = 0  # by a rule, after a person had ended that they were kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One declaration, or one slip of an emergency, and everybody who used it, earliest first."""

    declaration_id: str  # "": it is a slip
    alarm_id: int
    found_at_ms: int
    acknowledged_by: str | None
    uses: tuple[ConflictUse, ...]
    slip: str = ""


def conflicts(db: sqlite3.Connection, *, limit: int = 100) -> tuple[Conflict, ...]:
    """Every declaration and slip that was used twice, the newest find first; each once."""
    both = (*_of_declarations(db, limit), *_of_slips(db, limit))
    return tuple(sorted(both, key=lambda each: -each.alarm_id)[:limit])


def _of_slips(db: sqlite3.Connection, limit: int) -> tuple[Conflict, ...]:
    rows = db.execute(
        "SELECT a.alarm_id, a.at_ms, a.acknowledged_by, s.slip, s.passage_id FROM alarms a"
        " JOIN passages p ON p.passage_id = a.passage_id JOIN slips s ON s.slip = p.override_slip"
        " WHERE a.code = ? ORDER BY a.alarm_id DESC LIMIT ?",
        [SLIP_USED_TWICE, limit],
    ).fetchall()
    found: dict[str, Conflict] = {}
    for alarm_id, at_ms, acknowledged_by, slip, first in rows:
        if slip not in found:
            found[slip] = Conflict(
                declaration_id="",
                slip=slip,
                alarm_id=alarm_id,
                found_at_ms=at_ms,
                acknowledged_by=acknowledged_by,
                uses=_uses(db, "p.override_slip = ?", slip, first),
            )
    return tuple(found.values())


def _of_declarations(db: sqlite3.Connection, limit: int) -> tuple[Conflict, ...]:
    rows = db.execute(
        "SELECT a.alarm_id, a.at_ms, a.acknowledged_by, u.declaration_id, u.passage_id"
        " FROM alarms a"
        " JOIN passages p ON p.passage_id = a.passage_id"
        " JOIN declaration_uses u ON u.declaration_id = p.declaration_id"
        " WHERE a.code = ? ORDER BY a.alarm_id DESC LIMIT ?",
        [DECLARATION_USED_TWICE, limit],
    ).fetchall()
    found: dict[str, Conflict] = {}
    for alarm_id, at_ms, acknowledged_by, declaration_id, first in rows:
        if declaration_id not in found:
            found[declaration_id] = Conflict(
                declaration_id=declaration_id,
                alarm_id=alarm_id,
                found_at_ms=at_ms,
                acknowledged_by=acknowledged_by,
                uses=_uses(
                    db,
                    "p.declaration_id = ? AND 'release' IN (p.outcome, p.override_decision,"
                    " p.verdict)",
                    declaration_id,
                    first,
                ),
            )
    return tuple(found.values())


def _uses(db: sqlite3.Connection, which: str, used: str, first: str) -> tuple[ConflictUse, ...]:
    rows = db.execute(_USES.format(which=which), [first, used]).fetchall()
    return tuple(
        ConflictUse(
            passage_id=row[0],
            lane=row[1],
            at_ms=row[2],
            received_ms=row[3],
            is_first=bool(row[4]),
            by=row[5],
            plate=row[6],
            card_uid=row[7],
            gross_kg=row[8],
            claim=_evidence.decode(row[9]).claim if row[9] else None,
            pictures=_pictures(db, row[0]),
            pictures_deleted=_pictures_deleted(db, row[0]),
        )
        for row in rows
    )


def _pictures(db: sqlite3.Connection, passage_id: str) -> tuple[str, ...]:
    rows = db.execute(
        "SELECT DISTINCT y.picture_id FROM passage_pictures y JOIN pictures x USING (picture_id)"
        " WHERE y.passage_id = ? AND x.jpeg IS NOT NULL ORDER BY y.at_ms, y.view",
        [passage_id],
    )
    return tuple(row[0] for row in rows)


def _pictures_deleted(db: sqlite3.Connection, passage_id: str) -> int:
    (count,) = db.execute(
        "SELECT count(DISTINCT d.content_id) FROM deletions d JOIN pictures x"
        " ON x.picture_id = d.content_id WHERE d.passage_id = ? AND d.kind = 'picture'"
        " AND x.jpeg IS NULL",
        [passage_id],
    ).fetchone()
    return int(count)
