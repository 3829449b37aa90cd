"""Of which passages no rule deletes the pictures and the clip, and what people said about it.

A person's word is never altered; the last one about a passage counts. It keeps, or ends what a
person or a conflict keeps. What is open, owed or unseen is kept whatever a person says.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from central.errors import CentralError
from central.store import audit
from central.store.projections import DECLARATION_USED_TWICE, SLIP_USED_TWICE
from central.store.rows import Keeping, KeptFor


class KeepDeed(StrEnum):
    """What a person says about the pictures and the clip of a passage."""

    KEPT = "kept"
    ENDED = "ended"


class KeepError(CentralError):
    """A word that cannot be taken. `is_known`: there is such a passage."""

    def __init__(self, text: str, *, is_known: bool) -> None:
        super().__init__(text)
        self.is_known = is_known


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepWord:
    """What a person says about one passage."""

    passage_id: str
    deed: KeepDeed
    by: str
    at_ms: int
    reason: str


# Every passage on a declaration or slip that two were released on is evidence of the conflict.
_CONFLICT = (
    "EXISTS (SELECT 1 FROM passages q JOIN alarms a ON a.passage_id = q.passage_id"
    " WHERE q.{column} = p.{column} AND a.code = '{code}')"
)
_STANDING = (
    "SELECT p.lane, p.closed_at_ms IS NULL,"  # noqa: S608 - codes of our own
    f" {_CONFLICT.format(column='declaration_id', code=DECLARATION_USED_TWICE)}"
    f" OR {_CONFLICT.format(column='override_slip', code=SLIP_USED_TWICE)},"
    " EXISTS (SELECT 1 FROM alarms a WHERE a.passage_id = p.passage_id"
    " AND a.acknowledged_by IS NULL),"
    " p.outcome IS 'release' AND EXISTS (SELECT 1 FROM obligations o"
    " WHERE o.passage_id = p.passage_id AND 'closed' IS NOT (SELECT w.deed FROM obligation_words w"
    " WHERE w.passage_id = o.passage_id AND w.code = o.code AND w.owed_to = o.owed_to"
    " ORDER BY w.word_id DESC LIMIT 1)),"
    " k.deed, k.said_by, k.at_ms, k.reason FROM passages p LEFT JOIN keeps k ON k.word_id ="
    " (SELECT max(word_id) FROM keeps x WHERE x.passage_id = p.passage_id) WHERE p.passage_id = ?"
)


def of(db: sqlite3.Connection, passage_id: str) -> Keeping | None:
    """How it stands with one passage; None: not known here."""
    found = _standing(db, passage_id)
    return found[1] if found else None


def say(db: sqlite3.Connection, word: KeepWord) -> Keeping:
    """Write down what a person says. Raises `KeepError`."""
    found = _standing(db, word.passage_id)
    if found is None:
        raise KeepError(f"passage {word.passage_id}: not known here", is_known=False)
    lane, before = found
    can_end = before.is_kept or KeptFor.CONFLICT in before.because
    if word.deed is KeepDeed.ENDED and not can_end:
        raise KeepError(f"passage {word.passage_id}: nobody keeps it", is_known=True)
    if word.deed is KeepDeed.KEPT and before.is_kept:
        raise KeepError(f"passage {word.passage_id}: {before.by} keeps it already", is_known=True)
    db.execute(
        "INSERT INTO keeps (passage_id, deed, said_by, at_ms, reason) VALUES (?,?,?,?,?)",
        [word.passage_id, word.deed.value, word.by, word.at_ms, word.reason],
    )
    audit.record(
        db,
        at_ms=word.at_ms,
        who=word.by,
        action=f"keep_{word.deed.value}",
        lane=lane,
        passage_id=word.passage_id,
        detail=word.reason,
    )
    after = of(db, word.passage_id)
    assert after is not None, "it was there above"  # noqa: S101
    return after


def _standing(db: sqlite3.Connection, passage_id: str) -> tuple[str, Keeping] | None:
    row = db.execute(_STANDING, [passage_id]).fetchone()
    if row is None:
        return None
    lane, is_open, in_conflict, has_alarm, is_owed, deed, by, at_ms, reason = row
    because = {
        KeptFor.PERSON: deed == KeepDeed.KEPT,
        KeptFor.OPEN: is_open,
        KeptFor.CONFLICT: in_conflict and deed != KeepDeed.ENDED,
        KeptFor.ALARM: has_alarm,
        KeptFor.OBLIGATION: is_owed,
    }
    return lane, Keeping(
        because=tuple(why for why, holds in because.items() if holds),
        is_kept=deed == KeepDeed.KEPT,
        by=by or "",
        at_ms=at_ms,
        reason=reason or "",
    )
