"""Questions that only the console asks: functions of a connection, for `Store.read`."""

from __future__ import annotations

import sqlite3

_LAST_CHARACTER = "\U0010ffff"


def plates_like(db: sqlite3.Connection, plate: str, *, limit: int = 300) -> tuple[str, ...]:
    """Declared plates that share their beginning, their end or both with `plate`.

    A coarse net for a person's search: whatever is one edit away is in it, unless `limit` of a
    part is hit, and of what is two edits away whatever has both of them close together. Two
    parts use the index; the third looks at the last characters of every plate.
    """
    length = len(plate)
    if length < 4:  # noqa: PLR2004 - too little to go by
        return ()
    tail = length // 2
    prefixes = ((plate[: length - 2], ""), (plate[: length - tail], plate[-2:]))
    found: dict[str, None] = {}
    for prefix, suffix in prefixes:
        rows = db.execute(
            "SELECT DISTINCT plate FROM declaration_plates WHERE plate >= ?1 AND plate < ?2"
            " AND (?3 = '' OR substr(plate, -2) = ?3) LIMIT ?4",
            [prefix, prefix + _LAST_CHARACTER, suffix, limit],
        )
        found.update((like, None) for (like,) in rows)
    rows = db.execute(
        "SELECT DISTINCT plate FROM declaration_plates WHERE substr(plate, ?) = ? LIMIT ?",
        [-tail, plate[-tail:], limit],
    )
    found.update((like, None) for (like,) in rows)
    return tuple(found)


def open_alarm_count(db: sqlite3.Connection) -> int:
    """Alarms that nobody acknowledged."""
    count: int = db.execute("SELECT count(*) FROM alarms WHERE acknowledged_by IS NULL").fetchone()[
        0
    ]
    return count


def is_picture_lost(db: sqlite3.Connection, passage_id: str) -> bool:
    """Whether a picture of this passage was taken that its lane no longer had to send."""
    (is_lost,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM passage_pictures JOIN pictures USING (picture_id)"
        " WHERE passage_id = ? AND jpeg IS NULL)",
        [passage_id],
    ).fetchone()
    return bool(is_lost)


def first_picture(db: sqlite3.Connection, passage_id: str) -> str | None:
    """The id of a passage's first picture that is here, one of the plate before any other."""
    row = db.execute(
        "SELECT picture_id FROM passage_pictures y JOIN pictures x USING (picture_id)"
        " WHERE passage_id = ? AND x.jpeg IS NOT NULL"
        " ORDER BY view <> 'plate', at_ms LIMIT 1",
        [passage_id],
    ).fetchone()
    return row[0] if row else None
