"""Who declared, and for whom: an agent acts within a mandate that the pack knows."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason


def agent_reasons(
    _evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """A declaration that names no agent was made by its company itself."""
    agent = declaration.agent
    if not agent:
        return
    if agent in pack.blocked_agents:
        yield Reason.AGENT_BLOCKED
    elif pack.mandates and not may_act(pack, agent, declaration.company, wall_ms, wall_ms):
        yield Reason.AGENT_UNAUTHORIZED


def may_act(pack: PolicyPack, agent: str, company: str, from_ms: int, until_ms: int) -> bool:
    """Whether a mandate covers a moment of this time; a mandate that names nobody is for all."""
    return any(
        each.agent == agent
        and (not each.companies or company in each.companies)
        and each.from_ms <= until_ms
        and from_ms < each.until_ms
        for each in pack.mandates
    )
