"""Declarations that a person may mean when the lane found none: alike in plate, or by card.

Only ever shown. The lane matches exactly, and nothing here reaches it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from central.console.comparison import Mark, card_meant, distance, marks, nearest_plate
from central.store import console_queries, manifest_queries
from gate_agent.domain.matching import is_among, normalize_card, normalize_plate
from gate_agent.wire.v1 import DeclarationRow, EvidenceFacts

MAX_DISTANCE = 2
SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """One declaration, with what differs from the evidence marked."""

    declaration: DeclarationRow
    distance: int | None  # edits of the nearest plate; None: no plate was read
    same_card: bool
    plates: tuple[tuple[Mark, ...], ...]
    card: tuple[Mark, ...]


def nearest(db: sqlite3.Connection, evidence: EvidenceFacts) -> tuple[Near, ...]:
    """The nearest declarations, best first: same card and plate, then either, then alike."""
    plate = normalize_plate(evidence.plate.text) if evidence.plate else ""
    card = normalize_card(evidence.card.uid) if evidence.card else ""
    found: dict[str, DeclarationRow] = {}
    for row in manifest_queries.by_card(db, card) if card else ():
        found[row.declaration_id] = row
    alike = [(distance(plate, like), like) for like in console_queries.plates_like(db, plate)]
    for apart, like in sorted(alike)[:SHOWN]:
        for row in manifest_queries.by_plate(db, like) if apart <= MAX_DISTANCE else ():
            found[row.declaration_id] = row
    ranked = sorted((_near(row, plate, card) for row in found.values()), key=_rank)
    return tuple(ranked[:SHOWN])


def _near(row: DeclarationRow, plate: str, card: str) -> Near:
    closest = nearest_plate(plate, row.plates)
    return Near(
        declaration=row,
        distance=None if closest is None else distance(plate, closest),
        same_card=bool(card) and is_among(card, (row.card_uid, *row.crew)),
        plates=tuple(marks(text, plate if text == closest else None) for text in row.plates),
        card=marks(card_meant(row, card), card or None),
    )


def _rank(near: Near) -> tuple[bool, int, str]:
    apart = 99 if near.distance is None else near.distance
    unlike = not (near.same_card or apart == 0)
    return unlike, apart, near.declaration.declaration_id
