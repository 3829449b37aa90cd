"""A demanding pack, a declaration that fulfils all of it, and each reason by one step away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from gate_agent.domain.decision import Verdict, decide
from gate_agent.domain.evidence import (
    ClaimEvidence,
    ClaimState,
    Evidence,
    ManifestEvidence,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import (
    AccountKind,
    AccountUse,
    AgencyAnswer,
    AgencyState,
    Appointment,
    Declaration,
    Direction,
    DocumentItem,
    Draw,
    Kind,
    Risk,
    Transit,
)
from gate_agent.domain.policy_pack import (
    AccountRule,
    AgencyRule,
    AppointmentRule,
    CreditClass,
    CreditTable,
    DocumentCondition,
    DrawPeriod,
    LaneProfile,
    Mandate,
    OpenHours,
    PolicyPack,
    RiskRule,
    TransitRule,
    WeightRule,
)
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import Outcome
from tests.builders import (
    BOX,
    CARD,
    DECIDED_AT,
    GROSS_KG,
    HOUR_MS,
    PLATE,
    a_declaration,
    good_evidence,
)

NOW_MS = DECIDED_AT.wall_ms  # 2026-09-21 22:13:40 by the port's time, a Monday
TARE_KG = 15_600

PACK = PolicyPack(
    version="2026-09",
    owner="port rules desk",
    effective_from_ms=NOW_MS - HOUR_MS,
    effective_until_ms=NOW_MS + HOUR_MS,
    demands=("credit_class", "direction", "kind"),
    credit_tables=(
        CreditTable(
            name="customs credit",
            classes=(
                CreditClass(
                    name="advanced",
                    inspect_permille=20,
                    documents_due_h=72,
                    coordinator="ms chen",
                    weight_tolerance_kg=800,
                ),
                CreditClass(name="general", inspect_permille=100, offline_authority_ms=HOUR_MS),
                CreditClass(name="failed", inspect_permille=800, automatic=False),
            ),
        ),
    ),
    weights=(WeightRule(cargos=("gold",), tolerance_kg=100),),
    conditions=(
        DocumentCondition(code="tax", accepted=("none", "paid"), failed=("evaded",)),
        DocumentCondition(code="licence", accepted=("none", "matched"), max_age_ms=HOUR_MS),
    ),
    agencies=(
        AgencyRule(agency="customs", place="bay 3"),
        AgencyRule(agency="quarantine", max_age_ms=HOUR_MS, accepts_from=("port of Q",)),
    ),
    risk=RiskRule(unknown_review_permille=300, high_place="bay 1"),
    transit=TransitRule(seal_max_age_ms=HOUR_MS),
    accounts=AccountRule(offline_share_permille=500),
    appointment=AppointmentRule(early_grace_ms=60_000, late_grace_ms=60_000),
    is_fee_required=True,
    inspection_place="bay 9",
    holidays=(20261001,),
    lanes=(
        LaneProfile(
            lane="lane1",
            direction="out",
            kinds=("loaded", "empty", "empty_container"),
            hours=(OpenHours(from_min=6 * 60, until_min=26 * 60),),
        ),
    ),
    draw_periods=(
        DrawPeriod(
            period="2026-09",
            from_ms=NOW_MS - HOUR_MS,
            until_ms=NOW_MS + HOUR_MS,
            commitment="0" * 64,
        ),
    ),
)


def a_full_declaration(**changed: Any) -> Declaration:  # noqa: ANN401 - any field
    """One that fulfils every demand of `PACK`, with these fields changed."""
    full = replace(
        a_declaration(),
        credit_class="advanced",
        direction=Direction.OUT,
        kind=Kind.LOADED,
        cargo="toys",
        containers=(BOX,),
        tare_kg=TARE_KG,
        items=(
            DocumentItem(code="tax", state="paid"),
            DocumentItem(code="licence", state="matched", checked_at_ms=NOW_MS - 60_000),
        ),
        agencies=(
            AgencyAnswer(agency="customs", state=AgencyState.AGREED),
            AgencyAnswer(agency="quarantine", state=AgencyState.AGREED, at_ms=NOW_MS - 60_000),
        ),
        risk=Risk.LOW,
        fee_paid=True,
        drawn=Draw(period="2026-09", inspect_permille=500, review_permille=500),
    )
    return replace(full, **changed)


def decided(
    declaration: Declaration, pack: PolicyPack = PACK, evidence: Evidence | None = None
) -> PassageDecided:
    """The verdict at `NOW_MS` with everything that it rests on, as its record has it."""
    evidence = evidence or good_evidence()
    return PassageDecided(
        passage_id=evidence.passage_id,
        verdict=decide(evidence, [declaration], pack, NOW_MS),
        evidence=evidence,
        pack=pack,
        wall_ms=NOW_MS,
        declarations=(declaration,),
    )


def judged(
    declaration: Declaration, pack: PolicyPack = PACK, evidence: Evidence | None = None
) -> Verdict:
    """The verdict at `NOW_MS`."""
    return decided(declaration, pack, evidence).verdict


def with_claim(state: ClaimState, holder: str = "") -> Evidence:
    """Good evidence, and what the hub said of the claim on `a_full_declaration()`."""
    said = ClaimEvidence(
        declaration_id=a_full_declaration().declaration_id, state=state, holder=holder
    )
    return replace(good_evidence(), claim=said)


def changed_pack(**changed: Any) -> PolicyPack:  # noqa: ANN401 - any field
    """`PACK` with these fields changed."""
    return msgspec.structs.replace(PACK, **changed)


def a_transit(**changed: Any) -> Transit:  # noqa: ANN401 - any field
    """A journey under a checked seal that may be made now."""
    good = Transit(
        seal_no="S1",
        from_ms=NOW_MS - 60_000,
        until_ms=NOW_MS + 60_000,
        destination="5301",
        seal_checked_at_ms=NOW_MS - 1_000,
    )
    return replace(good, **changed)


def an_account(**changed: Any) -> AccountUse:  # noqa: ANN401 - any field
    """A list with enough left."""
    good = AccountUse(
        kind=AccountKind.LIST,
        account_id="JB-7",
        quantity=10,
        balance=100,
        closes_ms=NOW_MS + HOUR_MS,
    )
    return replace(good, **changed)


def weighing(kg: int) -> Evidence:
    """Good evidence with another weight."""
    evidence = good_evidence()
    assert evidence.weight is not None
    return replace(evidence, weight=replace(evidence.weight, gross_kg=kg))


def with_manifest_of(age_ms: int) -> Evidence:
    """Good evidence on an older manifest."""
    return replace(good_evidence(), manifest=ManifestEvidence(version=7, age_ms=age_ms))


def with_card(**fields: str) -> Evidence:
    """The good evidence, with these fields on a customs card."""
    evidence = good_evidence()
    assert evidence.card is not None
    return replace(evidence, card=replace(evidence.card, fields=tuple(fields.items())))


def _paper(**changed: Any) -> Callable[[], PassageDecided]:  # noqa: ANN401 - any field
    return lambda: decided(a_full_declaration(**changed))


def _items(**states: str) -> Callable[[], PassageDecided]:
    items = tuple(
        DocumentItem(code=code, state=state, checked_at_ms=NOW_MS - 1_000)
        for code, state in ({"tax": "paid", "licence": "matched"} | states).items()
        if state
    )
    return _paper(items=items)


def _lane(**changed: Any) -> PolicyPack:  # noqa: ANN401 - any field
    return changed_pack(lanes=(msgspec.structs.replace(PACK.lanes[0], **changed),))


def _quarantine(state: AgencyState, at_ms: int) -> Callable[[], PassageDecided]:
    return _paper(
        agencies=(
            AgencyAnswer(agency="customs", state=AgencyState.AGREED),
            AgencyAnswer(agency="quarantine", state=state, at_ms=at_ms),
        )
    )


_EMPTY = {"kind": Kind.EMPTY_CONTAINER, "gross_kg": TARE_KG}
DEMANDED: dict[Reason, tuple[Callable[[], PassageDecided], Outcome]] = {
    Reason.CARD_BLOCKED: (
        lambda: decided(a_full_declaration(), changed_pack(blocked_cards=(CARD.lower(),))),
        Outcome.INSPECT,
    ),
    Reason.CARD_EXPIRED: (
        lambda: decided(
            a_full_declaration(),
            evidence=with_card(IC_REG_DATETIME="2020-01-31 08:00:00", IC_PER_DAY_DUE="30"),
        ),
        Outcome.HOLD,
    ),
    Reason.CARD_PLATE_DIFFERS: (
        lambda: decided(a_full_declaration(), evidence=with_card(IC_VE_NAME="粤B99999")),
        Outcome.HOLD,
    ),
    Reason.CARD_INCOMPLETE: (
        lambda: decided(a_full_declaration(), changed_pack(card_demands=("IC_VE_NAME",))),
        Outcome.HOLD,
    ),
    Reason.PLATE_BLOCKED: (
        lambda: decided(a_full_declaration(), changed_pack(blocked_plates=(PLATE,))),
        Outcome.INSPECT,
    ),
    Reason.DECLARATION_INCOMPLETE: (
        lambda: decided(a_full_declaration(cargo=""), changed_pack(demands=("cargo",), weights=())),
        Outcome.HOLD,
    ),
    Reason.CREDIT_CLASS_UNKNOWN: (_paper(credit_class="AEO"), Outcome.HOLD),
    Reason.CREDIT_CLASS_MANUAL: (
        _paper(credit_class="failed", drawn=Draw(period="2026-09", inspect_permille=999,
                                                 review_permille=0)),
        Outcome.HOLD,
    ),
    Reason.AGENT_BLOCKED: (
        lambda: decided(a_full_declaration(agent="A"), changed_pack(blocked_agents=("A",))),
        Outcome.HOLD,
    ),
    Reason.AGENT_UNAUTHORIZED: (
        lambda: decided(
            a_full_declaration(agent="A"), changed_pack(mandates=(Mandate(agent="B"),))
        ),
        Outcome.HOLD,
    ),
    Reason.WRONG_DIRECTION: (_paper(direction=Direction.IN), Outcome.REFUSE),
    Reason.WRONG_LANE: (
        lambda: decided(a_full_declaration(), _lane(is_priority=True)),
        Outcome.REFUSE,
    ),
    Reason.OUTSIDE_HOURS: (
        lambda: decided(
            a_full_declaration(), _lane(hours=(OpenHours(from_min=360, until_min=1080),))
        ),
        Outcome.REFUSE,
    ),
    Reason.APPOINTMENT_MISSING: (
        lambda: decided(a_full_declaration(), _lane(appointments="always")),
        Outcome.REFUSE,
    ),
    Reason.APPOINTMENT_EARLY: (
        _paper(appointment=Appointment(from_ms=NOW_MS + 60_001, until_ms=NOW_MS + HOUR_MS)),
        Outcome.REFUSE,
    ),
    Reason.APPOINTMENT_MISSED: (
        _paper(appointment=Appointment(from_ms=NOW_MS - HOUR_MS, until_ms=NOW_MS - 60_001)),
        Outcome.HOLD,
    ),
    Reason.CONDITION_MISSING: (_items(licence=""), Outcome.HOLD),
    Reason.CONDITION_NOT_MET: (_items(tax="due"), Outcome.HOLD),
    Reason.CONDITION_FAILED: (_items(tax="evaded"), Outcome.REFUSE),
    Reason.CONDITION_STALE: (
        _paper(
            items=(
                DocumentItem(code="tax", state="none"),
                DocumentItem(code="licence", state="none", checked_at_ms=NOW_MS - HOUR_MS - 1),
            )
        ),
        Outcome.HOLD,
    ),
    Reason.FEE_UNPAID: (_paper(fee_paid=None), Outcome.HOLD),
    Reason.ACCOUNT_UNKNOWN: (_paper(accounts=(an_account(balance=None),)), Outcome.HOLD),
    Reason.ACCOUNT_EXHAUSTED: (_paper(accounts=(an_account(quantity=101),)), Outcome.HOLD),
    Reason.ACCOUNT_CLOSED: (_paper(accounts=(an_account(closes_ms=NOW_MS),)), Outcome.HOLD),
    Reason.ACCOUNT_OFFLINE: (
        lambda: decided(
            a_full_declaration(accounts=(an_account(quantity=51),)),
            evidence=with_manifest_of(60_001),
        ),
        Outcome.HOLD,
    ),
    Reason.CONTAINER_INVALID: (_paper(containers=("CSQU3054384",)), Outcome.HOLD),
    Reason.SEAL_MISSING: (_paper(transit=a_transit(seal_no="")), Outcome.HOLD),
    Reason.SEAL_UNVERIFIED: (_paper(transit=a_transit(seal_checked_at_ms=None)), Outcome.HOLD),
    Reason.TRANSIT_EARLY: (_paper(transit=a_transit(from_ms=NOW_MS + 1)), Outcome.HOLD),
    Reason.TRANSIT_LATE: (_paper(transit=a_transit(until_ms=NOW_MS - 1)), Outcome.INSPECT),
    Reason.TARE_MISSING: (_paper(kind=Kind.EMPTY, tare_kg=None), Outcome.HOLD),
    Reason.NOT_EMPTY: (_paper(**_EMPTY), Outcome.INSPECT),
    Reason.AGENCY_PENDING: (_quarantine(AgencyState.PENDING, NOW_MS), Outcome.HOLD),
    Reason.AGENCY_STALE: (_quarantine(AgencyState.AGREED, NOW_MS - HOUR_MS - 1), Outcome.HOLD),
    Reason.RISK_HIGH: (_paper(risk=Risk.HIGH), Outcome.INSPECT),
    Reason.RISK_REVIEW: (
        _paper(risk=Risk.UNKNOWN, drawn=Draw(period="2026-09", inspect_permille=500,
                                             review_permille=299)),
        Outcome.HOLD,
    ),
    Reason.DRAWN_FOR_INSPECTION: (
        _paper(drawn=Draw(period="2026-09", inspect_permille=19, review_permille=500)),
        Outcome.INSPECT,
    ),
    Reason.CLAIMED_ELSEWHERE: (
        lambda: decided(
            a_full_declaration(), evidence=with_claim(ClaimState.HELD, "lane2-b7-000011")
        ),
        Outcome.HOLD,
    ),
    Reason.OFFLINE_AUTHORITY_OVER: (
        lambda: decided(
            a_full_declaration(credit_class="general"), evidence=with_manifest_of(HOUR_MS + 1)
        ),
        Outcome.HOLD,
    ),
    Reason.POLICY_NOT_IN_FORCE: (
        lambda: decided(a_full_declaration(), changed_pack(effective_until_ms=NOW_MS)),
        Outcome.HOLD,
    ),
    Reason.CLOCK_DOUBTFUL: (
        lambda: decided(
            a_full_declaration(),
            evidence=replace(good_evidence(), faults=frozenset({FaultCode.CLOCK})),
        ),
        Outcome.HOLD,
    ),
    Reason.DRAW_UNAVAILABLE: (_paper(drawn=None), Outcome.HOLD),
    Reason.EXIT_PROOF_INCOMPLETE: (_paper(tax_refund=True), Outcome.HOLD),
    Reason.LANE_MANUAL: (
        lambda: decided(a_full_declaration(), _lane(is_manual=True)),
        Outcome.HOLD,
    ),
}  # fmt: skip
assert GROSS_KG != TARE_KG
