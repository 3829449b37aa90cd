"""Cuts the way from one manifest version to the newest into messages of bounded size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from central.store import manifest_queries
from central.store.manifest_store import CHANGES_KEPT_VERSIONS
from central.store.rows import ManifestVersionRow
from gate_agent.wire.v1 import DeclarationRow, ManifestPart, encode

PART_ROWS = 500
PART_BYTES = 256_000 - 1_000  # the envelope of a part is smaller than this
_decoder = msgspec.json.Decoder(DeclarationRow)
_Chunk = tuple[list[bytes], list[str]]


def parts_for(db: sqlite3.Connection, have_version: int) -> list[bytes]:
    """The encoded `ManifestPart`s that bring a lane from `have_version` to the newest version.

    A lane without a manifest, too far behind for the change log, or ahead of us (our database was
    restored from a backup) gets everything, as from version 0.
    """
    head = manifest_queries.head(db)
    if (
        have_version == 0
        or not head.version - CHANGES_KEPT_VERSIONS <= have_version <= head.version
    ):
        return _encode(head, 0, manifest_queries.everything(db), ())
    upserts, deletes = manifest_queries.changed_since(db, have_version)
    if len(upserts) + len(deletes) > head.count:
        return _encode(head, 0, manifest_queries.everything(db), ())
    return _encode(head, have_version, upserts, deletes)


def _encode(
    head: ManifestVersionRow, from_version: int, upserts: Sequence[bytes], deletes: Sequence[str]
) -> list[bytes]:
    chunks = list(_chunks(upserts, deletes))
    return [
        encode(
            ManifestPart(
                from_version=from_version,
                to_version=head.version,
                part=number,
                parts=len(chunks),
                upserts=tuple(_decoder.decode(body) for body in bodies),
                deletes=tuple(gone),
                count=head.count,
                digest=head.digest,
            )
        )
        for number, (bodies, gone) in enumerate(chunks, start=1)
    ]


def _chunks(upserts: Sequence[bytes], deletes: Sequence[str]) -> Iterator[_Chunk]:
    """At least one chunk, even of nothing: the lane hears that it is up to date."""
    bodies: list[bytes] = []
    gone: list[str] = []
    size_bytes = 0
    changes: list[bytes | str] = [*upserts, *deletes]
    for change in changes:
        length = len(change) + 3
        if len(bodies) + len(gone) >= PART_ROWS or size_bytes + length > PART_BYTES:
            yield bodies, gone
            bodies, gone, size_bytes = [], [], 0
        if isinstance(change, bytes):
            bodies.append(change)
        else:
            gone.append(change)
        size_bytes += length
    yield bodies, gone
