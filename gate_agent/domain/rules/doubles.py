"""One plate, two vehicles: seen where it cannot be, or weighing what it cannot weigh."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import ClaimEvidence, ClaimState, Evidence, KnownEmpty, Sighting
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.policy_pack import IdentityRule, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.vocabulary import DeclarationId

_ANSWERED = (ClaimState.GRANTED, ClaimState.HELD, ClaimState.USED)


def double_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """The same plate elsewhere, so lately that one vehicle cannot have come from there."""
    least_ms = pack.identity.min_travel_ms
    seen = sightings_of(evidence, declaration.declaration_id)
    if any(each.gap_ms is None or each.gap_ms < least_ms for each in seen):
        yield Reason.SEEN_ELSEWHERE


def tare_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """What this plate weighed empty before: an empty vehicle weighs it again, no other less."""
    rule, off_kg = pack.identity, off_tare_kg(evidence, declaration, pack.identity)
    if off_kg is not None and off_kg[0] > rule.empty_tolerance_kg:
        yield Reason.TARE_UNLIKE


def off_tare_kg(
    evidence: Evidence, declaration: Declaration, rule: IdentityRule
) -> tuple[int, int] | None:
    """How far the vehicle is, at least and at most, from what its plate weighed empty before.

    One that is not empty is only ever too light. None: not weighed, or not known well enough.
    """
    weight, known = evidence.weight, known_empty_of(evidence, declaration.declaration_id)
    if weight is None or known is None or known.times < rule.min_times_empty:
        return None
    light_kg = (known.kg - weight.high_kg, known.kg - weight.low_kg)
    if declaration.kind is not Kind.EMPTY:
        return light_kg
    heavy_kg = (weight.low_kg - known.kg, weight.high_kg - known.kg)
    return max(light_kg[0], heavy_kg[0]), max(light_kg[1], heavy_kg[1])


def sightings_of(evidence: Evidence, declared: DeclarationId) -> tuple[Sighting, ...]:
    """The hub's, who has all lanes, and this lane's own, of which it may not have heard yet."""
    claim = _answer(evidence, declared)
    return tuple(dict.fromkeys((*evidence.sightings, *(claim.sightings if claim else ()))))


def known_empty_of(evidence: Evidence, declared: DeclarationId) -> KnownEmpty | None:
    """What it weighs empty: of what the lane knows and what the hub knows, that of more trips."""
    claim = _answer(evidence, declared)
    known = [each for each in (evidence.known_empty, claim and claim.known_empty) if each]
    return max(known, key=lambda each: (each.times, each.kg), default=None)


def _answer(evidence: Evidence, declared: DeclarationId) -> ClaimEvidence | None:
    """What the hub said of this declaration; None: nothing, or of another one."""
    claim = evidence.claim
    if claim is None or claim.state not in _ANSWERED:
        return None
    return claim if claim.declaration_id == declared else None
