"""The digest by which hub and lane know that they hold the same manifest.

The sum of SHA-256 over the JSON of every declaration's fields, modulo 2**256, in hex: it does
not depend on order and follows each insert and delete in constant time, so a lane with a million
declarations checks a change of one without reading the rest. It finds corruption and missed
changes; it is not a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from gate_agent.wire.v1 import DeclarationRow

EMPTY = "0" * 64
_MODULUS = 1 << 256
_encoder = msgspec.json.Encoder()


def row_digest(row: DeclarationRow) -> str:
    """The digest of one declaration, 64 hex digits.

    Over the fields of v1 as it began, by name and in this order for ever: a field that v1 gains
    later is not part of it, so that lanes of both ages agree.
    """
    fields = (
        row.declaration_id,
        row.plates,
        row.card_uid,
        row.gross_kg,
        row.valid_from_ms,
        row.valid_until_ms,
        row.documents,
        row.holds,
        row.used_by,
    )
    return hashlib.sha256(_encoder.encode(fields)).hexdigest()


def changed(digest: str, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> str:
    """The manifest digest after rows with the given row digests came and went."""
    total = int(digest, 16)
    total += sum(int(row, 16) for row in added)
    total -= sum(int(row, 16) for row in removed)
    return f"{total % _MODULUS:064x}"
