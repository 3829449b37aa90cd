"""Ways in paired with ways out: which vehicles are inside, and which ways have no counterpart.

A crossing is a passage that ended in a release, of a vehicle whose plate was read, on a lane
whose way is known. Each is linked to the one of its plate before it, by the lanes' clocks,
whatever the order in which the records came.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from central.auth.roles import Scope
from central.store import scope as scopes
from central.store.ledger import cell, moment
from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.policy_pack import Direction

DAY_MS = 86_400_000


class Odd(StrEnum):
    """What is missing between a crossing and the one before it."""

    IN_TWICE = "in_twice"  # it came in, and was inside already
    OUT_ONLY = "out_only"  # it came out, and had not come in


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingRow:
    """One vehicle that went in or out. `before`: an earlier way of its plate that is shown."""

    plate: str
    way: Direction
    at_ms: int
    lane: str
    passage_id: str
    odd: Odd | None
    before_passage_id: str | None = None
    before_lane: str = ""
    before_way: Direction | None = None
    before_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Who is inside, and which ways have no counterpart; both newest first and bounded."""

    inside_count: int
    odd_count: int
    unpaired_of_day: int  # released in the last day: no plate was read, or the way is not known
    inside: tuple[CrossingRow, ...]
    odd: tuple[CrossingRow, ...]


# The lane's profile in the pack that the verdict was made by; else what was declared.
_WAY = (
    "coalesce((SELECT json_extract(l.value, '$.direction') FROM policy_packs k,"
    " json_each(CAST(k.body AS TEXT), '$.lanes') l WHERE k.policy_hash = p.policy_hash"
    " AND json_extract(l.value, '$.lane') = p.lane), json_extract(p.declaration, '$.direction'))"
)
_GONE = "p.outcome = 'release' AND p.left_by IN ('exit', 'unseen')"
_BEFORE = (
    " FROM crossings b WHERE b.plate = c.plate AND (b.at_ms, b.passage_id) < (c.at_ms,"
    " c.passage_id) ORDER BY b.at_ms DESC, b.passage_id DESC LIMIT 1"
)
_AFTER = (
    " FROM crossings a WHERE a.plate = c.plate AND (a.at_ms, a.passage_id) > (c.at_ms,"
    " c.passage_id) ORDER BY a.at_ms, a.passage_id LIMIT 1"
)
_LINK = (
    f"UPDATE crossings AS c SET before = (SELECT b.passage_id{_BEFORE}),"  # noqa: S608 - ours
    f" is_last = NOT EXISTS (SELECT 1{_AFTER}),"
    f" odd = CASE WHEN c.way = 'in' AND (SELECT b.way{_BEFORE}) = 'in' THEN 'in_twice'"
    f" WHEN c.way = 'out' AND (SELECT b.way{_BEFORE}) IS NOT 'in' THEN 'out_only' END"
    " WHERE c.passage_id = ?"
)
_NEIGHBOURS = (
    f"SELECT (SELECT b.passage_id{_BEFORE}), (SELECT a.passage_id{_AFTER})"  # noqa: S608 - ours
    " FROM crossings c WHERE c.passage_id = ?"
)
_INSIDE = "c.way = 'in' AND c.is_last = 1"
_ODD = "c.odd IS NOT NULL"
_COLUMNS = (
    "c.plate, c.way, c.at_ms, c.lane, c.passage_id, c.odd, b.passage_id, b.lane, b.way, b.at_ms"
)

_HEAD = (
    "list", "plate", "way", "at", "lane", "passage_id", "odd",
    "before_way", "before_at", "before_lane", "before_passage_id",
)  # fmt: skip


def note(db: sqlite3.Connection, passage_id: str) -> None:
    """Count a passage as a way in or out, once it is over; again after a later verdict."""
    row = db.execute(
        f"SELECT p.plate, p.closed_at_ms, p.lane, {_WAY} FROM passages p"  # noqa: S608 - ours
        f" WHERE p.passage_id = ? AND {_GONE} AND p.plate IS NOT NULL",
        [passage_id],
    ).fetchone()
    beside = _neighbours(db, passage_id)
    db.execute("DELETE FROM crossings WHERE passage_id = ?", [passage_id])
    _link(db, beside)
    if row is None or row[3] is None:
        return
    plate, at_ms, lane, way = row
    db.execute(
        "INSERT INTO crossings (passage_id, plate, at_ms, lane, way) VALUES (?,?,?,?,?)",
        [passage_id, normalize_plate(plate), at_ms, lane, way],
    )
    _link(db, [passage_id, *_neighbours(db, passage_id)])


def _neighbours(db: sqlite3.Connection, passage_id: str) -> list[str]:
    row = db.execute(_NEIGHBOURS, [passage_id]).fetchone()
    return [each for each in row or () if each is not None]


def _link(db: sqlite3.Connection, passage_ids: Iterable[str]) -> None:
    db.executemany(_LINK, [[passage_id] for passage_id in passage_ids])


def inside(
    db: sqlite3.Connection,
    *,
    now_ms: int,
    limit: int,
    plate: str | None = None,
    scope: Scope | None = None,
) -> Inside:
    """Who is inside now. `plate`: only this one; `scope`: only what such an account sees."""
    tests, values = "", list[str]()
    if plate is not None:
        tests, values = " AND c.plate = ?", [normalize_plate(plate)]
    if scope is not None:
        test, within = scopes.clause(scope)
        tests += f" AND {test}"
        values += within
    return Inside(
        inside_count=_count(db, _INSIDE + tests, values),
        odd_count=_count(db, _ODD + tests, values),
        unpaired_of_day=_unpaired(db, now_ms - DAY_MS, scope),
        inside=_rows(db, _INSIDE + tests, values, limit, scope),
        odd=_rows(db, _ODD + tests, values, limit, scope),
    )


def _count(db: sqlite3.Connection, where: str, values: list[str]) -> int:
    (found,) = db.execute(
        f"SELECT count(*) FROM crossings c JOIN passages p USING (passage_id) WHERE {where}",  # noqa: S608 - ours
        values,
    ).fetchone()
    return int(found)


def _unpaired(db: sqlite3.Connection, since_ms: int, scope: Scope | None) -> int:
    test, values = scopes.clause(scope) if scope is not None else ("1", [])
    (found,) = db.execute(
        f"SELECT count(*) FROM passages p WHERE p.first_at_ms >= ? AND {_GONE} AND {test}"  # noqa: S608 - ours
        " AND NOT EXISTS (SELECT 1 FROM crossings c WHERE c.passage_id = p.passage_id)",
        [since_ms, *values],
    ).fetchone()
    return int(found)


def _rows(
    db: sqlite3.Connection, where: str, values: list[str], limit: int, scope: Scope | None
) -> tuple[CrossingRow, ...]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM crossings c JOIN passages p USING (passage_id)"  # noqa: S608 - ours
        f" LEFT JOIN crossings b ON b.passage_id = c.before WHERE {where}"
        " ORDER BY c.at_ms DESC, c.passage_id DESC LIMIT ?",
        [*values, limit],
    ).fetchall()
    seen = scopes.within(db, scope, [row[6] for row in rows if row[6] is not None])
    return tuple(_row(row, is_before_seen=row[6] in seen) for row in rows)


def _row(row: tuple[object, ...], *, is_before_seen: bool) -> CrossingRow:
    plate, way, at_ms, lane, passage_id, odd, before_id, before_lane, before_way, before_ms = row
    found = CrossingRow(
        plate=str(plate),
        way=_way(way),
        at_ms=int(str(at_ms)),
        lane=str(lane),
        passage_id=str(passage_id),
        odd=None if odd is None else Odd(str(odd)),
    )
    if not is_before_seen:
        return found
    return replace(
        found,
        before_passage_id=str(before_id),
        before_lane=str(before_lane),
        before_way=_way(before_way),
        before_at_ms=int(str(before_ms)),
    )


def _way(text: object) -> Direction:
    return "in" if text == "in" else "out"


def as_csv(found: Inside) -> bytes:
    """Both lists as one table for an office."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    for name, rows in (("inside", found.inside), ("odd", found.odd)):
        for row in rows:
            texts = (row.plate, row.lane, row.passage_id, row.before_lane)
            plate, lane, passage_id, before_lane = map(cell, texts)
            now = (name, plate, row.way, moment(row.at_ms), lane, passage_id, row.odd or "")
            before = (row.before_way or "", moment(row.before_at_ms), before_lane)
            writer.writerow([*now, *before, row.before_passage_id or ""])
    return text.getvalue().encode("utf-8-sig")
