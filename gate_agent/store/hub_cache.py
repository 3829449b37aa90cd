"""hub.db: the manifest and the hub's acknowledgements. Rebuildable; losing it costs a re-sync.

`HubCache` writes and belongs to the uplink thread. `manifest_reader` reads beside it for the lane
thread.
"""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.errors import DamagedError, StoreError
from gate_agent.store.held_manifest import HeldManifest, held_in
from gate_agent.store.held_policy import NO_POLICY, HeldPolicy
from gate_agent.store.schema import hub_migrations, open_database
from gate_agent.wire import digest
from gate_agent.wire.policy_pack import PolicyPackError, read_pack
from gate_agent.wire.v1 import DeclarationRow, DrawSecret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")

CHUNK_ROWS = 20_000
"""Rows written at a time, about 30 MB of memory: the more, the fewer times a page is written."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(DeclarationRow)


class ManifestMismatchError(Exception):
    """Changes that do not lead to the count and digest the hub named: nothing was applied."""


_FoundBy = tuple[frozenset[str], frozenset[str]]  # normalized plates, and cards


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row as it is kept. `found_by` None: damaged, or of a version that kept no sum."""

    row_digest: str
    found_by: _FoundBy | None


_ROWS = frozenset({"declarations", "declared_plates", "declared_cards"})
"""Millions of rows may be here. Each is held against its own sum when it is used, and one that is
not found releases nobody: a lane may begin before all of them were looked through."""


class HubCache:
    """The writer of hub.db."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises `StoreError`."""
        self.path = path
        self._db = open_database(path, hub_migrations, later=_ROWS)

    def manifest(self) -> HeldManifest:
        """What is held now."""
        return held_in(self._db.conn)

    def apply(
        self,
        *,
        version: int,
        replace_all: bool,
        upserts: Iterable[DeclarationRow],
        deletes: Iterable[str],
        count: int,
        expected_digest: str,
        at_ms: int | None,
    ) -> HeldManifest:
        """Bring the manifest to `version` in one transaction, a few thousand rows at a time.

        `upserts` and `deletes` may be read while this goes on: a manifest of millions never stands
        in memory. `at_ms`: when the hub confirmed it, None: it never did. Raises
        `ManifestMismatchError` or `StoreError`; the old manifest then stays.
        """
        try:
            with self._db.atomic():
                if replace_all:
                    for table in ("declarations", "declared_plates", "declared_cards", "manifest"):
                        self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
                total, held = self._changed(upserts, deletes, none_kept=replace_all)
                if (held, total) != (count, expected_digest):
                    raise ManifestMismatchError(
                        f"{self.path}: manifest version {version} should have {count} declarations"
                        f" with digest {expected_digest[:12]}, has {held} with {total[:12]}"
                    )
                self._db.execute(
                    "INSERT OR REPLACE INTO manifest VALUES (1, ?, ?, ?, ?)",
                    [version, held, total, at_ms],
                )
        except sqlite3.IntegrityError as exc:  # parts that do not belong together
            raise ManifestMismatchError(
                f"{self.path}: manifest version {version} names a declaration twice: {exc}"
            ) from exc
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: manifest cannot be written: {exc}") from exc
        return HeldManifest(version=version, count=held, digest=total, confirmed_ms=at_ms)

    def _changed(
        self, upserts: Iterable[DeclarationRow], deletes: Iterable[str], *, none_kept: bool
    ) -> tuple[str, int]:
        """Write the changes; the digest and the count that they lead to."""
        before = held_in(self._db.conn)
        total, held = before.digest, before.count
        for keys in _chunks(deletes):
            removed = [old for key in keys if (old := self._remove(key))]
            total = digest.changed(total, removed=removed)
            held -= len(removed)
        for rows in _chunks(upserts):
            added, replaced = self._put(rows, none_kept=none_kept)
            total = digest.changed(total, added=added, removed=replaced)
            held += len(added) - len(replaced)
        return total, held

    def _kept(self, declaration_id: str) -> _Kept | None:
        row = self._db.execute(
            "SELECT body, row_digest, body_crc FROM declarations WHERE declaration_id = ?",
            [declaration_id],
        ).fetchone()
        return None if row is None else _Kept(row[1], _found_by(row[0], row[2]))

    def _remove(self, declaration_id: str, kept: _Kept | None = None) -> str | None:
        """Take a row out; its digest, None where there was none."""
        kept = kept or self._kept(declaration_id)
        if kept is None:
            return None
        self._db.execute("DELETE FROM declarations WHERE declaration_id = ?", [declaration_id])
        if kept.found_by is None:  # damaged: it says no longer where it stands in the indexes
            for table in ("declared_plates", "declared_cards"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE declaration_id = ?",  # noqa: S608 - fixed names
                    [declaration_id],
                )
            return kept.row_digest
        plates, cards = kept.found_by
        for plate in plates:
            self._db.execute(
                "DELETE FROM declared_plates WHERE plate = ? AND declaration_id = ?",
                [plate, declaration_id],
            )
        for card_uid in cards:
            self._db.execute(
                "DELETE FROM declared_cards WHERE card_uid = ? AND declaration_id = ?",
                [card_uid, declaration_id],
            )
        return kept.row_digest

    def _put(
        self, rows: Iterable[DeclarationRow], *, none_kept: bool
    ) -> tuple[list[str], list[str]]:
        """Write rows; their digests, and those of the rows that they replace.

        Most changes mark a declaration as used: then what it is found by stays as it is. New ones
        go into the indexes in their order: among millions, each page is then written once.
        """
        added: list[str] = []
        replaced: list[str] = []
        new, by_plate, by_card = [], [], []
        for key, row in {row.declaration_id: row for row in rows}.items():
            row_digest, body = digest.row_digest(row), _encoder.encode(row)
            added.append(row_digest)
            values = (body, row_digest, zlib.crc32(body), key)
            kept, found_by = None if none_kept else self._kept(key), _normalized(row)
            if kept is not None:
                replaced.append(kept.row_digest)
                if kept.found_by == found_by:
                    self._db.execute(_REPLACE, values)
                    continue
                self._remove(key, kept)
            plates, cards = found_by
            new.append(values)
            by_plate += [(plate, key) for plate in plates]
            by_card += [(card_uid, key) for card_uid in cards]
        write = self._db.conn.executemany
        write(_INSERT, new)
        write("INSERT INTO declared_plates VALUES (?, ?)", sorted(by_plate))
        write("INSERT INTO declared_cards VALUES (?, ?)", sorted(by_card))
        return added, replaced

    def confirm(self, at_ms: int) -> None:
        """The hub said that the version held is its newest. Raises `StoreError`."""
        try:
            with self._db.atomic():
                self._db.execute("UPDATE manifest SET confirmed_ms = ?", [at_ms])
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: cannot be written: {exc}") from exc

    def policy(self) -> HeldPolicy:
        """The packs and secrets that are kept. Raises `StoreError`."""
        try:
            row = self._db.execute("SELECT digest FROM policy").fetchone()
            if row is None:
                return NO_POLICY
            bodies = self._db.execute("SELECT body FROM policy_packs ORDER BY place").fetchall()
            secrets = [
                DrawSecret(period=row[0], secret=row[1], from_ms=row[2], until_ms=row[3])
                for row in self._db.execute(
                    "SELECT period, secret, from_ms, until_ms FROM draw_secrets"
                )
            ]
            packs = tuple(read_pack(body, str(self.path)) for (body,) in bodies)
        except PolicyPackError:
            return NO_POLICY  # written by a version that knew more: the hub will send it again
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: policy cannot be read: {exc}") from exc
        return HeldPolicy(
            digest=row[0], packs=packs, secrets={each.period: each for each in secrets}
        )

    def keep_policy(
        self, policy_digest: str, packs: Sequence[bytes], secrets: Iterable[DrawSecret]
    ) -> None:
        """Replace packs and secrets in one transaction. Raises `StoreError`."""
        try:
            with self._db.atomic():
                for table in ("policy", "policy_packs", "draw_secrets"):
                    self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
                self._db.execute("INSERT INTO policy VALUES (1, ?)", [policy_digest])
                for place, body in enumerate(packs):
                    self._db.execute("INSERT INTO policy_packs VALUES (?, ?)", [place, body])
                for each in secrets:
                    self._db.execute(
                        "INSERT INTO draw_secrets VALUES (?, ?, ?, ?)",
                        [each.period, each.secret, each.from_ms, each.until_ms],
                    )
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: policy cannot be written: {exc}") from exc

    def acknowledged(self, epoch: str) -> int:
        """Up to which record of this epoch the hub has everything; 0 when it has none."""
        row = self._db.execute(
            "SELECT through_seq FROM acknowledged WHERE epoch = ?", [epoch]
        ).fetchone()
        return 0 if row is None else int(row[0])

    def acknowledge(self, epoch: str, through_seq: int) -> None:
        """Keep an acknowledgement; it never goes back. Raises `StoreError`."""
        try:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO acknowledged VALUES (?, ?) ON CONFLICT (epoch) DO UPDATE"
                    " SET through_seq = max(through_seq, excluded.through_seq)",
                    [epoch, through_seq],
                )
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: cannot be written: {exc}") from exc

    def close(self) -> None:
        """Give the file back."""
        self._db.close()


def open_cache(path: Path) -> tuple[HubCache, str]:
    """Open hub.db; a damaged one is set aside as `.damaged` and begun anew.

    Everything in it comes again from the hub, and without a manifest nothing is released: a
    lane must not stay down for it until somebody comes. The second value says what was wrong
    with the old file, "" when nothing was. Raises `StoreError`.
    """
    mark = _mark(path)
    try:
        why = mark.read_text(encoding="utf-8") if mark.exists() else ""
    except OSError as exc:
        raise StoreError(f"{mark}: cannot be read: {exc}") from exc
    try:
        if not why:
            return HubCache(path), ""
    except DamagedError as exc:
        why = str(exc)
    try:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.replace(path.with_name(path.name + ".damaged"))
        mark.unlink(missing_ok=True)
    except OSError as exc:
        raise StoreError(f"{why}; cannot be set aside: {exc}") from exc
    return HubCache(path), why


def condemn(path: Path, why: str) -> None:
    """Have the next `open_cache` begin hub.db anew. Raises `StoreError`."""
    try:
        _mark(path).write_text(why, encoding="utf-8")
    except OSError as exc:
        raise StoreError(f"{path}: cannot be marked as damaged: {exc}") from exc


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".condemned")


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """`items` in lists of at most `CHUNK_ROWS`."""
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK_ROWS)):
        yield chunk


def _found_by(body: bytes, body_crc: int | None) -> _FoundBy | None:
    """What a row that is kept is found by; None where that cannot be trusted."""
    if body_crc != zlib.crc32(body):
        return None
    return _normalized(_decoder.decode(body))


def _normalized(row: DeclarationRow) -> _FoundBy:
    cards = (row.card_uid, *row.crew)
    return frozenset(map(normalize_plate, row.plates)), frozenset(map(normalize_card, cards))


_INSERT = (
    "INSERT INTO declarations (body, row_digest, body_crc, declaration_id) VALUES (?, ?, ?, ?)"
)
_REPLACE = "UPDATE declarations SET body = ?, row_digest = ?, body_crc = ? WHERE declaration_id = ?"


def acknowledged_in(connection: sqlite3.Connection, epoch: str) -> int:
    """The hub's acknowledgement as the lane thread sees it, for pruning its own outbox."""
    row = connection.execute(
        "SELECT through_seq FROM acknowledged WHERE epoch = ?", [epoch]
    ).fetchone()
    return 0 if row is None else int(row[0])
