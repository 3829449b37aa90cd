"""Which manifest a lane holds: one row of hub.db."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate_agent.wire import digest

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldManifest:
    """What the lane holds. Version 0: nothing yet. `confirmed_ms` is UTC epoch milliseconds."""

    version: int
    count: int
    digest: str
    confirmed_ms: int | None


NO_MANIFEST = HeldManifest(version=0, count=0, digest=digest.EMPTY, confirmed_ms=None)


def held_in(connection: sqlite3.Connection) -> HeldManifest:
    """The manifest of an open hub.db."""
    row = connection.execute("SELECT version, count, digest, confirmed_ms FROM manifest").fetchone()
    return NO_MANIFEST if row is None else held_of(row)


def held_of(row: tuple[int, int, str, int | None]) -> HeldManifest:
    """The manifest that `row` tells: version, count, digest, confirmed_ms."""
    version, count, held_digest, confirmed_ms = row
    return HeldManifest(version=version, count=count, digest=held_digest, confirmed_ms=confirmed_ms)
