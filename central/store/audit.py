"""The log of who did what: appended inside the transaction of the deed itself."""

from __future__ import annotations

import sqlite3


def record(
    db: sqlite3.Connection,
    *,
    at_ms: int,
    who: str,
    action: str,
    lane: str | None = None,
    passage_id: str | None = None,
    detail: str = "",
) -> None:
    """Append one deed. `action` is a stable snake_case name such as `command_override`."""
    db.execute(
        "INSERT INTO audit (at_ms, who, action, lane, passage_id, detail) VALUES (?,?,?,?,?,?)",
        [at_ms, who, action, lane, passage_id, detail],
    )


def acknowledge_alarm(db: sqlite3.Connection, alarm_id: int, *, at_ms: int, who: str) -> bool:
    """Note that a person has seen an alarm. False if it was acknowledged before, or unknown."""
    row = db.execute(
        "UPDATE alarms SET acknowledged_by = ?, acknowledged_at_ms = ?"
        " WHERE alarm_id = ? AND acknowledged_by IS NULL RETURNING lane, code, passage_id",
        [who, at_ms, alarm_id],
    ).fetchone()
    if row is None:
        return False
    lane, code, passage_id = row
    record(
        db,
        at_ms=at_ms,
        who=who,
        action="alarm_acknowledged",
        lane=lane,
        passage_id=passage_id,
        detail=code,
    )
    return True
