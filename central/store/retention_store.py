"""Pictures and clips that rules delete: for `Store.read` and `Store.write`, a little at a time.

Bytes and the row that says they were deleted go in one transaction: a hub that is killed has both
or neither. Of a clip, which may be large, the first transaction ends that it is handed out, and the
parts follow. What is freed is overwritten, and stays in the file for what comes next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from central.store import keeping
from central.store.projections import raise_by_hub
from central.store.rows import Deletion, RetentionRule
from gate_agent.domain.records import Alarm
from gate_agent.wire.topics import HUB

LOOKED_AT = 64  # so many are looked at in one read
DELETED_AT_ONCE = 8  # so many go in one transaction: about a megabyte
PARTS_AT_ONCE = 16  # of a clip, 64 kB each
TELL_AGAIN_MS = 86_400_000


class Kind(StrEnum):
    """What a rule deletes."""

    PICTURE = "picture"
    CLIP = "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one rule asks to go: what came before `before_ms` of each kind."""

    rule: RetentionRule
    before_ms: dict[Kind, int]
    days: dict[Kind, int]
    free_gb: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One picture or clip in the order of age."""

    at_ms: int
    content_id: str
    kind: Kind = Kind.PICTURE


FIRST = Place(-(2**53), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found: what may go, how far it came, whether there is more behind."""

    may_go: tuple[Place, ...]
    last: Place
    is_end: bool


_OLDEST = {
    Kind.PICTURE: "SELECT received_ms, picture_id FROM pictures WHERE jpeg IS NOT NULL"
    " AND received_ms < ? AND (received_ms, picture_id) > (?, ?)"
    " ORDER BY received_ms, picture_id LIMIT ?",
    Kind.CLIP: "SELECT ended_at_ms, clip_id FROM clips WHERE here_bytes > 0"
    " AND state NOT IN ('pending', 'deleted') AND ended_at_ms < ?"
    " AND (ended_at_ms, clip_id) > (?, ?) ORDER BY ended_at_ms, clip_id LIMIT ?",
}
_PASSAGES = {
    Kind.PICTURE: "SELECT DISTINCT passage_id FROM passage_pictures WHERE picture_id = ?",
    Kind.CLIP: "SELECT passage_id FROM clips WHERE clip_id = ? AND passage_id IS NOT NULL",
}
_GO = {
    Kind.PICTURE: "UPDATE pictures SET jpeg = NULL WHERE picture_id = ? AND jpeg IS NOT NULL"
    " AND received_ms < ?",
    Kind.CLIP: "UPDATE clips SET state = 'deleted' WHERE clip_id = ? AND here_bytes > 0"
    " AND state NOT IN ('pending', 'deleted') AND ended_at_ms < ?",
}


def look(db: sqlite3.Connection, wanted: Wanted, after: Place) -> Look:
    """The oldest that the rule asks for and nothing keeps, `after` a place."""
    found = sorted(
        Place(at_ms, content_id, kind)
        for kind, before_ms in wanted.before_ms.items()
        for at_ms, content_id in db.execute(
            _OLDEST[kind], [before_ms, after.at_ms, after.content_id, LOOKED_AT]
        )
    )[:LOOKED_AT]
    may_go: list[Place] = []
    last = after
    for place in found:
        last = place
        if _passages_that_let_go(db, place):
            may_go.append(place)
            if len(may_go) == DELETED_AT_ONCE:
                break
    is_end = not found or (last == found[-1] and len(found) < LOOKED_AT)
    return Look(may_go=tuple(may_go), last=last, is_end=is_end)


def delete(
    db: sqlite3.Connection, places: tuple[Place, ...], wanted: Wanted, *, at_ms: int
) -> tuple[Place, ...]:
    """Delete these, and write down that they were; which of them really went.

    Each is looked at again here: in between a person may have kept it.
    """
    return tuple(place for place in places if _delete(db, place, wanted, at_ms))


def _delete(db: sqlite3.Connection, place: Place, wanted: Wanted, at_ms: int) -> bool:
    passages = _passages_that_let_go(db, place)
    if not passages:
        return False
    with _overwritten(db):
        gone = db.execute(_GO[place.kind], [place.content_id, wanted.before_ms[place.kind]])
    if not gone.rowcount:
        return False
    db.executemany(
        "INSERT OR REPLACE INTO deletions"
        " (passage_id, kind, content_id, at_ms, rule, days, free_gb) VALUES (?,?,?,?,?,?,?)",
        [
            (passage_id, place.kind.value, place.content_id, at_ms, wanted.rule.value,
             wanted.days[place.kind], wanted.free_gb)
            for passage_id in passages
        ],
    )  # fmt: skip
    return True


def _passages_that_let_go(db: sqlite3.Connection, place: Place) -> tuple[str, ...]:
    """The passages that it is of; none where one of them keeps it, or nobody knows of which."""
    passages = tuple(
        passage_id for (passage_id,) in db.execute(_PASSAGES[place.kind], [place.content_id])
    )
    standing = [keeping.of(db, passage_id) for passage_id in passages]
    is_free = all(found is not None and not found.because for found in standing)
    return passages if is_free else ()


def clip_leaves(db: sqlite3.Connection) -> str | None:
    """A clip that was deleted and has parts here."""
    row = db.execute(
        "SELECT clip_id FROM clips WHERE here_bytes > 0 AND state = 'deleted' LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def drop_parts(db: sqlite3.Connection, clip_id: str) -> None:
    """The next parts of a clip that leaves."""
    with _overwritten(db):
        gone = db.execute(
            "DELETE FROM clip_parts WHERE rowid IN (SELECT y.rowid FROM clip_parts y JOIN clips c"
            " USING (clip_id) WHERE y.clip_id = ? AND c.state = 'deleted'"
            " ORDER BY y.place LIMIT ?)",
            [clip_id, PARTS_AT_ONCE],
        ).rowcount
    if gone < PARTS_AT_ONCE:
        db.execute(
            "UPDATE clips SET here_bytes = 0 WHERE clip_id = ? AND state = 'deleted'", [clip_id]
        )


@contextmanager
def _overwritten(db: sqlite3.Connection) -> Iterator[None]:
    """What is deleted inside is zeroes in the file afterwards, not only free."""
    (before,) = db.execute("PRAGMA secure_delete").fetchone()
    db.execute("PRAGMA secure_delete = ON").fetchone()
    try:
        yield
    finally:
        db.execute(f"PRAGMA secure_delete = {'FAST' if before == 2 else before}").fetchone()  # noqa: PLR2004 - SQLite's number for it


def newest_by_a_lane_ms(db: sqlite3.Connection) -> int:
    """The latest time that any lane's clock stamped a record with."""
    (newest,) = db.execute("SELECT coalesce(max(last_at_ms), 0) FROM lane_epochs").fetchone()
    return int(newest)


def reusable_bytes(db: sqlite3.Connection) -> int:
    """What is free inside the file: new records and pictures go there first."""
    (pages,) = db.execute("PRAGMA freelist_count").fetchone()
    (page_size,) = db.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_size)


def deletion(
    db: sqlite3.Connection, passage_id: str, kind: Kind, content_id: str
) -> Deletion | None:
    """The last time that this went from this passage; None: never."""
    row = db.execute(
        "SELECT at_ms, rule, days, free_gb FROM deletions"
        " WHERE passage_id = ? AND kind = ? AND content_id = ? ORDER BY at_ms DESC LIMIT 1",
        [passage_id, kind.value, content_id],
    ).fetchone()
    return _deletion(row) if row else None


def last_deletion(db: sqlite3.Connection, picture_id: str) -> Deletion | None:
    """The last time that a picture went, of whichever passage; None: never."""
    passages = db.execute(_PASSAGES[Kind.PICTURE], [picture_id]).fetchall()
    found = (deletion(db, passage_id, Kind.PICTURE, picture_id) for (passage_id,) in passages)
    return max((each for each in found if each), key=lambda each: each.at_ms, default=None)


def deletions_of(db: sqlite3.Connection, passage_id: str) -> tuple[tuple[Kind, str, Deletion], ...]:
    """Everything that ever went from a passage, the oldest deletion first."""
    rows = db.execute(
        "SELECT kind, content_id, at_ms, rule, days, free_gb FROM deletions WHERE passage_id = ?"
        " ORDER BY at_ms, kind, content_id",
        [passage_id],
    )
    return tuple((Kind(row[0]), row[1], _deletion(row[2:])) for row in rows)


def _deletion(row: tuple[int, str, int, float | None]) -> Deletion:
    return Deletion(at_ms=row[0], rule=RetentionRule(row[1]), days=row[2], free_gb=row[3])


def tell_low(db: sqlite3.Connection, detail: str, at_ms: int) -> bool:
    """Raise the alarm about the hub's disk, once until it is acknowledged and a day later again."""
    known = db.execute(
        "SELECT 1 FROM alarms WHERE code = ? AND (acknowledged_by IS NULL"
        " OR acknowledged_at_ms > ?)",
        [Alarm.HUB_DISK_LOW.value, at_ms - TELL_AGAIN_MS],
    ).fetchone()
    if known is None:
        raise_by_hub(db, lane=HUB, at_ms=at_ms, code=Alarm.HUB_DISK_LOW.value, detail=detail)
    return known is None
