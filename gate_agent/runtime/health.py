"""The lane as it is now, for the live view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.effects import Sign
from gate_agent.domain.evacuation import LOCKED_OPEN
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.domain.rules.authority import authority_left_ms
from gate_agent.domain.vocabulary import Barrier
from gate_agent.wire.v1 import AuthorityLeft, LaneHealth

if TYPE_CHECKING:
    from gate_agent.domain.state import LaneState
    from gate_agent.domain.vocabulary import Instant
    from gate_agent.store.held_manifest import HeldManifest


def health_of(
    lane: LaneState,
    at: Instant,
    *,
    held: HeldManifest,
    last_seq: int,
    unsent: int,
    oldest_ms: int | None,
    is_store_failing: bool,
) -> LaneHealth:
    """What the console shows of a lane between its records.

    A lane that cannot commit cannot put that into its own state: it is said here.
    """
    failing = {FaultCode.STORE} if is_store_failing else set()
    age_s = None if held.confirmed_ms is None else (at.wall_ms - held.confirmed_ms) / 1000
    age_ms = None if age_s is None or held.version == 0 else round(age_s * 1000)
    return LaneHealth(
        lane=lane.lane_id,
        epoch=lane.epoch,
        at_ms=at.wall_ms,
        mode=lane.mode.value,
        emergency=lane.emergency,
        phase=lane.phase.value,
        passage_id=lane.passage.passage_id if lane.passage else None,
        barrier=LOCKED_OPEN
        if lane.evacuation and lane.barrier is Barrier.OPEN
        else lane.barrier.value,
        evacuation=lane.evacuation.command_id if lane.evacuation else "",
        weight_kg=lane.weight_kg,
        weight_state=lane.weight_state.value,
        faults=tuple(sorted(fault.value for fault in lane.faults | failing)),
        manifest_version=held.version,
        manifest_age_s=age_s,
        last_seq=last_seq,
        unsent=unsent,
        oldest_unsent_s=0.0 if oldest_ms is None else max(0.0, (at.wall_ms - oldest_ms) / 1000),
        policy_version=lane.pack.version,
        policy_hash=policy_hash(lane.pack),
        authority=tuple(
            AuthorityLeft(credit_class=name, left_s=left_ms // 1000)
            for name, left_ms in authority_left_ms(lane.pack, age_ms)
        ),
        showing=(Sign.OUT_OF_SERVICE if is_store_failing else lane.sign).value,
    )
