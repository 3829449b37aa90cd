"""Risk, and the draws that nobody can steer."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration, Draw, Risk
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason


def risk_reasons(
    _evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """High risk is inspected; of unknown risk a share is a person's; of a class a share is drawn.

    Risk that nobody has looked at is unknown. Where a share is not zero the number drawn decides;
    without one nobody is released.
    """
    if declaration.risk is Risk.HIGH:
        yield Reason.RISK_HIGH
    known = pack.credit_class(declaration.credit_class)
    is_known = declaration.risk in (Risk.LOW, Risk.HIGH)
    review = 0 if is_known else pack.risk.unknown_review_permille
    inspect = known.inspect_permille if known else 0
    drawn = _draw_now(declaration, pack, wall_ms)
    for share, number, reason in (
        (review, drawn.review_permille if drawn else None, Reason.RISK_REVIEW),
        (inspect, drawn.inspect_permille if drawn else None, Reason.DRAWN_FOR_INSPECTION),
    ):
        if share and number is None:
            yield Reason.DRAW_UNAVAILABLE
        elif number is not None and number < share:
            yield reason


def _draw_now(declaration: Declaration, pack: PolicyPack, wall_ms: int) -> Draw | None:
    """The draw, if it was made with the secret that the pack has committed to for this moment."""
    period, drawn = pack.draw_period(wall_ms), declaration.drawn
    if period is None or drawn is None or drawn.period != period.period:
        return None
    return drawn
