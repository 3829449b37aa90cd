"""The declaration as a paper: used, in time, complete, of a known company, in the right lane."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.containers import is_container_number
from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.pieces import shows_another_container
from gate_agent.domain.policy_pack import LaneProfile, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.capture import is_blocked


def paper_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """Single use, validity, no blocked plate, and whether it says all that the pack demands.

    A vehicle with two plates is the same vehicle whichever of them is read.
    """
    if is_blocked((*declaration.plates, declaration.trailer_plate), pack):
        yield Reason.PLATE_BLOCKED
    if declaration.used_by is not None and declaration.used_by != evidence.passage_id:
        yield Reason.DECLARATION_USED
    if wall_ms > declaration.valid_until_ms:
        yield Reason.DECLARATION_EXPIRED
    if wall_ms < declaration.valid_from_ms:
        yield Reason.DECLARATION_NOT_YET_VALID
    if any(_is_unsaid(declaration, field) for field in pack.demands):
        yield Reason.DECLARATION_INCOMPLETE
    if not all(is_container_number(number) for number in declaration.containers):
        yield Reason.CONTAINER_INVALID
    if shows_another_container(evidence.containers, declaration):
        yield Reason.CONTAINER_DIFFERS


def _is_unsaid(declaration: Declaration, field: str) -> bool:
    """None, empty text or an empty list; 0 and False are answers."""
    value = getattr(declaration, field)
    return value is None or value in ("", ())


def credit_reasons(
    _evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """Of some classes a person sees everyone.

    A class that the pack does not know is no class, and to say none is no way around the draws
    of a bad one.
    """
    known = pack.credit_class(declaration.credit_class)
    if known is None:
        if pack.credit_tables:
            yield Reason.CREDIT_CLASS_UNKNOWN
    elif not known.automatic:
        yield Reason.CREDIT_CLASS_MANUAL


def lane_fit_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """What this lane is for: direction, kinds, classes, priority."""
    profile = pack.lane(evidence.lane_id)
    if profile is None:
        return
    if profile.direction is not None and declaration.direction != profile.direction:
        yield Reason.WRONG_DIRECTION
    if not _is_welcome(profile, declaration):
        yield Reason.WRONG_LANE


def _is_welcome(profile: LaneProfile, declaration: Declaration) -> bool:
    if profile.kinds and declaration.kind not in profile.kinds:
        return False
    is_of_class = declaration.credit_class in profile.classes
    if profile.is_priority:
        return declaration.priority or is_of_class
    return is_of_class or not profile.classes
