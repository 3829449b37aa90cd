"""What the hub remembers of the plates of a declaration: where they were, what they weigh empty."""

from __future__ import annotations

import sqlite3
from statistics import median_low

from gate_agent.wire.v1 import KnownEmptyRow, SightingRow

LATELY_MS = 600_000
"""A plate that left longer ago than this says nothing about one that comes."""
STAYS_MS = 1_800_000
"""No vehicle stands in a lane for so long; a passage that seems to was never told to be over."""
EMPTIES = 5  # the latest
_PLATES = "(SELECT plate FROM declaration_plates WHERE declaration_id = :declaration)"
_SAME_PLATE = (
    f"(p.plate IN {_PLATES} OR (p.verdict = 'release' AND p.declaration_id IN"  # noqa: S608
    f" (SELECT declaration_id FROM declaration_plates WHERE plate IN {_PLATES})))"
)
# A lane has one vehicle at a time: one that is followed has gone.
_IS_FOLLOWED = (
    "EXISTS (SELECT 1 FROM passages n WHERE n.lane = p.lane AND n.first_at_ms > p.first_at_ms)"
)


def sightings(
    db: sqlite3.Connection, declaration_id: str, passage_id: str, *, lane: str, arrived_ms: int
) -> tuple[SightingRow, ...]:
    """Other passages of the declared plates: in another lane now, or out of one lately.

    `arrived_ms`: when this one arrived, by the hub's clock.
    """
    rows = db.execute(
        "SELECT p.lane, p.passage_id, p.closed_at_ms FROM passages p"  # noqa: S608 - of this file
        f" WHERE {_SAME_PLATE} AND p.passage_id <> :passage"
        " AND (p.left_by IN ('exit', 'evacuation') AND p.closed_at_ms >= :lately"
        "  OR (p.closed_at_ms IS NULL AND p.lane <> :lane"
        f"   AND p.first_at_ms >= :stays AND NOT {_IS_FOLLOWED}))"
        " ORDER BY p.first_at_ms DESC, p.passage_id LIMIT 4",
        {
            "declaration": declaration_id,
            "passage": passage_id,
            "lane": lane,
            "lately": arrived_ms - LATELY_MS,
            "stays": arrived_ms - STAYS_MS,
        },
    ).fetchall()
    return tuple(
        SightingRow(
            lane=lane,
            passage_id=other,
            gap_ms=None if closed_ms is None else max(0, arrived_ms - closed_ms),
        )
        for lane, other, closed_ms in rows
    )


def known_empty(db: sqlite3.Connection, declaration_id: str) -> KnownEmptyRow | None:
    """What the declared plates weighed on their latest empty trips; None: never weighed empty."""
    rows = db.execute(
        "SELECT p.gross_kg FROM passages p"  # noqa: S608 - of this file
        f" WHERE p.plate IN {_PLATES} AND p.outcome = 'release' AND p.gross_kg IS NOT NULL"
        " AND json_extract(p.declaration, '$.kind') = 'empty'"
        f" ORDER BY p.first_at_ms DESC LIMIT {EMPTIES}",
        {"declaration": declaration_id},
    ).fetchall()
    weighed = [row[0] for row in rows]
    return KnownEmptyRow(kg=median_low(weighed), times=len(weighed)) if weighed else None
