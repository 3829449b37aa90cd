"""Questions that only the console asks: functions of a connection, for `Store.read`."""

from __future__ import annotations

import sqlite3

MAX_PLATE = 12


def plates_like(db: sqlite3.Connection, plate: str, *, limit: int = 200) -> tuple[str, ...]:
    """Declared plates that agree with `plate` in many places, counted from either end.

    A coarse net, in one pass over the plates, for a person's search by edit distance: whatever
    is within two replacements, or one character more or less, is in it unless `limit` is hit.
    """
    wanted = plate[:MAX_PLATE]
    if not wanted:
        return ()
    places = range(1, len(wanted) + 1)
    front = " + ".join(f"(substr(plate, {place}, 1) = ?)" for place in places)
    back = " + ".join(f"(substr(plate, {-place}, 1) = ?)" for place in places)
    rows = db.execute(
        "SELECT plate FROM (SELECT plate, max(front, back) AS agreeing FROM"  # noqa: S608 - places are numbers
        f" (SELECT DISTINCT plate, {front} AS front, {back} AS back FROM declaration_plates))"
        " WHERE agreeing >= ? ORDER BY agreeing DESC, plate LIMIT ?",
        [*wanted, *reversed(wanted), max(1, len(wanted) // 2), limit],
    )
    return tuple(found for (found,) in rows)


def open_alarm_count(db: sqlite3.Connection) -> int:
    """Alarms that nobody acknowledged."""
    count: int = db.execute("SELECT count(*) FROM alarms WHERE acknowledged_by IS NULL").fetchone()[
        0
    ]
    return count


def first_picture(db: sqlite3.Connection, passage_id: str) -> str | None:
    """The id of a passage's first picture that is here, one of the plate before any other."""
    row = db.execute(
        "SELECT picture_id FROM passage_pictures y JOIN pictures x USING (picture_id)"
        " WHERE passage_id = ? AND x.jpeg IS NOT NULL"
        " ORDER BY view <> 'plate', at_ms LIMIT 1",
        [passage_id],
    ).fetchone()
    return row[0] if row else None
