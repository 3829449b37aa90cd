"""Questions about verdicts long after: every draw made again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from gate_agent.domain.draws import draw
from gate_agent.wire.v1 import DeclarationRow

_row = msgspec.json.Decoder(DeclarationRow)
_NAMED_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnClass:
    """How often one credit class was drawn."""

    credit_class: str
    passages: int
    inspected: int
    reviewed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawAudit:
    """Every draw of a period made again. `differ` names passages whose record says another number.

    `undrawn` passages were judged in the period without a draw: their lane had no secret.
    """

    period: str
    commitment: str
    redone: int
    differ: tuple[str, ...]
    undrawn: int
    classes: tuple[DrawnClass, ...]


def audit(db: sqlite3.Connection, period: str) -> DrawAudit | None:
    """Redo every draw of a period from the records; None: there is no such period."""
    found = db.execute(
        "SELECT from_ms, until_ms, commitment, secret FROM draw_periods WHERE period = ?", [period]
    ).fetchone()
    if found is None:
        return None
    from_ms, until_ms, committed, secret = found
    rows = db.execute(
        "SELECT passage_id, declaration, reasons FROM passages WHERE declaration IS NOT NULL"
        " AND decided_at_ms >= ? AND decided_at_ms < ?",
        [from_ms, until_ms],
    )
    differ: list[str] = []
    redone = undrawn = 0
    counts: dict[str, list[int]] = {}
    for passage_id, body, reasons in rows:
        row = _row.decode(body)
        tally = counts.setdefault(row.credit_class, [0, 0, 0])
        tally[0] += 1
        tally[1] += "drawn_for_inspection" in reasons
        tally[2] += "risk_review" in reasons
        if row.drawn is None or row.drawn.period != period:
            undrawn += 1
            continue
        redone += 1
        again = draw(bytes(secret), period, row.declaration_id)
        said = (row.drawn.inspect_permille, row.drawn.review_permille)
        if said != (again.inspect_permille, again.review_permille) and len(differ) < _NAMED_MOST:
            differ.append(passage_id)
    return DrawAudit(
        period=period,
        commitment=committed,
        redone=redone,
        differ=tuple(differ),
        undrawn=undrawn,
        classes=tuple(
            DrawnClass(credit_class=name, passages=one, inspected=two, reviewed=three)
            for name, (one, two, three) in sorted(counts.items())
        ),
    )
