"""LOCKED_OPEN: a named person has ordered that everybody drives out, and nobody has ended it.

The boom is raised, and raised again whenever it comes down by itself; nothing lowers it, neither
the lane nor an order. The state says so, so it outlasts the agent: effects are never replayed,
after a restart the boom is looked at and, where it is not up, raised by a new command of the same
order. While an emergency stop is pressed or somebody works the barrier from its cabinet the lane
does not work against them, and raises as soon as that is over.
"""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.deadlines import arm, disarm, is_armed
from gate_agent.domain.effects import RaiseForEvacuation
from gate_agent.domain.faults import IN_HAND
from gate_agent.domain.records import Alarm
from gate_agent.domain.state import DeadlineKind, LaneState, Step
from gate_agent.domain.vocabulary import Barrier, CommandId
from gate_agent.domain.watching import alarm

LOCKED_OPEN = "locked_open"
"""What the boom is called while an evacuation lasts and it is up."""

OF_EVACUATION = (DeadlineKind.KEEP_OPEN,)
_COMES_UP = (Barrier.OPEN, Barrier.OPENING)


def begin(lane: LaneState) -> Step:
    """Raise the boom wherever it is, unknown included, and call somebody."""
    return alarm(lane, Alarm.EVACUATION).on(again(lane))


def again(lane: LaneState) -> Step:
    """Raise the boom unless it is up, or somebody else has it in hand."""
    if lane.evacuation is None or lane.barrier is Barrier.OPEN or IN_HAND & lane.faults:
        return Step(lane)
    known = replace(lane.evacuation, raises=lane.evacuation.raises + 1)
    lane = replace(lane, evacuation=known)
    command = RaiseForEvacuation(
        command_id=CommandId(f"{lane.lane_id}-evacuation-{known.command_id}-{known.raises}"),
        valid_for_s=lane.policy.raise_valid_s,
    )
    armed = arm(lane, DeadlineKind.KEEP_OPEN, lane.policy.boom_up_timeout_s)
    return Step(armed.lane, (command, *armed.effects))


def keep_open(before: LaneState, lane: LaneState) -> Step:
    """After every event: raise a boom that is not up and that nobody is raising already.

    Nothing is sent at a boom of which nothing is known, as after a restart before the board has
    answered, until it was waited for: it may be up, or somebody may have stopped it.
    """
    if lane.evacuation is None:
        return Step(lane)
    if lane.barrier is Barrier.OPEN or IN_HAND & lane.faults:
        return Step(disarm(lane, *OF_EVACUATION))
    has_moved = lane.barrier is not before.barrier
    came_down = has_moved and lane.barrier not in (*_COMES_UP, Barrier.UNKNOWN)
    if is_armed(lane, DeadlineKind.KEEP_OPEN) and not came_down:
        return Step(lane)
    if lane.barrier in (Barrier.UNKNOWN, Barrier.OPENING):
        return arm(lane, DeadlineKind.KEEP_OPEN, lane.policy.boom_up_timeout_s)
    if came_down and before.barrier is Barrier.OPEN:
        return alarm(lane, Alarm.EVACUATION).on(again(lane))
    return again(lane)
