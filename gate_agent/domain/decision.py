"""The logic check: evidence and declarations in, a verdict with all its reasons out.

Every rule of every family (`rules/`) runs; every reason is kept; the strictest outcome wins.
Whatever is missing, stale, doubtful or faulty is a reason, and any reason at all keeps the boom
down: a verdict is Release only when the list of reasons is empty (invariant I4). Order and sources
of the rules: docs/explanation/decision.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import AccountKind, Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import OUTCOME_OF, Reason, outcome_of
from gate_agent.domain.rules.accounts import account_reasons
from gate_agent.domain.rules.agencies import agency_reasons
from gate_agent.domain.rules.agents import agent_reasons
from gate_agent.domain.rules.authority import authority_reasons, manifest_reasons
from gate_agent.domain.rules.capture import capture_reasons
from gate_agent.domain.rules.card import card_plate_reasons, card_reasons
from gate_agent.domain.rules.claims import claim_reasons
from gate_agent.domain.rules.crowd import crowd_reasons
from gate_agent.domain.rules.documents import documents_reasons
from gate_agent.domain.rules.doubles import double_reasons, tare_reasons
from gate_agent.domain.rules.hours import hours_reasons
from gate_agent.domain.rules.identity import identify
from gate_agent.domain.rules.lane import lane_reasons
from gate_agent.domain.rules.paper import credit_reasons, lane_fit_reasons, paper_reasons
from gate_agent.domain.rules.risk import risk_reasons
from gate_agent.domain.rules.transit import transit_reasons
from gate_agent.domain.rules.weight import weight_reasons
from gate_agent.domain.vocabulary import Outcome

__all__ = ["OUTCOME_OF", "Obligation", "Reason", "Verdict", "decide"]

HOUR_MS = 3_600_000

_OF_THE_LANE: tuple[Callable[[Evidence, PolicyPack, int], Iterator[Reason]], ...] = (
    lane_reasons,
    capture_reasons,
    card_reasons,
    manifest_reasons,
)
_OF_THE_DECLARATION: tuple[
    Callable[[Evidence, Declaration, PolicyPack, int], Iterator[Reason]], ...
] = (
    card_plate_reasons,
    paper_reasons,
    claim_reasons,
    double_reasons,
    tare_reasons,
    credit_reasons,
    agent_reasons,
    authority_reasons,
    lane_fit_reasons,
    hours_reasons,
    documents_reasons,
    account_reasons,
    transit_reasons,
    agency_reasons,
    risk_reasons,
    weight_reasons,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """What remains to be done after a release, and by when (UTC epoch milliseconds)."""

    code: str  # documents, transit_closing, list_declaration
    due_ms: int | None
    to: str = ""  # the office or the account it is owed to


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the lane decided. `reasons` is empty for Release and only for Release.

    `declaration` is the one the vehicle was matched with; None when there is none, or several.
    `place` is where it is inspected, "" unless the outcome is Inspect; `notify` is the coordinator
    who is told of an exception of this company.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    declaration: Declaration | None = None
    place: str = ""
    notify: str = ""
    obligations: tuple[Obligation, ...] = ()


def decide(
    evidence: Evidence, declarations: Sequence[Declaration], pack: PolicyPack, wall_ms: int
) -> Verdict:
    """Apply every rule to one vehicle.

    `declarations` are all that name the plate or the card of the evidence, used ones included.
    Their order does not matter. `wall_ms` is the UTC epoch time of the verdict.
    """
    declarations = sorted(declarations, key=lambda each: (each.declaration_id, repr(each)))
    reasons = [each for rule in _OF_THE_LANE for each in rule(evidence, pack, wall_ms)]
    declaration, identity_reasons = identify(evidence, declarations, pack, wall_ms)
    reasons += identity_reasons
    reasons += crowd_reasons(declarations, wall_ms)
    if declaration is not None:
        for rule in _OF_THE_DECLARATION:
            reasons += rule(evidence, declaration, pack, wall_ms)
    ordered = tuple(dict.fromkeys(reasons))
    outcome = outcome_of(ordered)
    known = pack.credit_class(declaration.credit_class) if declaration else None
    return Verdict(
        outcome=outcome,
        reasons=ordered,
        declaration=declaration,
        place=_place(ordered, declaration, pack) if outcome is Outcome.INSPECT else "",
        notify=known.coordinator if known and ordered else "",
        obligations=tuple(_obligations(declaration, pack, wall_ms)) if declaration else (),
    )


def _place(reasons: tuple[Reason, ...], declaration: Declaration | None, pack: PolicyPack) -> str:
    """Where to: the authority's own place first, then that of high risk, then the port's."""
    held_by = declaration.held_by if declaration else ()
    places = [rule.place for rule in pack.agencies if rule.agency in held_by]
    if Reason.RISK_HIGH in reasons:
        places.append(pack.risk.high_place)
    return next((place for place in places if place), pack.inspection_place)


def _obligations(declaration: Declaration, pack: PolicyPack, wall_ms: int) -> Iterator[Obligation]:
    known = pack.credit_class(declaration.credit_class)
    if known is not None and known.documents_due_h is not None:
        yield Obligation(code="documents", due_ms=wall_ms + known.documents_due_h * HOUR_MS)
    if declaration.transit is not None:
        transit = declaration.transit
        yield Obligation(code="transit_closing", due_ms=transit.until_ms, to=transit.destination)
    for account in declaration.accounts:
        if account.kind is AccountKind.LIST:
            yield Obligation(
                code="list_declaration", due_ms=account.closes_ms, to=account.account_id
            )
