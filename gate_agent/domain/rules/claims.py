"""A declaration is used up once, by one passage, in one lane of the port."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import ClaimState, Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason


def claim_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """What the hub said of the claim. Where it said nothing the lane is alone.

    A class that may do nothing alone needs the claim; how long the others may go without the hub
    is in `authority.py`.
    """
    claim = evidence.claim
    state = ClaimState.UNANSWERED
    if claim is not None and claim.declaration_id == declaration.declaration_id:
        state = claim.state
    if state is ClaimState.USED:
        yield Reason.DECLARATION_USED
    elif state is ClaimState.HELD:
        yield Reason.CLAIMED_ELSEWHERE
    elif state is not ClaimState.GRANTED:
        known = pack.credit_class(declaration.credit_class)
        if known is not None and known.offline_authority_ms == 0:
            yield Reason.OFFLINE_AUTHORITY_OVER
