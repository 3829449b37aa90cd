"""What is known of the papers: released beforehand, each condition met, each answer fresh."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration, DocumentItem, Documents
from gate_agent.domain.policy_pack import DocumentCondition, PolicyPack
from gate_agent.domain.reasons import Reason


def documents_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """The documents as a whole, then every condition that concerns this vehicle, and the fee."""
    if declaration.documents is Documents.PENDING:
        yield Reason.DOCUMENTS_PENDING
    if declaration.documents is Documents.REJECTED:
        yield Reason.DOCUMENTS_REJECTED
    for condition in pack.conditions:
        if _concerns(condition, declaration):
            yield from _check(condition, declaration.items, wall_ms)
    if pack.is_fee_required and declaration.fee_paid is not True:
        yield Reason.FEE_UNPAID
    if declaration.tax_refund and (evidence.plate is None or evidence.plate.picture_id is None):
        # The refund office pays on the proof of exit: without a picture there is none.
        yield Reason.EXIT_PROOF_INCOMPLETE


def _concerns(condition: DocumentCondition, declaration: Declaration) -> bool:
    """A vehicle of which kind, cargo or class is not declared is concerned by everything."""
    for only, said in (
        (condition.kinds, declaration.kind),
        (condition.cargos, declaration.cargo),
        (condition.classes, declaration.credit_class),
    ):
        if only and said and said not in only:
            return False
    return True


def _check(
    condition: DocumentCondition, items: tuple[DocumentItem, ...], wall_ms: int
) -> Iterator[Reason]:
    """Every item of the code counts: of two answers the worse one is believed."""
    found = [item for item in items if item.code == condition.code]
    if not found:
        yield Reason.CONDITION_MISSING
    for item in found:
        if item.state in condition.failed:
            yield Reason.CONDITION_FAILED
        elif item.state not in condition.accepted:
            yield Reason.CONDITION_NOT_MET
        elif not is_recent(item.checked_at_ms, condition.max_age_ms, wall_ms):
            yield Reason.CONDITION_STALE


def is_recent(at_ms: int | None, max_age_ms: int | None, wall_ms: int) -> bool:
    """Whether an answer given `at_ms` still counts; one from the future proves a wrong clock."""
    if max_age_ms is None:
        return True
    return at_ms is not None and 0 <= wall_ms - at_ms <= max_age_ms
