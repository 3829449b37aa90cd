"""One plate, two vehicles: seen where it cannot be, or weighing what it cannot weigh."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import ClaimState, Evidence, KnownEmpty, Sighting
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason

_ANSWERED = (ClaimState.GRANTED, ClaimState.HELD, ClaimState.USED)


def double_reasons(
    evidence: Evidence, _declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """The same plate elsewhere, so lately that one vehicle cannot have come from there."""
    least_ms = pack.identity.min_travel_ms
    if any(each.gap_ms is None or each.gap_ms < least_ms for each in sightings_of(evidence)):
        yield Reason.SEEN_ELSEWHERE


def tare_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """What this plate weighed empty before: an empty vehicle weighs it again, no other less."""
    weight, known, rule = evidence.weight, known_empty_of(evidence), pack.identity
    if weight is None or known is None or known.times < rule.min_times_empty:
        return
    off_kg = known.kg - weight.high_kg
    if declaration.kind is Kind.EMPTY:
        off_kg = max(off_kg, weight.low_kg - known.kg)
    if off_kg > rule.empty_tolerance_kg:
        yield Reason.TARE_UNLIKE


def sightings_of(evidence: Evidence) -> tuple[Sighting, ...]:
    """The hub's, who has all lanes; where it has not answered, this lane's own."""
    claim = evidence.claim
    return claim.sightings if claim and claim.state in _ANSWERED else evidence.sightings


def known_empty_of(evidence: Evidence) -> KnownEmpty | None:
    """The same of what it weighs empty."""
    claim = evidence.claim
    return claim.known_empty if claim and claim.state in _ANSWERED else evidence.known_empty
