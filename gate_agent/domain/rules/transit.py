"""A journey under seal from one office to another, within its time."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.documents import is_recent


def transit_reasons(
    _evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """The seal is named and was checked; the vehicle is neither early nor overdue."""
    transit, rule = declaration.transit, pack.transit
    if transit is None:
        return
    if not transit.seal_no:
        if rule.is_seal_required:
            yield Reason.SEAL_MISSING
    elif not is_recent(transit.seal_checked_at_ms, rule.seal_max_age_ms, wall_ms):
        yield Reason.SEAL_UNVERIFIED
    if wall_ms < transit.from_ms - rule.early_grace_ms:
        yield Reason.TRANSIT_EARLY
    if wall_ms > transit.until_ms + rule.late_grace_ms:
        yield Reason.TRANSIT_LATE
