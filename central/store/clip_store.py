"""Clips at the hub: asked of a lane by a person, kept as they come, whole only by their SHA-256.

In small parts, each its own short write: records are stored in between. What has come of a clip
whose request expired stays, and the next request goes on there.
"""

from __future__ import annotations

import hashlib
import sqlite3

import msgspec

from central.errors import CommandStale, StaleReason
from central.store import audit, retention_store
from central.store.columns import Row
from central.store.retention_store import Kind
from central.store.rows import ClipRow, ClipState
from gate_agent.wire.v1 import ClipPart, PassageClosed

MAX_BYTES = 200_000_000
_COLUMNS = (
    "clip_id, lane, state, here_bytes, total_bytes, asked_by, asked_at_ms, expires_at_ms,"
    " ended_at_ms, passage_id"
)
_closed = msgspec.json.Decoder(PassageClosed)


def clip_of(db: sqlite3.Connection, passage_id: str) -> ClipRow | None:
    """The clip that the closing record of a passage names; None where it names none."""
    row = db.execute(
        "SELECT lane, body FROM records WHERE passage_id = ? AND type = 'passage_closed'"
        " ORDER BY epoch, seq LIMIT 1",
        [passage_id],
    ).fetchone()
    if row is None or not (clip_id := _closed.decode(row[1]).clip_id):
        return None
    return clip(db, clip_id) or ClipRow(clip_id=clip_id, lane=row[0], state=ClipState.AT_LANE)


def clip(db: sqlite3.Connection, clip_id: str) -> ClipRow | None:
    """A clip that was asked for."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM clips WHERE clip_id = ?",  # noqa: S608 - columns of this file
        [clip_id],
    ).fetchone()
    return _row(db, row) if row else None


def pending(db: sqlite3.Connection) -> tuple[ClipRow, ...]:
    """Clips that lanes still owe, the longest asked for first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM clips WHERE state = 'pending' ORDER BY asked_at_ms"  # noqa: S608
    )
    return tuple(_row(db, row) for row in rows)


def ask(
    db: sqlite3.Connection, passage_id: str, *, by: str, at_ms: int, expires_at_ms: int
) -> ClipRow:
    """Write down that a person wants a clip; one that is here, or on its way, stays as it is.

    Raises `CommandStale` for a passage whose record names none.
    """
    found = clip_of(db, passage_id)
    if found is None:
        raise CommandStale(StaleReason.NO_CLIP, f"passage {passage_id}")
    if found.state in (ClipState.HERE, ClipState.PENDING):
        return found
    if found.state in (ClipState.ALTERED, ClipState.GONE, ClipState.DELETED):
        db.execute("DELETE FROM clip_parts WHERE clip_id = ?", [found.clip_id])
        db.execute("DELETE FROM clips WHERE clip_id = ?", [found.clip_id])
    db.execute(
        "INSERT INTO clips"
        " (clip_id, lane, asked_by, asked_at_ms, expires_at_ms, passage_id, state)"
        " VALUES (?,?,?,?,?,?,'pending') ON CONFLICT (clip_id) DO UPDATE SET state = 'pending',"
        " asked_by = excluded.asked_by, asked_at_ms = excluded.asked_at_ms,"
        " expires_at_ms = excluded.expires_at_ms, ended_at_ms = NULL",
        [found.clip_id, found.lane, by, at_ms, expires_at_ms, passage_id],
    )
    audit.record(
        db,
        at_ms=at_ms,
        who=by,
        action="clip_asked",
        lane=found.lane,
        passage_id=passage_id,
        detail=found.clip_id,
    )
    return _known(db, found.clip_id)


def take(db: sqlite3.Connection, part: ClipPart, at_ms: int) -> ClipRow | None:
    """Keep the part that comes next. None: nobody waits for it, or not for this one."""
    row = clip(db, part.clip_id)
    if row is None or row.state is not ClipState.PENDING or row.lane != part.lane:
        return None
    if part.offset != row.here_bytes:
        return None
    if part.total_bytes is None:
        end(db, part.clip_id, ClipState.GONE, at_ms)
    elif part.total_bytes > MAX_BYTES:
        end(db, part.clip_id, ClipState.TOO_LARGE, at_ms)
    elif not part.content or part.offset + len(part.content) > part.total_bytes:
        end(db, part.clip_id, ClipState.ALTERED, at_ms)
    else:
        db.execute(
            "INSERT INTO clip_parts (clip_id, place, content) VALUES (?,?,?)",
            [part.clip_id, part.offset, part.content],
        )
        db.execute(
            "UPDATE clips SET here_bytes = here_bytes + ?, total_bytes = ? WHERE clip_id = ?",
            [len(part.content), part.total_bytes, part.clip_id],
        )
    return _known(db, part.clip_id)


def end(db: sqlite3.Connection, clip_id: str, state: ClipState, at_ms: int) -> None:
    """A request came to its end; what it was is said."""
    db.execute(
        "UPDATE clips SET state = ?, ended_at_ms = ? WHERE clip_id = ? AND state = 'pending'",
        [state.value, at_ms, clip_id],
    )


def expire_due(db: sqlite3.Connection, now_ms: int) -> int:
    """End the requests whose time is over; how many."""
    return db.execute(
        "UPDATE clips SET state = 'expired', ended_at_ms = ?1"
        " WHERE state = 'pending' AND expires_at_ms < ?1",
        [now_ms],
    ).rowcount


def digest(db: sqlite3.Connection, clip_id: str) -> str:
    """The SHA-256 of what is here of a clip."""
    found = hashlib.sha256()
    for (content,) in _parts(db, clip_id):
        found.update(content)
    return found.hexdigest()


def content(db: sqlite3.Connection, clip_id: str) -> bytes | None:
    """The file; None unless it is here and whole."""
    row = clip(db, clip_id)
    if row is None or row.state is not ClipState.HERE:
        return None
    return b"".join(part for (part,) in _parts(db, clip_id))


def whole(db: sqlite3.Connection) -> tuple[str, ...]:
    """The clips that are here."""
    return tuple(
        clip_id for (clip_id,) in db.execute("SELECT clip_id FROM clips WHERE state = 'here'")
    )


def _parts(db: sqlite3.Connection, clip_id: str) -> sqlite3.Cursor:
    return db.execute("SELECT content FROM clip_parts WHERE clip_id = ? ORDER BY place", [clip_id])


def _known(db: sqlite3.Connection, clip_id: str) -> ClipRow:
    row = clip(db, clip_id)
    assert row is not None, "the row was written above"  # noqa: S101
    return row


def deleted(db: sqlite3.Connection) -> tuple[ClipRow, ...]:
    """The clips that are said to have been deleted by a rule."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM clips WHERE state = 'deleted'")  # noqa: S608
    return tuple(_row(db, row) for row in rows)


def _row(db: sqlite3.Connection, row: Row) -> ClipRow:
    clip_id, state, passage_id = row[0], ClipState(row[2]), row[9]
    deletion = None
    if state is ClipState.DELETED and passage_id is not None:
        deletion = retention_store.deletion(db, passage_id, Kind.CLIP, clip_id)
    return ClipRow(
        clip_id=clip_id,
        lane=row[1],
        state=state,
        here_bytes=row[3],
        total_bytes=row[4],
        asked_by=row[5],
        asked_at_ms=row[6],
        expires_at_ms=row[7],
        ended_at_ms=row[8],
        deleted=deletion,
    )
