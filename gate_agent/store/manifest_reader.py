"""Looks declarations up in hub.db, beside its writer."""

from __future__ import annotations

import sqlite3
import zlib
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.errors import StoreError
from gate_agent.store import papers
from gate_agent.store.held_manifest import NO_MANIFEST, held_in, held_of
from gate_agent.store.schema import open_reader
from gate_agent.wire import digest
from gate_agent.wire.convert import declaration_of
from gate_agent.wire.v1 import DeclarationRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gate_agent.domain.manifest import Declaration
    from gate_agent.store.held_manifest import HeldManifest

_decoder = msgspec.json.Decoder(DeclarationRow)
_declaration_id = attrgetter("declaration_id")
_FIND = (
    "SELECT m.version, m.count, m.digest, m.confirmed_ms, d.body, d.row_digest, d.body_crc"
    " FROM manifest AS m LEFT JOIN declarations AS d ON d.declaration_id IN ("
    " SELECT declaration_id FROM declared_plates WHERE plate = ?"
    " UNION ALL SELECT declaration_id FROM declared_cards WHERE card_uid = ?)"
)
"""Sorted by whoever asks: SQLite would build an index for it, at a third of the time."""


class ManifestReader:
    """Looks declarations up for the lane thread."""

    def __init__(
        self,
        path: Path,
        used_by: Callable[[str], str | None],
        drawn_on: Callable[[str], Sequence[tuple[str, int]]] = lambda _: (),
    ) -> None:
        """Read `path` beside its writer.

        `used_by` and `drawn_on` say what this lane itself has used up, and taken of an account.
        """
        self._path = path
        self._used_by = used_by
        self._drawn_on = drawn_on
        self._connection = open_reader(path)

    def find(
        self, plate: str | None, card_uid: str | None, wall_ms: int = 0
    ) -> tuple[Sequence[Declaration], HeldManifest]:
        """The declarations that name the plate or the card, and the manifest they belong to.

        All of them, or of very many those that a verdict at `wall_ms` needs (`papers`); 0: none of
        them is over yet. Raises `StoreError`.
        """
        wanted = (normalize_plate(plate or ""), normalize_card(card_uid or ""))
        try:
            rows, held = self._read(wanted, wall_ms)
            if any(row.accounts for row in rows):
                rows, held = self._reckoned(rows, held, wanted, wall_ms)
            own = [self._with_own_use(row) for row in rows]
        except (sqlite3.Error, msgspec.MsgspecError) as exc:
            raise StoreError(f"{self._path}: manifest cannot be read: {exc}") from exc
        return [declaration_of(row) for row in own], held

    def _reckoned(
        self, rows: list[DeclarationRow], held: HeldManifest, wanted: tuple[str, str], wall_ms: int
    ) -> tuple[list[DeclarationRow], HeldManifest]:
        """What is left of an account is reckoned from several rows, of one version."""
        self._connection.execute("BEGIN")
        try:
            now = held_in(self._connection)
            if (now.version, now.digest) != (held.version, held.digest):
                rows, held = self._read(wanted, wall_ms)
            return [self._with_pending(row) for row in rows], held
        finally:
            self._connection.execute("ROLLBACK")

    def _read(
        self, wanted: tuple[str, str], wall_ms: int
    ) -> tuple[list[DeclarationRow], HeldManifest]:
        """The rows and the manifest that they belong to, in one statement: of one version."""
        found = self._connection.execute(_FIND, wanted).fetchall()
        if not found:
            return [], NO_MANIFEST
        bodies = [self._sound(*row[4:]) for row in found if row[4] is not None]
        kept = papers.needed(bodies, *wanted, wall_ms, self._used_by)
        return sorted(map(_decoder.decode, kept), key=_declaration_id), held_of(found[0][:4])

    def _sound(self, body: bytes, kept_digest: str, body_crc: int | None) -> bytes:
        """The row as the hub sent it: a bit that the disk lost must not become another weight."""
        is_sound = (
            digest.row_digest(_decoder.decode(body)) == kept_digest
            if body_crc is None
            else zlib.crc32(body) == body_crc
        )
        if not is_sound:
            name = _decoder.decode(body).declaration_id
            raise StoreError(f"{self._path}: declaration {name} is damaged on disk")
        return body

    def _with_own_use(self, row: DeclarationRow) -> DeclarationRow:
        """What this lane used up counts even before the hub has heard of it."""
        if row.used_by is None and (passage_id := self._used_by(row.declaration_id)):
            return msgspec.structs.replace(row, used_by=passage_id)
        return row

    def _with_pending(self, row: DeclarationRow) -> DeclarationRow:
        accounts = tuple(
            msgspec.structs.replace(each, pending=self._pending(each.account_id))
            for each in row.accounts
        )
        return msgspec.structs.replace(row, accounts=accounts)

    def _pending(self, account_id: str) -> int:
        """What this lane took that the balance in the manifest held does not reckon in yet.

        The hub marks a use and reckons it in one version: where the row held is marked, it is in.
        """
        total = 0
        for declaration_id, quantity in self._drawn_on(account_id):
            stored = self._connection.execute(
                "SELECT body FROM declarations WHERE declaration_id = ?", [declaration_id]
            ).fetchone()
            if stored is None or _decoder.decode(stored[0]).used_by is None:
                total += quantity
        return total

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
