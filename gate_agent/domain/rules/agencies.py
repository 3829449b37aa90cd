"""Several authorities, one physical release: after all of them have agreed, and none holds."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import AgencyAnswer, AgencyState, Declaration
from gate_agent.domain.policy_pack import AgencyRule, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.documents import is_recent


def agency_reasons(
    _evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """Any hold, of whomever; then the agreement of each authority that the pack names.

    Of two answers of one authority the worse one is believed.
    """
    if declaration.held_by:
        yield Reason.AGENCY_HOLD
    for rule in pack.agencies:
        answers = [each for each in declaration.agencies if each.agency == rule.agency]
        agreed = [each for each in answers if _agrees(each, rule)]
        if not agreed or any(each.state is AgencyState.PENDING for each in answers):
            yield Reason.AGENCY_PENDING
        elif not all(is_recent(each.at_ms, rule.max_age_ms, wall_ms) for each in agreed):
            yield Reason.AGENCY_STALE


def _agrees(answer: AgencyAnswer, rule: AgencyRule) -> bool:
    """Its own agreement, or the finding of another that it recognizes."""
    return answer.state is AgencyState.AGREED and (
        not answer.source or answer.source in rule.accepts_from
    )
