"""What released vehicles owe, and what people said was done about it.

What is owed comes from the lanes' verdicts and is a projection of records. What was done is said
by a person, never altered: an obligation stands as the last word about it says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from central.errors import CentralError
from central.store import audit
from gate_agent.wire.v1 import ObligationRow


class Standing(StrEnum):
    """How an obligation stands."""

    OPEN = "open"
    OVERDUE = "overdue"  # open, and due before now by the hub's clock
    CLOSED = "closed"


class Deed(StrEnum):
    """What a person says about an obligation."""

    CLOSED = "closed"
    REOPENED = "reopened"  # it was closed in error


class ObligationError(CentralError):
    """A word about an obligation that cannot be taken. `is_known`: there is such an obligation."""

    def __init__(self, text: str, *, is_known: bool) -> None:
        super().__init__(text)
        self.is_known = is_known


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedRow:
    """Something that a released vehicle's company owes. `overdue` by the hub's clock."""

    passage_id: str
    lane: str
    released_at_ms: int
    plate: str | None
    declaration_id: str | None
    code: str
    due_ms: int | None
    to: str
    overdue: bool
    standing: Standing
    number: str = ""  # of the paper that closed it
    done_at_ms: int | None = None  # when it was handed in, closed, confirmed
    by: str = ""  # who said so
    said_at_ms: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says about one obligation."""

    passage_id: str
    code: str
    to: str
    deed: Deed
    by: str
    at_ms: int
    number: str = ""
    done_at_ms: int | None = None
    reason: str = ""


def owe(db: sqlite3.Connection, passage_id: str, owed: Iterable[ObligationRow]) -> None:
    """What the newest verdict of a passage says is owed; it counts once the vehicle is out."""
    db.execute("DELETE FROM obligations WHERE passage_id = ?", [passage_id])
    db.executemany(
        "INSERT OR IGNORE INTO obligations (passage_id, code, owed_to, due_ms) VALUES (?,?,?,?)",
        [(passage_id, each.code, each.to, each.due_ms) for each in owed],
    )


def say(db: sqlite3.Connection, word: Word) -> OwedRow:
    """Write down what a person says. Raises `ObligationError`."""
    found = one(db, word.passage_id, word.code, word.to, word.at_ms)
    if found is None:
        raise ObligationError(
            f"passage {word.passage_id} owes no {word.code} {word.to}".rstrip(), is_known=False
        )
    is_closed = found.standing is Standing.CLOSED
    if is_closed == (word.deed is Deed.CLOSED):
        raise ObligationError(f"it is {found.standing.value} already", is_known=True)
    if word.done_at_ms is not None and not found.released_at_ms <= word.done_at_ms <= word.at_ms:
        raise ObligationError("it was done between the release and now", is_known=True)
    db.execute(
        "INSERT INTO obligation_words"
        " (passage_id, code, owed_to, deed, said_by, at_ms, number, done_at_ms, reason)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        [
            word.passage_id, word.code, word.to, word.deed.value, word.by, word.at_ms,
            word.number, word.done_at_ms, word.reason,
        ],
    )  # fmt: skip
    said = " ".join(part for part in (word.code, word.to, word.number) if part)
    audit.record(
        db,
        at_ms=word.at_ms,
        who=word.by,
        action=f"obligation_{word.deed.value}",
        lane=found.lane,
        passage_id=word.passage_id,
        detail=f"{said}: {word.reason}" if word.reason else said,
    )
    after = one(db, word.passage_id, word.code, word.to, word.at_ms)
    assert after is not None, "it was there above"  # noqa: S101
    return after


def close_all(
    db: sqlite3.Connection, code: str, to: str, *, by: str, at_ms: int, number: str
) -> int:
    """One paper settles all that is owed of this code to this account; how many it were."""
    return db.execute(
        "INSERT INTO obligation_words"
        " (passage_id, code, owed_to, deed, said_by, at_ms, number, done_at_ms, reason)"
        " SELECT o.passage_id, o.code, o.owed_to, 'closed', :by, :at, :number, :at, ''"
        " FROM obligations o JOIN passages p USING (passage_id)"
        " LEFT JOIN obligation_words w ON w.word_id = (SELECT max(word_id) FROM obligation_words x"
        " WHERE x.passage_id = o.passage_id AND x.code = o.code AND x.owed_to = o.owed_to)"
        " WHERE p.outcome = 'release' AND o.code = :code AND o.owed_to = :to"
        " AND w.deed IS NOT 'closed'",
        {"by": by, "at": at_ms, "number": number, "code": code, "to": to},
    ).rowcount


# The last word about each; nothing was said: every column of it is NULL.
_OWED = (
    "SELECT o.passage_id, p.lane, coalesce(p.closed_at_ms, p.first_at_ms), p.plate,"
    " p.declaration_id, o.code, o.due_ms, o.owed_to, w.deed, w.number, w.done_at_ms, w.said_by,"
    " w.at_ms, w.reason FROM obligations o JOIN passages p USING (passage_id)"
    " LEFT JOIN obligation_words w ON w.word_id = (SELECT max(word_id) FROM obligation_words x"
    " WHERE x.passage_id = o.passage_id AND x.code = o.code AND x.owed_to = o.owed_to)"
    " WHERE p.outcome = 'release'"
)


def owed(
    db: sqlite3.Connection, *, now_ms: int, standing: Standing | None, limit: int
) -> list[OwedRow]:
    """What is owed, the earliest due first; `standing` OPEN: what is overdue, too. None: all."""
    which = {
        None: "",
        Standing.OPEN: " AND w.deed IS NOT 'closed'",
        Standing.OVERDUE: " AND w.deed IS NOT 'closed' AND o.due_ms < :now",
        Standing.CLOSED: " AND w.deed = 'closed'",
    }[standing]
    order = " ORDER BY o.due_ms IS NULL, o.due_ms, o.passage_id, o.code LIMIT :limit"
    rows = db.execute(_OWED + which + order, {"now": now_ms, "limit": limit})
    return [_row(row, now_ms) for row in rows]


def one(db: sqlite3.Connection, passage_id: str, code: str, to: str, now_ms: int) -> OwedRow | None:
    """One obligation; None: nobody owes that."""
    row = db.execute(
        _OWED + " AND o.passage_id = ? AND o.code = ? AND o.owed_to = ?", [passage_id, code, to]
    ).fetchone()
    return _row(row, now_ms) if row else None


def _row(row: tuple[object, ...], now_ms: int) -> OwedRow:
    (passage_id, lane, released_ms, plate, declaration_id, code, due_ms, to, deed,
     number, done_ms, by, at_ms, reason) = row  # fmt: skip
    is_late = isinstance(due_ms, int) and due_ms < now_ms
    standing = Standing.OVERDUE if is_late else Standing.OPEN
    if deed == Deed.CLOSED.value:
        standing = Standing.CLOSED
    return OwedRow(
        passage_id=str(passage_id),
        lane=str(lane),
        released_at_ms=int(str(released_ms)),
        plate=None if plate is None else str(plate),
        declaration_id=None if declaration_id is None else str(declaration_id),
        code=str(code),
        due_ms=due_ms if isinstance(due_ms, int) else None,
        to=str(to),
        overdue=standing is Standing.OVERDUE,
        standing=standing,
        number=str(number or ""),
        done_at_ms=done_ms if isinstance(done_ms, int) else None,
        by=str(by or ""),
        said_at_ms=at_ms if isinstance(at_ms, int) else None,
        reason=str(reason or ""),
    )
