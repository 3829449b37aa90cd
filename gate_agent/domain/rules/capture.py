"""What the lane sensed: complete, of this passage, fresh, good enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate_agent.domain.evidence import CardEvidence, Evidence, PlateEvidence, WeightEvidence
from gate_agent.domain.identity import is_doubtful, plate_in_question
from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason

STAMP_RACE_MS = 500
"""Facts are stamped by several threads and queued a moment later, so a fact that was handled before
the question was answered may carry a slightly later stamp. More than this is a broken clock."""


def capture_reasons(evidence: Evidence, pack: PolicyPack, _wall_ms: int) -> Iterator[Reason]:
    """Plate, card and weight, each missing, doubtful or stale; a blocked plate or card."""
    limits = pack.limits
    if evidence.plate is None:
        yield Reason.PLATE_MISSING
    elif is_doubtful(evidence.plate, pack):
        yield Reason.PLATE_DOUBTFUL
    if evidence.card is None:
        yield Reason.CARD_MISSING
    if not evidence.scale_zeroed:
        yield Reason.SCALE_NOT_ZERO
    if evidence.weight is None:
        yield Reason.WEIGHT_MISSING
    for observed, max_age_ms, stale in (
        (evidence.plate, limits.plate_max_age_ms, Reason.PLATE_STALE),
        (evidence.card, limits.card_max_age_ms, Reason.CARD_STALE),
        (evidence.weight, limits.weight_max_age_ms, Reason.WEIGHT_STALE),
    ):
        if observed is not None and not _is_fresh(observed, max_age_ms):
            yield stale
    yield from _blocked(evidence, pack)


def _is_fresh(piece: PlateEvidence | CardEvidence | WeightEvidence, max_age_ms: int) -> bool:
    """Observed during this passage, not in the future, and not too long ago (I3)."""
    return piece.since_arrival_ms >= 0 and -STAMP_RACE_MS <= piece.age_ms <= max_age_ms


def _blocked(evidence: Evidence, pack: PolicyPack) -> Iterator[Reason]:
    """Cards and plates that were lost, stolen or forbidden, whatever a declaration says."""
    if evidence.card and pack.blocked_cards:
        uid = normalize_card(evidence.card.uid)
        if any(normalize_card(blocked) == uid for blocked in pack.blocked_cards):
            yield Reason.CARD_BLOCKED
    if evidence.plate and pack.blocked_plates:
        named = plate_in_question(evidence.plate, pack)
        if is_blocked((evidence.plate.text, named), pack):
            yield Reason.PLATE_BLOCKED


def is_blocked(plates: Iterable[str], pack: PolicyPack) -> bool:
    """Whether one of these plates was lost, stolen or forbidden."""
    texts = {normalize_plate(each) for each in plates}
    return any(normalize_plate(blocked) in texts for blocked in pack.blocked_plates)
