"""Why a vehicle is not released, and what each reason leads to. A closed set."""

from __future__ import annotations

from enum import StrEnum

from gate_agent.domain.vocabulary import Outcome


class ReasonKind(StrEnum):
    """Whom a reason concerns: the officer, or the technician."""

    BUSINESS = "business"  # about the vehicle and its papers
    TECHNICAL = "technical"  # about what the lane could not sense, know or do


class Reason(StrEnum):
    """Why a vehicle was not released. Each has its texts in both languages."""

    # business: about the vehicle and its papers
    NO_DECLARATION = "no_declaration"
    PLATE_CARD_MISMATCH = "plate_card_mismatch"
    SEVERAL_DECLARATIONS = "several_declarations"
    CARD_BLOCKED = "card_blocked"
    CARD_EXPIRED = "card_expired"  # by the date and the days that are written on it
    CARD_PLATE_DIFFERS = "card_plate_differs"  # it was written for another vehicle
    CARD_INCOMPLETE = "card_incomplete"  # the pack demands what is not written on it
    PLATE_BLOCKED = "plate_blocked"
    DECLARATION_USED = "declaration_used"
    CLAIMED_ELSEWHERE = "claimed_elsewhere"  # by a passage that has not ended
    DECLARATION_EXPIRED = "declaration_expired"
    DECLARATION_NOT_YET_VALID = "declaration_not_yet_valid"
    DECLARATION_INCOMPLETE = "declaration_incomplete"  # the pack demands what it does not say
    CREDIT_CLASS_UNKNOWN = "credit_class_unknown"
    CREDIT_CLASS_MANUAL = "credit_class_manual"  # of this class a person sees every vehicle
    AGENT_BLOCKED = "agent_blocked"
    AGENT_UNAUTHORIZED = "agent_unauthorized"  # no mandate for this company at this time
    WRONG_DIRECTION = "wrong_direction"
    WRONG_LANE = "wrong_lane"
    OUTSIDE_HOURS = "outside_hours"
    APPOINTMENT_MISSING = "appointment_missing"
    APPOINTMENT_EARLY = "appointment_early"
    APPOINTMENT_MISSED = "appointment_missed"
    DOCUMENTS_PENDING = "documents_pending"
    DOCUMENTS_REJECTED = "documents_rejected"
    CONDITION_MISSING = "condition_missing"  # nothing is known of a document that must be known
    CONDITION_NOT_MET = "condition_not_met"
    CONDITION_FAILED = "condition_failed"
    CONDITION_STALE = "condition_stale"
    FEE_UNPAID = "fee_unpaid"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_EXHAUSTED = "account_exhausted"
    ACCOUNT_CLOSED = "account_closed"
    CONTAINER_INVALID = "container_invalid"  # its check digit does not fit
    CONTAINER_DIFFERS = "container_differs"  # another number was read than is declared
    SEAL_MISSING = "seal_missing"
    SEAL_UNVERIFIED = "seal_unverified"
    TRANSIT_EARLY = "transit_early"
    TRANSIT_LATE = "transit_late"
    WEIGHT_DIFFERS = "weight_differs"
    WEIGHT_FAR_OFF = "weight_far_off"
    SEEN_ELSEWHERE = "seen_elsewhere"  # the same plate, where it cannot have come from
    TARE_UNLIKE = "tare_unlike"  # the same plate weighed otherwise when it was empty
    TARE_MISSING = "tare_missing"
    NOT_EMPTY = "not_empty"
    AGENCY_HOLD = "agency_hold"
    AGENCY_PENDING = "agency_pending"
    AGENCY_STALE = "agency_stale"
    RISK_HIGH = "risk_high"
    RISK_REVIEW = "risk_review"  # drawn out of those whose risk is unknown
    DRAWN_FOR_INSPECTION = "drawn_for_inspection"
    # technical: about what the lane could not sense, know or do
    PLATE_MISSING = "plate_missing"
    PLATE_DOUBTFUL = "plate_doubtful"
    PLATE_AMBIGUOUS = "plate_ambiguous"  # another declared plate fits the picture too
    IDENTITY_UNPROVEN = "identity_unproven"  # the pieces together are not enough
    PLATE_STALE = "plate_stale"
    CARD_MISSING = "card_missing"
    CARD_STALE = "card_stale"
    WEIGHT_MISSING = "weight_missing"
    WEIGHT_STALE = "weight_stale"
    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_STALE = "manifest_stale"
    OFFLINE_AUTHORITY_OVER = "offline_authority_over"  # too long alone for this credit class
    ACCOUNT_OFFLINE = "account_offline"  # more than a lane that is alone may draw
    POLICY_NOT_IN_FORCE = "policy_not_in_force"
    CLOCK_DOUBTFUL = "clock_doubtful"  # the lane's clock and the hub's differ
    DRAW_UNAVAILABLE = "draw_unavailable"
    EXIT_PROOF_INCOMPLETE = "exit_proof_incomplete"
    SCALE_NOT_ZERO = "scale_not_zero"
    BARRIER_NOT_CLOSED = "barrier_not_closed"
    EQUIPMENT_FAULT = "equipment_fault"
    NOT_ALONE = "not_alone"
    UNEXPECTED_VEHICLE = "unexpected_vehicle"
    INTERRUPTED = "interrupted"
    LANE_ATTENDED = "lane_attended"
    LANE_MANUAL = "lane_manual"
    LANE_EMERGENCY = "lane_emergency"
    LANE_CLOSED = "lane_closed"
    LANE_EVACUATED = "lane_evacuated"  # nobody is released in an evacuation: everybody drives out
    LEFT_UNDECIDED = "left_undecided"  # drove away before there was anything to decide
    RELEASE_FAILED = "release_failed"  # the raise command did not reach the barrier

    @property
    def kind(self) -> ReasonKind:
        """Business or technical."""
        return ReasonKind.TECHNICAL if self in _TECHNICAL else ReasonKind.BUSINESS


_ALL = tuple(Reason)
_TECHNICAL = frozenset(_ALL[_ALL.index(Reason.PLATE_MISSING) :])

OUTCOME_OF: dict[Reason, Outcome] = dict.fromkeys(Reason, Outcome.HOLD) | {
    Reason.NO_DECLARATION: Outcome.REFUSE,
    Reason.DECLARATION_USED: Outcome.REFUSE,
    Reason.DECLARATION_EXPIRED: Outcome.REFUSE,
    Reason.WRONG_DIRECTION: Outcome.REFUSE,
    Reason.WRONG_LANE: Outcome.REFUSE,
    Reason.OUTSIDE_HOURS: Outcome.REFUSE,
    Reason.APPOINTMENT_MISSING: Outcome.REFUSE,
    Reason.APPOINTMENT_EARLY: Outcome.REFUSE,
    Reason.DOCUMENTS_REJECTED: Outcome.REFUSE,
    Reason.CONDITION_FAILED: Outcome.REFUSE,
    Reason.LANE_CLOSED: Outcome.REFUSE,
    Reason.CARD_BLOCKED: Outcome.INSPECT,
    Reason.PLATE_BLOCKED: Outcome.INSPECT,
    Reason.TRANSIT_LATE: Outcome.INSPECT,
    Reason.WEIGHT_FAR_OFF: Outcome.INSPECT,
    Reason.NOT_EMPTY: Outcome.INSPECT,
    Reason.AGENCY_HOLD: Outcome.INSPECT,
    Reason.RISK_HIGH: Outcome.INSPECT,
    Reason.DRAWN_FOR_INSPECTION: Outcome.INSPECT,
}

DOUBTS_IDENTITY = frozenset(
    {
        Reason.PLATE_MISSING,
        Reason.PLATE_DOUBTFUL,
        Reason.PLATE_AMBIGUOUS,
        Reason.IDENTITY_UNPROVEN,
        Reason.PLATE_STALE,
        Reason.CARD_MISSING,
        Reason.CARD_STALE,
        Reason.MANIFEST_MISSING,
        Reason.MANIFEST_STALE,
        Reason.POLICY_NOT_IN_FORCE,
        Reason.CLOCK_DOUBTFUL,
        Reason.INTERRUPTED,
        Reason.LANE_EVACUATED,
    }
)
"""With one of these nobody is turned back: a person decides."""


def outcome_of(reasons: tuple[Reason, ...]) -> Outcome:
    """Refuse turns a driver away for good reason only: a doubt about who it is goes to a person."""
    if not reasons:
        return Outcome.RELEASE
    outcomes = {OUTCOME_OF[reason] for reason in reasons}
    if Outcome.INSPECT in outcomes:
        return Outcome.INSPECT
    if Outcome.REFUSE in outcomes and not DOUBTS_IDENTITY.intersection(reasons):
        return Outcome.REFUSE
    return Outcome.HOLD
