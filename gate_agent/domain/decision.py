"""The logic check: evidence and declarations in, a verdict with all its reasons out.

Every check runs; every reason is kept; the strictest outcome wins. Whatever is missing, stale,
doubtful or faulty is a reason, and any reason at all keeps the boom down: a verdict is Release
only when the list of reasons is empty (invariant I4). Order and sources of the rules:
docs/explanation/decision.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gate_agent.domain.evidence import CardEvidence, Evidence, PlateEvidence, WeightEvidence
from gate_agent.domain.faults import prevents_release
from gate_agent.domain.manifest import Declaration, Documents
from gate_agent.domain.matching import declared_with_card, declared_with_plate
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import Barrier, Mode, Outcome


class Reason(StrEnum):
    """Why a vehicle was not released. A closed set; each has its text in both languages."""

    # business: about the vehicle and its papers
    NO_DECLARATION = "no_declaration"
    PLATE_CARD_MISMATCH = "plate_card_mismatch"
    SEVERAL_DECLARATIONS = "several_declarations"
    DECLARATION_USED = "declaration_used"
    DECLARATION_EXPIRED = "declaration_expired"
    DECLARATION_NOT_YET_VALID = "declaration_not_yet_valid"
    DOCUMENTS_PENDING = "documents_pending"
    DOCUMENTS_REJECTED = "documents_rejected"
    WEIGHT_DIFFERS = "weight_differs"
    WEIGHT_FAR_OFF = "weight_far_off"
    AGENCY_HOLD = "agency_hold"
    # technical: about what the lane could not sense or do
    PLATE_MISSING = "plate_missing"
    PLATE_DOUBTFUL = "plate_doubtful"
    PLATE_STALE = "plate_stale"
    CARD_MISSING = "card_missing"
    CARD_STALE = "card_stale"
    WEIGHT_MISSING = "weight_missing"
    WEIGHT_STALE = "weight_stale"
    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_STALE = "manifest_stale"
    SCALE_NOT_ZERO = "scale_not_zero"
    BARRIER_NOT_CLOSED = "barrier_not_closed"
    EQUIPMENT_FAULT = "equipment_fault"
    NOT_ALONE = "not_alone"
    UNEXPECTED_VEHICLE = "unexpected_vehicle"
    INTERRUPTED = "interrupted"
    LANE_ATTENDED = "lane_attended"
    LANE_CLOSED = "lane_closed"
    LEFT_UNDECIDED = "left_undecided"  # drove away before there was anything to decide
    RELEASE_FAILED = "release_failed"  # the raise command did not reach the barrier


OUTCOME_OF: dict[Reason, Outcome] = dict.fromkeys(Reason, Outcome.HOLD) | {
    Reason.NO_DECLARATION: Outcome.REFUSE,
    Reason.DECLARATION_USED: Outcome.REFUSE,
    Reason.DECLARATION_EXPIRED: Outcome.REFUSE,
    Reason.DOCUMENTS_REJECTED: Outcome.REFUSE,
    Reason.LANE_CLOSED: Outcome.REFUSE,
    Reason.WEIGHT_FAR_OFF: Outcome.INSPECT,
    Reason.AGENCY_HOLD: Outcome.INSPECT,
}

_DOUBTS_IDENTITY = frozenset(
    {
        Reason.PLATE_MISSING,
        Reason.PLATE_DOUBTFUL,
        Reason.PLATE_STALE,
        Reason.CARD_MISSING,
        Reason.CARD_STALE,
        Reason.MANIFEST_MISSING,
        Reason.MANIFEST_STALE,
        Reason.INTERRUPTED,
    }
)


STAMP_RACE_MS = 500
"""Facts are stamped by several threads and queued a moment later, so a fact that was handled before
the question was answered may carry a slightly later stamp. More than this is a broken clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the lane decided. `reasons` is empty for Release and only for Release.

    `declaration` is the one the vehicle was matched with; None when there is none, or several.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    declaration: Declaration | None = None


def decide(
    evidence: Evidence, declarations: Sequence[Declaration], policy: ReleasePolicy, wall_ms: int
) -> Verdict:
    """Apply every rule to one vehicle.

    `declarations` are all that name the plate or the card of the evidence, used ones included.
    Their order does not matter. `wall_ms` is the UTC epoch time of the verdict.
    """
    declarations = sorted(declarations, key=lambda each: (each.declaration_id, repr(each)))
    reasons = [
        *_lane_reasons(evidence),
        *_capture_reasons(evidence, policy),
        *_manifest_reasons(evidence, policy),
    ]
    declaration, identity_reasons = _identify(evidence, declarations, policy, wall_ms)
    reasons += identity_reasons
    if declaration is not None:
        reasons += _declaration_reasons(declaration, evidence, policy, wall_ms)
    ordered = tuple(dict.fromkeys(reasons))
    return Verdict(outcome=_outcome(ordered), reasons=ordered, declaration=declaration)


def _outcome(reasons: tuple[Reason, ...]) -> Outcome:
    """Refuse turns a driver away for good reason only: a doubt about who it is goes to a person."""
    if not reasons:
        return Outcome.RELEASE
    outcomes = {OUTCOME_OF[reason] for reason in reasons}
    if Outcome.INSPECT in outcomes:
        return Outcome.INSPECT
    if Outcome.REFUSE in outcomes and not _DOUBTS_IDENTITY.intersection(reasons):
        return Outcome.REFUSE
    return Outcome.HOLD


def _lane_reasons(evidence: Evidence) -> Iterator[Reason]:
    if evidence.mode is Mode.CLOSED:
        yield Reason.LANE_CLOSED
    if evidence.mode is Mode.ATTENDED:
        yield Reason.LANE_ATTENDED
    if evidence.interrupted:
        yield Reason.INTERRUPTED
    if evidence.unexpected:
        yield Reason.UNEXPECTED_VEHICLE
    if not evidence.alone:
        yield Reason.NOT_ALONE
    if any(prevents_release(fault) for fault in evidence.faults):
        yield Reason.EQUIPMENT_FAULT
    if evidence.barrier is not Barrier.CLOSED:
        yield Reason.BARRIER_NOT_CLOSED


def _capture_reasons(evidence: Evidence, policy: ReleasePolicy) -> Iterator[Reason]:
    if evidence.plate is None:
        yield Reason.PLATE_MISSING
    elif is_doubtful(evidence.plate, policy):
        yield Reason.PLATE_DOUBTFUL
    if evidence.card is None:
        yield Reason.CARD_MISSING
    if not evidence.scale_zeroed:
        yield Reason.SCALE_NOT_ZERO
    if evidence.weight is None:
        yield Reason.WEIGHT_MISSING
    for observed, max_age_s, stale in (
        (evidence.plate, policy.plate_max_age_s, Reason.PLATE_STALE),
        (evidence.card, policy.card_max_age_s, Reason.CARD_STALE),
        (evidence.weight, policy.weight_max_age_s, Reason.WEIGHT_STALE),
    ):
        if observed is not None and not _is_fresh(observed, max_age_s):
            yield stale


def is_doubtful(plate: PlateEvidence, policy: ReleasePolicy) -> bool:
    """Whether a plate reading is too weak to release on."""
    return (
        plate.confidence_permille < policy.min_plate_confidence_permille
        or plate.frames_agreed < policy.min_plate_frames
    )


def _is_fresh(piece: PlateEvidence | CardEvidence | WeightEvidence, max_age_s: float) -> bool:
    """Observed during this passage, not in the future, and not too long ago (I3)."""
    return piece.since_arrival_ms >= 0 and -STAMP_RACE_MS <= piece.age_ms <= max_age_s * 1000


def _manifest_reasons(evidence: Evidence, policy: ReleasePolicy) -> Iterator[Reason]:
    manifest = evidence.manifest
    if manifest.version == 0:
        yield Reason.MANIFEST_MISSING
    elif (
        manifest.age_ms is None
        or not -STAMP_RACE_MS <= manifest.age_ms <= policy.manifest_max_age_s * 1000
    ):
        yield Reason.MANIFEST_STALE


def _identify(
    evidence: Evidence, declarations: Sequence[Declaration], policy: ReleasePolicy, wall_ms: int
) -> tuple[Declaration | None, list[Reason]]:
    """Find the declaration that plate and card name together.

    A hold on any paper that could be used now and names the plate or the card counts, so that a
    second, cleaner paper cannot hide it.
    """
    plate, card = evidence.plate, evidence.card
    by_plate = declared_with_plate(declarations, plate.text) if plate else []
    by_card = declared_with_card(declarations, card.uid) if card else []
    found, reasons = _match(evidence, by_plate, by_card, policy, wall_ms)
    if any(each.holds and _is_current(each, wall_ms) for each in (*by_plate, *by_card)):
        reasons.append(Reason.AGENCY_HOLD)
    return found, reasons


def _match(
    evidence: Evidence,
    by_plate: list[Declaration],
    by_card: list[Declaration],
    policy: ReleasePolicy,
    wall_ms: int,
) -> tuple[Declaration | None, list[Reason]]:
    plate, card = evidence.plate, evidence.card
    both = [declaration for declaration in by_plate if declaration in by_card]
    if both:
        return _choose(both, wall_ms)
    # With one half of the identity missing or doubtful the other half finds the paper, so that
    # the supervisor sees it; the missing half is a reason of its own and keeps the boom down.
    if by_plate and card is None:
        return _choose(by_plate, wall_ms)
    if by_card and (plate is None or is_doubtful(plate, policy)):
        return _choose(by_card, wall_ms)
    if by_plate or by_card:
        return None, [Reason.PLATE_CARD_MISMATCH]
    return None, [Reason.NO_DECLARATION]


def _choose(found: list[Declaration], wall_ms: int) -> tuple[Declaration | None, list[Reason]]:
    """One vehicle may have several trips declared: take the one that can be used now."""
    usable = [
        declaration
        for declaration in found
        if _is_current(declaration, wall_ms) and declaration.documents is not Documents.REJECTED
    ]
    if len(usable) == 1:
        return usable[0], []
    if not usable:
        return max(found, key=lambda declaration: declaration.valid_until_ms), []
    held = next((declaration for declaration in usable if declaration.holds), None)
    return held, [Reason.SEVERAL_DECLARATIONS]


def _is_current(declaration: Declaration, wall_ms: int) -> bool:
    """Whether a trip on this paper could be made now, whatever its documents say."""
    return (
        declaration.used_by is None
        and declaration.valid_from_ms <= wall_ms <= declaration.valid_until_ms
    )


def _declaration_reasons(
    declaration: Declaration, evidence: Evidence, policy: ReleasePolicy, wall_ms: int
) -> Iterator[Reason]:
    if declaration.used_by is not None and declaration.used_by != evidence.passage_id:
        yield Reason.DECLARATION_USED
    if wall_ms > declaration.valid_until_ms:
        yield Reason.DECLARATION_EXPIRED
    if wall_ms < declaration.valid_from_ms:
        yield Reason.DECLARATION_NOT_YET_VALID
    if declaration.documents is Documents.PENDING:
        yield Reason.DOCUMENTS_PENDING
    if declaration.documents is Documents.REJECTED:
        yield Reason.DOCUMENTS_REJECTED
    if declaration.holds:
        yield Reason.AGENCY_HOLD
    if evidence.weight is not None:
        yield from _weight_reasons(declaration.gross_kg, evidence.weight.gross_kg, policy)


def _weight_reasons(declared_kg: int, weighed_kg: int, policy: ReleasePolicy) -> Iterator[Reason]:
    difference_kg = abs(weighed_kg - declared_kg)
    tolerance_kg = policy.weight_tolerance(declared_kg)
    if difference_kg > tolerance_kg * policy.weight_inspect_factor:
        yield Reason.WEIGHT_FAR_OFF
    elif difference_kg > tolerance_kg:
        yield Reason.WEIGHT_DIFFERS
