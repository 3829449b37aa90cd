"""The ways out: whether this vehicle has left by one, and whether nothing is under the boom."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate_agent.domain.arrival import is_loaded, someone_is_here
from gate_agent.domain.effects import KeepClip
from gate_agent.domain.state import LaneState, Passage, Step
from gate_agent.domain.vocabulary import Barrier, Phase, WeightState

LOWERINGS_MAX: Final = 3
"""A boom that so many lowerings did not bring down comes down by a person's order only."""

CLIPS_MAX: Final = 6
"""A vehicle that seems to leave again and again must not push other vehicles' clips out."""


def note_exit(lane: LaneState) -> LaneState:
    """Keep that the vehicle reached the exit loop: it became occupied with the boom not down.

    A loop that was occupied when it was last read is somebody else beyond the boom, and so is one
    that becomes occupied before the released vehicle has cut the front beam. After a restart that
    beam may have been passed unseen, so the loop tells, once the scale says that it feels nothing;
    until the scale has spoken the question stays open.
    """
    passage, loop = lane.passage, lane.inputs.exit_loop
    if passage is None:
        return lane
    if lane.inputs.front_beam is True and not passage.front_seen:
        passage = replace(passage, front_seen=True)
    if loop is True and passage.exit_loop_was is not True:
        if _is_open_question(lane, passage):
            return replace(lane, passage=passage)
        if _is_way_open(lane) and _may_be_there(lane, passage):
            passage = replace(passage, exit_seen=True)
    if loop is not None:
        passage = replace(passage, exit_loop_was=loop)
    return lane if passage is lane.passage else replace(lane, passage=passage)


def _is_way_open(lane: LaneState) -> bool:
    return lane.barrier is not Barrier.CLOSED and (
        lane.barrier is not Barrier.UNKNOWN or lane.phase is Phase.RELEASING
    )


def _may_be_there(lane: LaneState, passage: Passage) -> bool:
    if lane.phase is not Phase.RELEASING or passage.front_seen:
        return True
    return passage.interrupted and lane.weight_state is WeightState.EMPTY


def _is_open_question(lane: LaneState, passage: Passage) -> bool:
    rests = lane.weight_state in (WeightState.EMPTY, WeightState.SETTLED)
    is_unseen = lane.phase is Phase.RELEASING and not passage.front_seen
    return is_unseen and passage.interrupted and not rests


def is_way_clear(lane: LaneState) -> bool:
    """I2: seen occupied and then clear since the raise, and nothing occupied or unknown now.

    Not while a vehicle rests on the platform before which nothing cut the front beam: then it was
    somebody else on the exit loop. Whether the lane may lower is another question: where somebody
    had the boom in hand it may not.
    """
    passage = lane.passage
    return (
        passage is not None
        and passage.exit_seen
        and passage.lowerings < LOWERINGS_MAX
        and lane.inputs.exit_loop is False
        and lane.inputs.front_beam is False
        and not (is_loaded(lane) and not passage.front_seen)
        and lane.barrier is Barrier.OPEN
    )


def is_gone(lane: LaneState) -> bool:
    """Whether the vehicle has left by the entry.

    What stands on the exit loop is beyond the boom and says nothing about it. A vehicle that
    cleared the entry loop and never cut the rear beam, which was seen all the while, was never
    on the platform, so whatever the scale feels is not it: else somebody on the scale could keep
    its passage, and its plate, open for another vehicle.

    Mud or snow that a vehicle leaves on the scale is not a vehicle, but a light one weighs no
    more; and with the scale silent one that stands wholly on the platform is invisible. So then
    it must have been seen on the entry loop again.

    A scale at zero says as little of a vehicle that was wholly on the platform: it may have been
    zeroed or tared under it, or frozen before it came. Nothing leaves without being seen to.
    """
    passage, inputs = lane.passage, lane.inputs
    if passage is None or not (
        inputs.entry_loop is False and inputs.rear_beam is False and inputs.front_beam is False
    ):
        return False
    if lane.weight_state is WeightState.EMPTY:
        return not was_wholly_on(passage) or was_seen_leaving(passage)
    came_on = passage.rear_beam_cut or passage.rear_beam_lost or passage.unexpected
    if lane.phase is Phase.GATHERING and not came_on:
        return not is_loaded(lane)
    rests = lane.weight_state is WeightState.SETTLED and not is_loaded(lane)
    silent = lane.weight_state is WeightState.UNAVAILABLE
    return passage.entry_seen_again and (rests or silent)


def was_wholly_on(passage: Passage) -> bool:
    """Whether its tail was seen to pass the rear beam, in by the entry."""
    return passage.rear_beam_passed and not (
        passage.rear_beam_lost or passage.unexpected or passage.interrupted
    )


def was_seen_leaving(passage: Passage) -> bool:
    """Whether it was on the entry loop or in the rear beam again, or reached the exit loop."""
    return passage.entry_seen_again or passage.rear_beam_cut_again or passage.exit_seen


def is_weightless(lane: LaneState) -> bool:
    """Whether the scale says zero under a vehicle that was not seen to leave."""
    return lane.weight_state is WeightState.EMPTY and not someone_is_here(lane)


def keep_clip(lane: LaneState) -> Step:
    """The vehicle seems to leave: ask for its clip, which the closing record is to name."""
    passage = lane.passage
    if passage is None or passage.clips >= CLIPS_MAX:
        return Step(lane)
    asked = replace(passage, clips=passage.clips + 1)
    return Step(replace(lane, passage=asked), (KeepClip(passage_id=passage.passage_id),))
