"""A vehicle comes: a passage begins."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.deadlines import arm
from gate_agent.domain.effects import Record, RequestPlate
from gate_agent.domain.faults import IN_HAND
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.domain.records import PassageOpened, PolicyAdopted
from gate_agent.domain.state import DeadlineKind, LaneState, Passage, Step
from gate_agent.domain.vocabulary import Instant, PassageId, Phase, WeightState


def open_passage(lane: LaneState, at: Instant, *, unexpected: bool = False) -> Step:
    """Start gathering evidence for the vehicle that is here now."""
    number = lane.passage_count + 1
    passage_id = PassageId(f"{lane.lane_id}-{lane.epoch}-{number:06d}")
    passage = Passage(
        passage_id=passage_id,
        arrived_at=at,
        unexpected=unexpected,
        evacuated=lane.evacuation is not None,
        in_hand=bool(IN_HAND & lane.faults),
        scale_zeroed=lane.weight_state is WeightState.EMPTY,
        rear_beam_cut=lane.inputs.rear_beam is True,
        exit_loop_was=lane.inputs.exit_loop,
    )
    lane = replace(lane, phase=Phase.GATHERING, passage=passage, passage_count=number, deadlines=())
    opened = Step(
        lane,
        (
            Record(body=PassageOpened(passage_id=passage_id)),
            RequestPlate(passage_id=passage_id, attempt=1),
        ),
    )
    # Whatever else is found, an unexpected vehicle is a person's: it need not wait for all of it.
    gather_s = lane.policy.gather_timeout_s
    if unexpected:
        gather_s = min(gather_s, lane.policy.unexpected_gather_s)
    return opened.on(arm(lane, DeadlineKind.GATHER, gather_s))


def adopt(lane: LaneState) -> Step:
    """Between two vehicles: the rules that came meanwhile are those of the next one."""
    pack = lane.next_pack
    lane = replace(lane, next_pack=None)
    if pack is None or pack == lane.pack:
        return Step(lane)
    adopted = PolicyAdopted(version=pack.version, policy_hash=policy_hash(pack))
    return Step(replace(lane, pack=pack), (Record(body=adopted),))


def someone_is_here(lane: LaneState) -> bool:
    """Whether anything says that a vehicle stands in the lane."""
    inputs = lane.inputs
    return (
        inputs.entry_loop is True
        or inputs.rear_beam is True
        or inputs.front_beam is True
        or is_loaded(lane)
    )


def is_loaded(lane: LaneState) -> bool:
    """Whether a vehicle's weight rests on the platform."""
    return lane.weight_state is WeightState.SETTLED and is_felt(lane)


def is_felt(lane: LaneState) -> bool:
    """Whether the scale feels a vehicle, at rest or not."""
    return (
        lane.weight_state in (WeightState.MOVING, WeightState.SETTLED)
        and lane.weight_kg is not None
        and lane.weight_kg >= lane.policy.min_vehicle_kg
    )


def waits_at_entry(lane: LaneState) -> bool:
    """Whether the next vehicle stands on the entry loop and nowhere else: it has only queued."""
    inputs = lane.inputs
    return (
        inputs.entry_loop is True
        and inputs.rear_beam is False
        and inputs.front_beam is False
        and lane.weight_state is WeightState.EMPTY
    )


def is_empty(lane: LaneState) -> bool:
    """Whether every loop and beam is known to be clear and the scale rests at zero."""
    inputs = lane.inputs
    return (
        inputs.entry_loop is False
        and inputs.rear_beam is False
        and inputs.front_beam is False
        and inputs.exit_loop is False
        and lane.weight_state is WeightState.EMPTY
    )
