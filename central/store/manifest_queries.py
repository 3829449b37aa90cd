"""What is read of the manifest: functions of a connection, for `Store.read`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from central.store.rows import ManifestVersionRow
from gate_agent.wire.digest import EMPTY
from gate_agent.wire.v1 import DeclarationRow

_VERSION = "version, at_ms, cause, made_by, source, upserts, deletes, count, digest"
_decoder = msgspec.json.Decoder(DeclarationRow)


def head(db: sqlite3.Connection) -> ManifestVersionRow:
    """The newest version; version 0 with the empty digest before the first import."""
    found = versions(db, limit=1)
    if found:
        return found[0]
    return ManifestVersionRow(
        version=0,
        at_ms=0,
        cause="",
        made_by="",
        source="",
        upserts=0,
        deletes=0,
        count=0,
        digest=EMPTY,
    )


def versions(db: sqlite3.Connection, *, limit: int = 50) -> tuple[ManifestVersionRow, ...]:
    """The newest versions, newest first."""
    rows = db.execute(
        f"SELECT {_VERSION} FROM manifest_versions ORDER BY version DESC LIMIT ?",  # noqa: S608
        [limit],
    )
    return tuple(
        ManifestVersionRow(
            version=row[0],
            at_ms=row[1],
            cause=row[2],
            made_by=row[3],
            source=row[4],
            upserts=row[5],
            deletes=row[6],
            count=row[7],
            digest=row[8],
        )
        for row in rows
    )


def declaration(db: sqlite3.Connection, declaration_id: str) -> DeclarationRow | None:
    """One declaration as the lanes have it; None if it is not in the manifest."""
    row = db.execute(
        "SELECT body FROM declarations WHERE declaration_id = ?", [declaration_id]
    ).fetchone()
    return _decoder.decode(row[0]) if row else None


def by_plate(db: sqlite3.Connection, plate: str) -> tuple[DeclarationRow, ...]:
    """Declarations that name the normalized `plate`."""
    rows = db.execute(
        "SELECT d.body FROM declaration_plates p JOIN declarations d USING (declaration_id)"
        " WHERE p.plate = ? ORDER BY declaration_id",
        [plate],
    )
    return tuple(_decoder.decode(body) for (body,) in rows)


def by_card(db: sqlite3.Connection, card_uid: str) -> tuple[DeclarationRow, ...]:
    """Declarations that name the normalized `card_uid`, as the driver's or of the crew."""
    rows = db.execute(
        "SELECT body FROM declarations WHERE card_uid = ?1 OR declaration_id IN"
        " (SELECT declaration_id FROM declaration_crews WHERE card_uid = ?1)"
        " ORDER BY declaration_id",
        [card_uid],
    )
    return tuple(_decoder.decode(body) for (body,) in rows)


def plates(db: sqlite3.Connection, *, limit: int = 200_000) -> tuple[str, ...]:
    """Every declared plate, for a search of the nearest; at most `limit`."""
    rows = db.execute("SELECT DISTINCT plate FROM declaration_plates LIMIT ?", [limit])
    return tuple(plate for (plate,) in rows)


def count_changed_since(db: sqlite3.Connection, have_version: int) -> int:
    """How many declarations the versions after `have_version` touched."""
    counted: int = db.execute(
        "SELECT count(DISTINCT declaration_id) FROM manifest_changes WHERE version > ?",
        [have_version],
    ).fetchone()[0]
    return counted


def changed_since(db: sqlite3.Connection, have_version: int) -> Iterator[bytes | str]:
    """What versions after `have_version` touched, read one at a time.

    Rows as wire JSON, and the ids of those no longer there.
    """
    rows = db.execute(
        "SELECT c.declaration_id, d.body FROM (SELECT DISTINCT declaration_id"
        " FROM manifest_changes WHERE version > ?) c"
        " LEFT JOIN declarations d USING (declaration_id) ORDER BY 1",
        [have_version],
    )
    for declaration_id, body in rows:
        yield declaration_id if body is None else body


def everything(db: sqlite3.Connection) -> Iterator[bytes]:
    """Every declaration as wire JSON, read one at a time."""
    for (body,) in db.execute("SELECT body FROM declarations ORDER BY declaration_id"):
        yield body
