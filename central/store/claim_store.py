"""Which passage has claimed a declaration. One table; the first comes first."""

from __future__ import annotations

import sqlite3

from central.store import plate_memory
from gate_agent.wire.v1 import ClaimAnswer, ClaimRequest


def claim(db: sqlite3.Connection, request: ClaimRequest, at_ms: int) -> ClaimAnswer | None:
    """Give the declaration to this passage if no other has it. The same question, the same answer.

    What is known of the declared plates goes with it. None: the passage is over, the question comes
    too late. A write.
    """
    over = db.execute(
        "SELECT 1 FROM passages WHERE passage_id = ? AND closed_at_ms IS NOT NULL",
        [request.passage_id],
    ).fetchone()
    if over is not None:
        return None
    used = db.execute(
        "SELECT passage_id FROM declaration_uses WHERE declaration_id = ?",
        [request.declaration_id],
    ).fetchone()
    if used is not None and used[0] != request.passage_id:
        return ClaimAnswer(epoch=request.epoch, token=request.token, state="used", holder=used[0])
    # A lane has one vehicle at a time: its claim for an earlier one is over even if the record
    # that says so is still on the way, and what it used up itself it knows itself.
    (holder,) = db.execute(
        "INSERT INTO claims (declaration_id, passage_id, lane, epoch, at_ms) VALUES (?,?,?,?,?)"
        " ON CONFLICT (declaration_id) DO UPDATE SET"
        " at_ms = iif(lane = excluded.lane AND epoch = excluded.epoch"
        " AND passage_id <> excluded.passage_id, excluded.at_ms, at_ms),"
        " passage_id = iif(lane = excluded.lane AND epoch = excluded.epoch,"
        " excluded.passage_id, passage_id)"
        " RETURNING passage_id",
        [request.declaration_id, request.passage_id, request.lane, request.epoch, at_ms],
    ).fetchone()
    if holder != request.passage_id:
        return ClaimAnswer(epoch=request.epoch, token=request.token, state="held", holder=holder)
    return ClaimAnswer(
        epoch=request.epoch,
        token=request.token,
        state="granted",
        sightings=plate_memory.sightings(
            db,
            request.declaration_id,
            request.passage_id,
            lane=request.lane,
            arrived_ms=at_ms - request.since_arrival_ms,
        ),
        known_empty=plate_memory.known_empty(db, request.declaration_id),
    )


def free_what_is_over(db: sqlite3.Connection, passage_id: str) -> None:
    """Others may have what a closed passage claimed and did not use up. A write.

    While it is not known yet what a release used, nothing is free: records come in any order.
    """
    db.execute(
        "DELETE FROM claims WHERE passage_id = ?1 AND declaration_id NOT IN"
        " (SELECT declaration_id FROM declaration_uses WHERE passage_id = ?1)"
        " AND EXISTS (SELECT 1 FROM passages WHERE passage_id = ?1 AND closed_at_ms IS NOT NULL"
        " AND (outcome <> 'release' OR (decided_seq IS NOT NULL"
        " AND (verdict = 'release' OR override_decision = 'release'))))",
        [passage_id],
    )
