"""Declarations that two passages used: who, where, when, with which pictures, by whose decision."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from central.store.projections import DECLARATION_USED_TWICE
from gate_agent.wire.v1 import ClaimFact, EvidenceFacts

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One declaration and everybody who used it, the earliest first."""

    declaration_id: str
    alarm_id: int
    found_at_ms: int
    acknowledged_by: str | None
    uses: tuple[ConflictUse, ...]


def conflicts(db: sqlite3.Connection, *, limit: int = 100) -> tuple[Conflict, ...]:
    """Every declaration that was used twice, the newest find first; each once."""
    rows = db.execute(
        "SELECT a.alarm_id, a.at_ms, a.acknowledged_by, u.declaration_id FROM alarms a"
        " JOIN passages p ON p.passage_id = a.passage_id"
        " JOIN declaration_uses u ON u.declaration_id = p.declaration_id"
        " WHERE a.code = ? ORDER BY a.alarm_id DESC LIMIT ?",
        [DECLARATION_USED_TWICE, limit],
    ).fetchall()
    found: dict[str, Conflict] = {}
    for alarm_id, at_ms, acknowledged_by, declaration_id in rows:
        if declaration_id not in found:
            found[declaration_id] = Conflict(
                declaration_id=declaration_id,
                alarm_id=alarm_id,
                found_at_ms=at_ms,
                acknowledged_by=acknowledged_by,
                uses=_uses(db, declaration_id),
            )
    return tuple(found.values())


def _uses(db: sqlite3.Connection, declaration_id: str) -> tuple[ConflictUse, ...]:
    rows = db.execute(
        "SELECT p.passage_id, p.lane, coalesce(p.decided_at_ms, p.first_at_ms),"
        " coalesce(p.decided_received_ms, p.first_received_ms), p.passage_id = u.passage_id,"
        " coalesce(p.override_by, p.decided_by, 'lane'), p.plate, p.card_uid, p.gross_kg,"
        " p.evidence FROM passages p"
        " JOIN declaration_uses u ON u.declaration_id = p.declaration_id"
        " WHERE p.declaration_id = ?"
        " AND 'release' IN (p.outcome, p.override_decision, p.verdict)"
        " ORDER BY 3, p.passage_id",
        [declaration_id],
    ).fetchall()
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
