"""The digest by which hub and lane know that they hold the same manifest.

The sum of SHA-256 over the JSON of every declaration's fields, modulo 2**256, in hex: it does
not depend on order and follows each insert and delete in constant time, so a lane with a million
declarations checks a change of one without reading the rest. It finds corruption and missed
changes; it is not a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import attrgetter

import msgspec

from gate_agent.wire.v1 import DeclarationRow

EMPTY = "0" * 64
_MODULUS = 1 << 256
_encoder = msgspec.json.Encoder()
_FROM_THE_BEGINNING = (
    "declaration_id",
    "plates",
    "card_uid",
    "gross_kg",
    "valid_from_ms",
    "valid_until_ms",
    "documents",
    "holds",
    "used_by",
)
_LANES_OWN = "drawn"
_LATER = tuple(
    field
    for field in msgspec.structs.fields(DeclarationRow)
    if field.name not in {*_FROM_THE_BEGINNING, _LANES_OWN}
)
_fields_of = attrgetter(*_FROM_THE_BEGINNING)
_later_of = attrgetter(*(field.name for field in _LATER))
_NOTHING_LATER = tuple(field.default for field in _LATER)


def row_digest(row: DeclarationRow) -> str:
    """The digest of one declaration, 64 hex digits.

    Over the fields of v1 as it began, by name and in this order for ever, and after them, by
    name, whatever later field says something. A lane that is too old to know such a field cannot
    keep it, so its digest differs and it judges by no manifest at all: it must not judge by half.
    """
    fields, values = _fields_of(row), _later_of(row)
    if values != _NOTHING_LATER:
        said = [
            (field.name, value)
            for field, value in zip(_LATER, values, strict=True)
            if value != field.default
        ]
        fields = (*fields, said)
    return hashlib.sha256(_encoder.encode(fields)).hexdigest()


def policy_digest(packs: Iterable[bytes], periods: Iterable[str]) -> str:
    """The digest by which hub and lane know that they hold the same packs and draw secrets."""
    parts = sorted(hashlib.sha256(pack).hexdigest() for pack in packs)
    return hashlib.sha256("\n".join((*parts, *sorted(periods))).encode()).hexdigest()


def changed(digest: str, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> str:
    """The manifest digest after rows with the given row digests came and went."""
    total = int(digest, 16)
    total += sum(int(row, 16) for row in added)
    total -= sum(int(row, 16) for row in removed)
    return f"{total % _MODULUS:064x}"
