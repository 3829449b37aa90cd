"""A passage that was judged, or not yet, and is a person's after all."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.decision import Reason, Verdict
from gate_agent.domain.vocabulary import Outcome


def handed_over(known: Verdict | None, reason: Reason) -> Verdict:
    """The verdict that adds `reason` to what was `known`: never a release, never less strict."""
    inspect = known is not None and known.outcome is Outcome.INSPECT
    if known is None:
        return Verdict(outcome=Outcome.HOLD, reasons=(reason,))
    return replace(
        known,
        outcome=Outcome.INSPECT if inspect else Outcome.HOLD,
        reasons=tuple(dict.fromkeys([*known.reasons, reason])),
    )
