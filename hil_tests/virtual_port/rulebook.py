"""The packs of a virtual port: what its customs, its agencies and its lanes allow."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec

from gate_agent.domain.draws import commitment
from gate_agent.domain.policy_pack import (
    WITHOUT_DOUBT_PERMILLE,
    AccountRule,
    AgencyRule,
    CreditClass,
    CreditTable,
    DrawPeriod,
    IdentityRule,
    LaneProfile,
    Limits,
    OpenHours,
    PolicyPack,
    RiskRule,
    SlipBook,
    TransitRule,
    WeightRule,
)
from hil_tests.virtual_port.declared import (
    AGENCY,
    ANSWER_AGE_MS,
    BAD_CLASS,
    MONTH_MS,
    SEAL_AGE_MS,
    papers_of,
)
from hil_tests.virtual_port.lane_uses import LaneUse, name_of, use_of
from hil_tests.virtual_port.loop import WALL_MS
from hil_tests.virtual_port.script import Kind, Script, Truck

if TYPE_CHECKING:
    from collections.abc import Iterable

VERIFYING = 0.7  # of the packs: a plate in doubt may be made up for
UNTIL_MIN = 22 * 60 + 26  # a virtual day begins at 22:13 of the port's time
SLIPS = SlipBook(mode="registry_down", prefix="E", first=1, last=9_999)
TRAVEL_MS = 120_000
OFFLINE_SHARE_PERMILLE = 300
ONLINE_AGE_MS = 60_000
_CREDIT = CreditTable(
    name="customs",
    classes=(
        CreditClass(name="AA", coordinator="wang"),
        CreditClass(name="A", offline_authority_ms=30 * 60_000),
        CreditClass(
            name="B",
            offline_authority_ms=120_000,
            inspect_permille=10,
            weight_tolerance_kg=400,
            weight_tolerance_permille=20,
        ),
        CreditClass(name="C", offline_authority_ms=0, inspect_permille=50),
        CreditClass(name=BAD_CLASS, automatic=False),
    ),
)
_PROFILES: dict[LaneUse, dict[str, Any]] = {
    LaneUse.EXPORT: {"direction": "out"},
    LaneUse.GREEN: {"is_priority": True, "classes": ("AA",)},
    LaneUse.EMPTIES: {"kinds": ("empty",)},
    LaneUse.HOURS: {"hours": (OpenHours(from_min=5 * 60, until_min=UNTIL_MIN),)},
    LaneUse.MANUAL: {"is_manual": True},
}


def pack_of(script: Script, number: int, secret: bytes, begins_ms: int) -> PolicyPack:
    """The pack of this number (0: the one that the day begins with), and its draws."""
    rng = random.Random(f"{script.seed}-pack-{number}")
    period = DrawPeriod(
        period=f"period-{number}",
        from_ms=begins_ms,
        until_ms=begins_ms + MONTH_MS,
        commitment=commitment(secret),
    )
    blocked = [c for c in script.choices if isinstance(c, Truck) and c.kind is Kind.BLOCKED]
    return PolicyPack(
        version=f"sim-{number}",
        owner="port",
        effective_from_ms=begins_ms,
        effective_until_ms=begins_ms + MONTH_MS,
        limits=Limits(min_plate_confidence_permille=WITHOUT_DOUBT_PERMILLE),
        identity=IdentityRule(
            verified_plate_suffices=number == 0 or rng.random() < VERIFYING,
            min_travel_ms=TRAVEL_MS,
        ),
        credit_tables=(_CREDIT,),
        weights=(WeightRule(kinds=("empty",), tolerance_kg=400, inspect_factor=3),),
        agencies=(AgencyRule(agency=AGENCY, max_age_ms=ANSWER_AGE_MS, place="yard 2"),),
        risk=RiskRule(unknown_review_permille=rng.choice([0, 20, 100]) if number else 0),
        transit=TransitRule(seal_max_age_ms=SEAL_AGE_MS, early_grace_ms=60_000),
        accounts=AccountRule(
            online_age_ms=ONLINE_AGE_MS, offline_share_permille=OFFLINE_SHARE_PERMILLE
        ),
        is_fee_required=True,
        blocked_cards=tuple(
            papers_of(script.seed, truck).card_uid for truck in blocked if truck.number % 2
        ),
        blocked_plates=tuple(
            papers_of(script.seed, truck).plate for truck in blocked if not truck.number % 2
        ),
        inspection_place="yard 1",
        lanes=tuple(_profiles(script.lanes)),
        draw_periods=(period,),
        slips=(SLIPS,),
    )


def _profiles(lanes: Iterable[int]) -> Iterable[LaneProfile]:
    for lane in lanes:
        said = _PROFILES.get(use_of(lane))
        if said is not None:
            yield msgspec.convert({"lane": name_of(lane), **said}, LaneProfile)


def first_begins_ms() -> int:
    """When the pack that the day begins with came into force: long ago."""
    return WALL_MS - 2 * 86_400_000
