"""Lists, permits and books that several trips draw on: enough left, and the period open.

What is left on this lane is what the hub last told less what this lane took since. Several lanes
that are cut off know nothing of each other: without a fresh word of the hub a lane may take only
a share of the balance.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import AccountUse, Declaration
from gate_agent.domain.policy_pack import AccountRule, PolicyPack
from gate_agent.domain.reasons import Reason


def account_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """Each account that the declaration draws on."""
    age_ms = evidence.manifest.age_ms
    is_online = age_ms is not None and age_ms <= pack.accounts.online_age_ms
    for account in declaration.accounts:
        if account.closes_ms is not None and wall_ms >= account.closes_ms:
            yield Reason.ACCOUNT_CLOSED
        yield from _left(account, pack.accounts, is_online=is_online)


def _left(account: AccountUse, rule: AccountRule, *, is_online: bool) -> Iterator[Reason]:
    if account.balance is None:
        yield Reason.ACCOUNT_UNKNOWN
        return
    wanted = account.pending + account.quantity
    if wanted > account.balance:
        yield Reason.ACCOUNT_EXHAUSTED
    elif not is_online and wanted * 1000 > account.balance * rule.offline_share_permille:
        yield Reason.ACCOUNT_OFFLINE
