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


class Kind(StrEnum):
    """What the vehicle carries."""

    LOADED = "loaded"
    EMPTY_CONTAINER = "empty_container"
    EMPTY = "empty"


class Direction(StrEnum):
    """Which way the trip goes."""

    IN = "in"
    OUT = "out"


class Risk(StrEnum):
    """What the risk side thinks of it. UNKNOWN is an answer; None is that nobody was asked."""

    LOW = "low"
    HIGH = "high"
    UNKNOWN = "unknown"


class AgencyState(StrEnum):
    """How an authority stands to one trip."""

    AGREED = "agreed"
    PENDING = "pending"
    HOLD = "hold"


class AccountKind(StrEnum):
    """What a declaration draws on."""

    LIST = "list"  # released on a list, declared together at the end of a period
    PERMIT = "permit"  # written down as it is used
    BOOK = "book"  # a processing company's book of materials


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentItem:
    """What is known of one document, and since when."""

    code: str
    state: str
    checked_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyAnswer:
    """What one authority says; `source` is whose finding it is if not its own."""

    agency: str
    state: AgencyState
    at_ms: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transit:
    """A journey under seal from one office to another. The window is inclusive."""

    seal_no: str
    from_ms: int
    until_ms: int
    destination: str = ""  # the office that closes it
    seal_checked_at_ms: int | None = None  # by an electronic seal's platform, or a person


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUse:
    """A quantity that the trip takes from an account which several trips share.

    `balance` is what the hub last said is left, None where it has not said; `pending` is what
    this lane took since that the hub did not know then.
    """

    kind: AccountKind
    account_id: str
    quantity: int
    balance: int | None = None
    closes_ms: int | None = None
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """When the vehicle is expected, both ends included."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Two numbers 0..999 that the secret of `period` gives this declaration: see `draws.py`."""

    period: str
    inspect_permille: int
    review_permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What was declared in advance for one vehicle trip.

    `plates` are normalized; any of them identifies the vehicle. `gross_kg` is vehicle and load
    together. The validity window is inclusive, UTC epoch milliseconds. `holds` names the agencies
    that want the vehicle inspected. What stands after them says nothing at its default, and a
    policy may demand it. `used_by` is the passage that used the declaration up; `drawn` is what
    the lane itself has drawn for it, None where it has no secret of the period.
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
    credit_class: str = ""
    direction: Direction | None = None
    kind: Kind | None = None
    cargo: str = ""
    trailer_plate: str = ""
    containers: tuple[str, ...] = ()
    tag_id: str = ""
    tare_kg: int | None = None
    transit: Transit | None = None
    accounts: tuple[AccountUse, ...] = ()
    items: tuple[DocumentItem, ...] = ()
    agencies: tuple[AgencyAnswer, ...] = ()
    risk: Risk | None = None
    appointment: Appointment | None = None
    fee_paid: bool | None = None
    tax_refund: bool = False
    priority: bool = False
    office: str = ""  # where it was declared, if not here
    company: str = ""  # whose goods they are
    agent: str = ""  # who declared for it; "": the company itself
    crew: tuple[str, ...] = ()  # cards beside `card_uid` whose holders may drive, too
    drawn: Draw | None = None

    @property
    def cards(self) -> tuple[str, ...]:
        """Every card that may come with this vehicle."""
        return (self.card_uid, *self.crew)

    @property
    def held_by(self) -> tuple[str, ...]:
        """The agencies that want it inspected, each once, wherever they said so."""
        named = (each.agency for each in self.agencies if each.state is AgencyState.HOLD)
        return tuple(dict.fromkeys((*self.holds, *named)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestStatus:
    """Which manifest the lane holds. Version 0: none yet.

    `confirmed_at` is when the hub last said that this version is its newest, None if it has not
    been heard since the agent started and the stored time cannot be trusted.
    """

    version: int = 0
    confirmed_at: Instant | None = None


NO_MANIFEST = ManifestStatus()
