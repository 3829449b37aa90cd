"""The weight against what was declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.policy_pack import PolicyPack, WeightRule
from gate_agent.domain.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a weight may be from the expected one, and from where on it is far off; in kg."""

    expected_kg: int
    tolerance_kg: int
    far_kg: int


def weight_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """The whole interval in which the weight must lie has to be within the tolerance."""
    if declaration.kind in (Kind.EMPTY, Kind.EMPTY_CONTAINER) and declaration.tare_kg is None:
        yield Reason.TARE_MISSING
        return
    weight = evidence.weight
    if weight is None:
        return
    low_kg, high_kg = weight.low_kg, weight.high_kg
    allowed = tolerance_of(declaration, pack)
    nearest_kg = max(low_kg - allowed.expected_kg, allowed.expected_kg - high_kg, 0)
    farthest_kg = max(high_kg - allowed.expected_kg, allowed.expected_kg - low_kg)
    if farthest_kg <= allowed.tolerance_kg:
        return
    if declaration.kind in (Kind.EMPTY, Kind.EMPTY_CONTAINER) and (
        high_kg - allowed.expected_kg > allowed.tolerance_kg
    ):
        yield Reason.NOT_EMPTY
    elif nearest_kg > allowed.far_kg:
        yield Reason.WEIGHT_FAR_OFF
    else:
        yield Reason.WEIGHT_DIFFERS


def tolerance_of(declaration: Declaration, pack: PolicyPack) -> Tolerance:
    """What this vehicle may weigh.

    |weighed - expected| <= max(tolerance_kg, expected * tolerance_permille / 1000), rounded down.
    An empty one is expected to weigh its tare. The first weight rule that fits counts; without
    one the class's own tolerance, without that the general one. A rule that would fit if the
    declaration said more counts too: the narrowest holds.
    """
    is_empty = declaration.kind in (Kind.EMPTY, Kind.EMPTY_CONTAINER)
    expected_kg = declaration.gross_kg
    if is_empty and declaration.tare_kg is not None:
        expected_kg = declaration.tare_kg
    allowed = [
        (max(rule.tolerance_kg, expected_kg * rule.tolerance_permille // 1000), rule.inspect_factor)
        for rule in _rules(declaration, pack)
    ]
    tolerance_kg, factor = min(allowed)
    return Tolerance(
        expected_kg=expected_kg, tolerance_kg=tolerance_kg, far_kg=tolerance_kg * factor
    )


def _rules(declaration: Declaration, pack: PolicyPack) -> Iterator[WeightRule]:
    for rule in pack.weights:
        pairs = (
            (rule.kinds, declaration.kind),
            (rule.cargos, declaration.cargo),
            (rule.classes, declaration.credit_class),
        )
        if all(not only or not said or said in only for only, said in pairs):
            yield rule
            if all(not only or said for only, said in pairs):
                return
    known = pack.credit_class(declaration.credit_class)
    limits = pack.limits
    fixed_kg = None if known is None else known.weight_tolerance_kg
    permille = None if known is None else known.weight_tolerance_permille
    yield WeightRule(
        tolerance_kg=limits.weight_tolerance_kg if fixed_kg is None else fixed_kg,
        tolerance_permille=limits.weight_tolerance_permille if permille is None else permille,
        inspect_factor=limits.weight_inspect_factor,
    )
