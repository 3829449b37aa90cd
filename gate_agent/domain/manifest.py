"""Declarations as the lane holds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate_agent.domain.vocabulary import DeclarationId, Instant, PassageId


class Documents(StrEnum):
    """What the document side says: licences, taxes, the manifest's own acceptance."""

    RELEASED = "released"
    PENDING = "pending"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What was declared in advance for one vehicle trip.

    `plates` are normalized; any of them identifies the vehicle. `gross_kg` is vehicle and load
    together. The validity window is inclusive, UTC epoch milliseconds. `holds` names the agencies
    that want the vehicle inspected. `used_by` is the passage that used the declaration up.
    """

    declaration_id: DeclarationId
    plates: tuple[str, ...]
    card_uid: str
    gross_kg: int
    valid_from_ms: int
    valid_until_ms: int
    documents: Documents = Documents.RELEASED
    holds: tuple[str, ...] = ()
    used_by: PassageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestStatus:
    """Which manifest the lane holds. Version 0: none yet.

    `confirmed_at` is when the hub last said that this version is its newest, None if it has not
    been heard since the agent started and the stored time cannot be trusted.
    """

    version: int = 0
    confirmed_at: Instant | None = None


NO_MANIFEST = ManifestStatus()
