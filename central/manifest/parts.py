"""Cuts the way from one manifest version to the newest into messages of bounded size.

A whole manifest may have millions of declarations: no more than one part of it is in memory.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from central.store import manifest_queries
from central.store.manifest_store import CHANGES_KEPT_VERSIONS
from central.store.rows import ManifestVersionRow
from gate_agent.wire.v1 import DeclarationRow, ManifestPart, encode

PART_ROWS = 500
PART_BYTES = 256_000 - 1_000  # the envelope of a part is smaller than this
IN_MEMORY_BYTES = 4_000_000  # what is longer waits in a file
_decoder = msgspec.json.Decoder(DeclarationRow)
_Change = bytes | str  # a row as wire JSON, or the id of one that is gone


class EncodedParts:
    """The encoded `ManifestPart`s of one answer, in their order. Close it.

    Many of them wait in a file in `folder`, which has no name and is gone with the process.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - `close` closes it
            IN_MEMORY_BYTES, dir=str(folder)
        )
        self._sizes: list[int] = []

    def add(self, part: bytes) -> None:
        """One more. Raises `OSError`."""
        self._file.write(part)
        self._sizes.append(len(part))

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[bytes]:
        """Every part once more from the first. Raises `OSError`: there was no room for all."""
        self._file.seek(0)
        for size in self._sizes:
            yield self._file.read(size)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def write_parts(db: sqlite3.Connection, have_version: int, parts: EncodedParts) -> None:
    """The parts that bring a lane from `have_version` to the newest version.

    A lane without a manifest, too far behind for the change log, or ahead of us (our database was
    restored from a backup) gets everything, as from version 0.
    Raises `OSError` where there is no room for a file.
    """
    head = manifest_queries.head(db)
    if (
        have_version == 0
        or not head.version - CHANGES_KEPT_VERSIONS <= have_version <= head.version
    ):
        _write(parts, head, 0, lambda: manifest_queries.everything(db))
        return
    if manifest_queries.count_changed_since(db, have_version) > head.count:
        _write(parts, head, 0, lambda: manifest_queries.everything(db))
    else:
        _write(parts, head, have_version, lambda: manifest_queries.changed_since(db, have_version))


def _write(
    parts: EncodedParts,
    head: ManifestVersionRow,
    from_version: int,
    changes: Callable[[], Iterable[_Change]],
) -> None:
    count = sum(1 for _ in _chunks(changes()))
    for number, chunk in enumerate(_chunks(changes()), start=1):
        part = ManifestPart(
            from_version=from_version,
            to_version=head.version,
            part=number,
            parts=count,
            upserts=tuple(_decoder.decode(row) for row in chunk if isinstance(row, bytes)),
            deletes=tuple(key for key in chunk if isinstance(key, str)),
            count=head.count,
            digest=head.digest,
        )
        parts.add(encode(part))


def _chunks(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    """At least one chunk, even of nothing: the lane hears that it is up to date."""
    chunk: list[_Change] = []
    size_bytes = 0
    for change in changes:
        length = len(change) + 3
        if len(chunk) >= PART_ROWS or size_bytes + length > PART_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(change)
        size_bytes += length
    yield chunk
