"""The port's rules as one value: versioned, dated, owned, and known by its hash.

The same types are the value in the core, the part of a lane's snapshot and the JSON file that an
officer writes (`gate_agent/wire/policy_pack.py` reads and checks that). A key that is left out has
its default, and every default means what a lane without that table does: nothing is permitted by
leaving something out that the rest of the pack demands.

Units are in the names; `_ms` at an end of a moment is UTC epoch milliseconds. The lane's own
timings (how long its boom takes) are not rules of the port and stay in the lane file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gate_agent.domain.policy import ReleasePolicy

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Permille = Annotated[int, Meta(ge=0, le=1000)]
Ms = Annotated[int, Meta(ge=0)]
Kg = Annotated[int, Meta(ge=0, le=200_000)]
Kind = Literal["loaded", "empty_container", "empty"]
Direction = Literal["in", "out"]
LogShare = Annotated[int, Meta(ge=-60_000, le=0)]
Odds = Annotated[int, Meta(ge=0, le=60_000)]
Piece = Literal["card", "weight", "other_plate", "tag", "trailer", "tare", "container"]
Demand = Literal[
    "credit_class",
    "direction",
    "kind",
    "cargo",
    "trailer_plate",
    "containers",
    "tag_id",
    "tare_kg",
    "transit",
    "risk",
    "appointment",
    "accounts",
    "company",
]
DAY_MIN = 24 * 60
WITHOUT_DOUBT_PERMILLE = 980
"""Of our own reader: below it 3 of 483 plates were wrong, above it none (docs: plates)."""
NEVER_MS = 1 << 62


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a pack."""


class Limits(Part, frozen=True, kw_only=True):
    """What evidence must be worth, for every vehicle."""

    # Silence has meant 800 in every pack and dossier that there is, and keeps meaning it.
    min_plate_confidence_permille: Permille = 800  # 980 in a pack that is imported without it
    min_plate_frames: Annotated[int, Meta(ge=1)] = 2  # that agree
    plate_max_age_ms: Ms = 180_000
    card_max_age_ms: Ms = 180_000
    weight_max_age_ms: Ms = 5_000
    manifest_max_age_ms: Ms = 4 * 3_600_000  # nobody is released on an older one, whatever class
    weight_tolerance_kg: Kg = 400
    weight_tolerance_permille: Permille = 30
    weight_inspect_factor: Annotated[int, Meta(ge=1, le=100)] = 2


class PieceRule(Part, frozen=True, kw_only=True):
    """What one piece of evidence weighs; thousandths of natural logarithms, never above 0."""

    piece: Piece
    wrong_milli_nats: LogShare  # of how often the declared vehicle itself shows another one
    chance_milli_nats: LogShare  # of how often a stranger happens to fit
    weak_milli_nats: LogShare = 0  # the same where it fits as it would most strangers, too


FIRST_PIECES = (
    PieceRule(piece="card", wrong_milli_nats=-6_908, chance_milli_nats=-4_605),
    PieceRule(piece="weight", wrong_milli_nats=-2_303, chance_milli_nats=-1_609),
    PieceRule(piece="other_plate", wrong_milli_nats=0, chance_milli_nats=-4_605),
    PieceRule(piece="tag", wrong_milli_nats=-4_605, chance_milli_nats=-9_210),
)
STANDARD_PIECES = (
    *FIRST_PIECES,
    PieceRule(piece="trailer", wrong_milli_nats=-2_996, chance_milli_nats=-4_605),
    PieceRule(piece="container", wrong_milli_nats=-4_605, chance_milli_nats=-6_908),
    PieceRule(piece="tare", wrong_milli_nats=-2_996, chance_milli_nats=-693, weak_milli_nats=-105),
)
"""What a pack that is written now weighs where it names no pieces; docs: decision."""


class IdentityRule(Part, frozen=True, kw_only=True):
    """When it is clear which declared vehicle this is. Odds: thousandths of natural logarithms.

    What packs of before say by silence is the strict side: a plate in doubt stays in doubt. With
    "tag" under `agree` a lane without a tag reader releases nobody; without it a declared tag
    counts where tags are seen, and another one than declared is a person's in any case. With
    "container" there the lane waits for every container number that is declared, and a vehicle
    that declares none and does not say that it is empty is a person's.
    """

    # each by itself; plate and card always
    agree: tuple[Literal["plate"] | Piece, ...] = ("plate", "card")
    min_odds_milli_nats: Odds = 5_298  # 200 to 1, all pieces together
    min_margin_milli_nats: Odds = 4_595  # 99 to 1, over another declared plate
    verified_plate_suffices: bool = False  # a plate in doubt, if the picture fits one declared
    min_plate_odds_milli_nats: Odds = 4_595  # then: against every other plate, declared or not
    min_travel_ms: Ms = 30_000  # from a lane's exit to the arrival in another lane
    min_times_empty: Annotated[int, Meta(ge=1)] = 2  # weighed before anything follows from it
    empty_tolerance_kg: Kg = 1_500  # another trailer, fuel, snow
    # Silence has meant these four in every pack and dossier that there is, and keeps meaning them.
    pieces: tuple[PieceRule, ...] = FIRST_PIECES  # all below in a pack that is imported without it


class CreditClass(Part, frozen=True, kw_only=True):
    """What a company's standing changes. None: as for everybody."""

    name: Name  # as declarations say it; once in the whole pack
    zh: str = ""
    en: str = ""
    inspect_permille: Permille = 0  # this share is drawn for inspection
    offline_authority_ms: Ms | None = None  # released without the hub for so long; 0: never
    weight_tolerance_kg: Kg | None = None
    weight_tolerance_permille: Permille | None = None
    documents_due_h: Annotated[int, Meta(ge=0)] | None = None  # papers follow within so many hours
    coordinator: str = ""  # told of every exception
    automatic: bool = True  # False: a person decides about every vehicle


class CreditTable(Part, frozen=True, kw_only=True):
    """Classes that belong together: one scheme of one authority."""

    name: Name
    classes: tuple[CreditClass, ...]


class WeightRule(Part, frozen=True, kw_only=True):
    """A weight tolerance for some vehicles; the first that fits counts. Empty: fits all."""

    kinds: tuple[Kind, ...] = ()
    cargos: tuple[Name, ...] = ()
    classes: tuple[Name, ...] = ()
    tolerance_kg: Kg
    tolerance_permille: Permille = 0
    inspect_factor: Annotated[int, Meta(ge=1, le=100)] = 2


class DocumentCondition(Part, frozen=True, kw_only=True):
    """What must be known of one document before a vehicle is released by itself."""

    code: Name
    accepted: Annotated[tuple[Name, ...], Meta(min_length=1)]  # states that will do
    failed: tuple[Name, ...] = ()  # states that turn the vehicle back; any other is a Hold
    max_age_ms: Ms | None = None  # of the answer; None: it does not age
    kinds: tuple[Kind, ...] = ()  # empty: all
    cargos: tuple[Name, ...] = ()
    classes: tuple[Name, ...] = ()


class AgencyRule(Part, frozen=True, kw_only=True):
    """One authority whose agreement a release needs."""

    agency: Name
    max_age_ms: Ms | None = None  # of its answer
    accepts_from: tuple[Name, ...] = ()  # other authorities or sites whose result it recognizes
    place: str = ""  # where it inspects


class RiskRule(Part, frozen=True, kw_only=True):
    """What risk changes."""

    unknown_review_permille: Permille = 0  # this share of unknown risk is a person's
    high_place: str = ""  # where high risk is inspected


class TransitRule(Part, frozen=True, kw_only=True):
    """What a vehicle under seal must show."""

    is_seal_required: bool = True
    seal_max_age_ms: Ms | None = None  # of the seal's check; None: no check is demanded
    early_grace_ms: Ms = 0
    late_grace_ms: Ms = 0


class AccountRule(Part, frozen=True, kw_only=True):
    """How far a lane may draw on lists, permits and books that several lanes share."""

    online_age_ms: Ms = 60_000  # with a manifest confirmed within this the whole balance counts
    offline_share_permille: Permille = 0  # of the balance, beyond that


class AppointmentRule(Part, frozen=True, kw_only=True):
    """How exact an appointment is."""

    early_grace_ms: Ms = 0
    late_grace_ms: Ms = 0


class OpenHours(Part, frozen=True, kw_only=True):
    """When a lane is open, by the port's own time. `until_min` may be past midnight."""

    days: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)  # 1 is Monday
    from_min: Annotated[int, Meta(ge=0, lt=DAY_MIN)]
    until_min: Annotated[int, Meta(gt=0, le=2 * DAY_MIN)]


class LaneProfile(Part, frozen=True, kw_only=True):
    """What one lane is for. Empty: everything. A lane without a profile is for everything."""

    lane: Name
    direction: Direction | None = None
    kinds: tuple[Kind, ...] = ()
    classes: tuple[Name, ...] = ()
    is_priority: bool = False  # a green lane: only vehicles declared so, or of its classes
    is_manual: bool = False  # papers are shown to a person here
    hours: tuple[OpenHours, ...] = ()  # empty: day and night
    appointments: Literal["none", "outside_hours", "always"] = "outside_hours"


class DrawPeriod(Part, frozen=True, kw_only=True):
    """While it lasts, draws are made with the secret that `commitment` is the SHA-256 of."""

    period: Name
    from_ms: int
    until_ms: int
    commitment: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Mandate(Part, frozen=True, kw_only=True):
    """An agent who may declare for companies. None named: for every company."""

    agent: Name
    companies: tuple[Name, ...] = ()
    from_ms: int = 0
    until_ms: int = NEVER_MS


class SlipBook(Part, frozen=True, kw_only=True):
    """Numbered slips for one kind of emergency, which `mode` names: `<prefix><number>`."""

    mode: Name
    prefix: Annotated[str, Meta(min_length=1, max_length=16)]
    first: Annotated[int, Meta(ge=0)]
    last: Annotated[int, Meta(ge=0)]
    is_drill: bool = False  # an exercise: its slips open only for whom the rules would release


class Targets(Part, frozen=True, kw_only=True):
    """What the port promises in public; shown beside what the lanes did. None: no promise."""

    p50_ms: Ms | None = None  # from the arrival to the boom being up, released by the lane itself
    p95_ms: Ms | None = None
    automatic_permille: Permille | None = None  # of all vehicles
    waited_p95_ms: Ms | None = None  # from the verdict to a person's decision


class PolicyPack(Part, frozen=True, kw_only=True):
    """Everything the port allows. In force from `effective_from_ms` until before the other end."""

    version: Name
    owner: str = ""  # who answers for it; "" only in the one that is built in
    effective_from_ms: int = 0
    effective_until_ms: int = NEVER_MS
    limits: Limits = Limits()
    identity: IdentityRule = IdentityRule()
    demands: tuple[Demand, ...] = ()  # what every declaration must say
    card_demands: tuple[Name, ...] = ()  # fields that every driver's card must have, as IC_VE_NAME
    credit_tables: tuple[CreditTable, ...] = ()
    weights: tuple[WeightRule, ...] = ()
    conditions: tuple[DocumentCondition, ...] = ()
    agencies: tuple[AgencyRule, ...] = ()
    risk: RiskRule = RiskRule()
    transit: TransitRule = TransitRule()
    accounts: AccountRule = AccountRule()
    appointment: AppointmentRule = AppointmentRule()
    is_fee_required: bool = False
    blocked_cards: tuple[Name, ...] = ()
    blocked_plates: tuple[Name, ...] = ()
    inspection_place: str = ""  # where no rule names another
    utc_offset_min: Annotated[int, Meta(ge=-840, le=840)] = 480
    holidays: tuple[Annotated[int, Meta(ge=20000101, le=29991231)], ...] = ()  # yyyymmdd: closed
    lanes: tuple[LaneProfile, ...] = ()
    draw_periods: tuple[DrawPeriod, ...] = ()
    slips: tuple[SlipBook, ...] = ()
    targets: Targets = Targets()
    mandates: tuple[Mandate, ...] = ()  # empty: who may declare is checked where he declares
    blocked_agents: tuple[Name, ...] = ()

    def is_in_force(self, wall_ms: int) -> bool:
        """Whether it holds at this moment."""
        return self.effective_from_ms <= wall_ms < self.effective_until_ms

    def credit_class(self, name: str) -> CreditClass | None:
        """The class of this name; None for one that the pack does not know, and for ""."""
        for table in self.credit_tables:
            for each in table.classes:
                if each.name == name:
                    return each
        return None

    def lane(self, lane_id: str) -> LaneProfile | None:
        """What this lane is for; None: everything."""
        return next((each for each in self.lanes if each.lane == lane_id), None)

    def draw_period(self, wall_ms: int) -> DrawPeriod | None:
        """The period of draws at this moment; None when the pack has none for it."""
        for each in self.draw_periods:
            if each.from_ms <= wall_ms < each.until_ms:
                return each
        return None


def in_force(packs: Iterable[PolicyPack], wall_ms: int) -> PolicyPack | None:
    """Of the packs in force the one that began last; of two that began together the later version.

    Hub and lane choose alike, whatever the order in which they hold them.
    """
    return max(
        (pack for pack in packs if pack.is_in_force(wall_ms)),
        key=lambda pack: (pack.effective_from_ms, pack.version),
        default=None,
    )


def rehearsal_of(pack: PolicyPack, recorded: PolicyPack) -> PolicyPack:
    """`pack` as if it had been in force when `recorded` was.

    Its dates are lifted, and who was drawn then is drawn now: draws keep the periods in which they
    were made.
    """
    return msgspec.structs.replace(
        pack,
        effective_from_ms=recorded.effective_from_ms,
        effective_until_ms=recorded.effective_until_ms,
        draw_periods=recorded.draw_periods,
    )


def limits_of(policy: ReleasePolicy) -> Limits:
    """The limits of a lane file."""
    return Limits(
        min_plate_confidence_permille=policy.min_plate_confidence_permille,
        min_plate_frames=policy.min_plate_frames,
        plate_max_age_ms=round(policy.plate_max_age_s * 1000),
        card_max_age_ms=round(policy.card_max_age_s * 1000),
        weight_max_age_ms=round(policy.weight_max_age_s * 1000),
        manifest_max_age_ms=round(policy.manifest_max_age_s * 1000),
        weight_tolerance_kg=policy.weight_tolerance_kg,
        weight_tolerance_permille=policy.weight_tolerance_permille,
        weight_inspect_factor=policy.weight_inspect_factor,
    )


def default_pack(policy: ReleasePolicy) -> PolicyPack:
    """The pack of a lane that no hub has given one: the limits of its lane file, for ever."""
    return PolicyPack(
        version=policy.version,
        limits=limits_of(policy),
        identity=IdentityRule(
            verified_plate_suffices=policy.verified_plate_suffices, pieces=STANDARD_PIECES
        ),
    )


def canonical(pack: PolicyPack) -> bytes:
    """The bytes that the hash is taken of: JSON, keys sorted, defaults left out, no spaces.

    What equals its default is left out, so that a key that packs gain later changes no old hash.
    """
    return _encoder.encode(_said(pack))


@lru_cache(maxsize=16)  # a lane names the same pack in every word it says
def policy_hash(pack: PolicyPack) -> str:
    """SHA-256 of the canonical bytes, in hex: the pack's name in every record."""
    return hashlib.sha256(canonical(pack)).hexdigest()


_encoder = msgspec.json.Encoder(order="sorted")


def _said(value: object) -> object:
    """What a pack says that is not said by leaving it out. By value: msgspec goes by identity."""
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    if not isinstance(value, Part):
        return value
    return {
        name: _said(mine)
        for name, silence in _defaults(type(value))
        if (mine := getattr(value, name)) != silence
    }


@cache
def _defaults(kind: type[Part]) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))
