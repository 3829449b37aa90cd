"""Whether the boom is coming down, told to or not: as long as it may, sounder and sign warn."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate_agent.domain.effects import LowerBarrier
from gate_agent.domain.events import BarrierCommandFailed, BarrierMoved, Event
from gate_agent.domain.state import LaneState, Step
from gate_agent.domain.vocabulary import Barrier, CommandId

BY_ITSELF: Final = CommandId("")
"""In `LaneState.falling`: by no command of the lane."""

_STAYS = (Barrier.CLOSED, Barrier.OPEN, Barrier.OPENING)


def follow_fall(before: LaneState, event: Event, after: Step) -> Step:
    """After every event: from the command on that lowers it until it is down, or up after all.

    The state says so, so a restart on the way down does not silence it. A boom that leaves its
    upper limit without a command falls, too.
    """
    lane = after.lane
    told = [each.command_id for each in after.effects if isinstance(each, LowerBarrier)]
    falling = lane.falling
    if told:
        falling = told[-1]
    elif isinstance(event, BarrierMoved):
        falling = _moved(before.barrier, lane)
    elif isinstance(event, BarrierCommandFailed) and event.command_id == falling:
        falling = BY_ITSELF if lane.barrier is Barrier.CLOSING else None
    return Step(replace(lane, falling=falling), after.effects)


def _moved(before: Barrier, lane: LaneState) -> CommandId | None:
    if lane.barrier in _STAYS:
        return None
    left_open = before is Barrier.OPEN and lane.barrier is Barrier.FORCED
    if lane.falling is None and (lane.barrier is Barrier.CLOSING or left_open):
        return BY_ITSELF
    return lane.falling


def hangs(lane: LaneState) -> LaneState:
    """Somebody is called: a boom that fell by itself and is not seen to fall any more hangs."""
    is_seen_falling = lane.barrier is Barrier.CLOSING
    return (
        replace(lane, falling=None) if lane.falling == BY_ITSELF and not is_seen_falling else lane
    )
