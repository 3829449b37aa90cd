"""The lane itself: what people want of it, what its equipment can do, what the pack says of it."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.vocabulary import Barrier, Mode

_MODES = {
    Mode.CLOSED: Reason.LANE_CLOSED,
    Mode.ATTENDED: Reason.LANE_ATTENDED,
    Mode.EMERGENCY: Reason.LANE_EMERGENCY,
}


def lane_reasons(evidence: Evidence, pack: PolicyPack, wall_ms: int) -> Iterator[Reason]:
    """Mode, restart, company, faults, boom, clock, and whether the rules are in force."""
    if evidence.mode is not Mode.AUTO:
        yield _MODES[evidence.mode]
    profile = pack.lane(evidence.lane_id)
    for is_so, reason in (
        (evidence.interrupted, Reason.INTERRUPTED),
        (evidence.evacuated, Reason.LANE_EVACUATED),
        (evidence.unexpected, Reason.UNEXPECTED_VEHICLE),
        (not evidence.alone, Reason.NOT_ALONE),
        (any(prevents_release(fault) for fault in evidence.faults), Reason.EQUIPMENT_FAULT),
        (evidence.barrier is not Barrier.CLOSED, Reason.BARRIER_NOT_CLOSED),
        # Validity, the age of answers, hours and deadlines all hang on the clock.
        (FaultCode.CLOCK in evidence.faults, Reason.CLOCK_DOUBTFUL),
        (not pack.is_in_force(wall_ms), Reason.POLICY_NOT_IN_FORCE),
        (profile is not None and profile.is_manual, Reason.LANE_MANUAL),
    ):
        if is_so:
            yield reason
