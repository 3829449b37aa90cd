"""A boom that is not down while nobody was let through: somebody is called, whatever the phase."""

from __future__ import annotations

from gate_agent.domain.deadlines import arm, disarm, is_armed, keep_armed
from gate_agent.domain.events import Event
from gate_agent.domain.passing import LEFT_OPEN_S, NOT_DOWN
from gate_agent.domain.state import DeadlineKind, LaneState, Step
from gate_agent.domain.vocabulary import Barrier, Phase

_LETS_THROUGH = (Phase.RELEASING, Phase.CLEARING)
"""Then `passing` watches the boom."""


def watch(before: LaneState, event: Event, after: Step) -> Step:
    """After every event: the watch begins with the open boom, and anew when something changes.

    That is where it stands, the vehicle, or what is done with it. A watch that was running goes
    on whatever vehicles come, are held and go meanwhile: with them their own deadlines are
    forgotten, which must not put this one off.
    """
    lane = after.lane
    if lane.barrier is Barrier.CLOSED and lane.phase not in _LETS_THROUGH:
        return Step(disarm(lane, DeadlineKind.LEFT_OPEN), after.effects)
    if not _is_left_open(lane) or is_armed(lane, DeadlineKind.LEFT_OPEN):
        return after
    kept = keep_armed(before, event, after, DeadlineKind.LEFT_OPEN)
    if is_armed(kept.lane, DeadlineKind.LEFT_OPEN):
        return kept
    if _is_left_open(before) and _about(before) == _about(lane):
        return after  # somebody was called
    return after.on(arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S))


def _is_left_open(lane: LaneState) -> bool:
    is_expected = lane.evacuation is not None or lane.phase in _LETS_THROUGH
    return lane.barrier in NOT_DOWN and not is_expected


def _about(lane: LaneState) -> tuple[Barrier, Phase, object]:
    return lane.barrier, lane.phase, lane.passage and lane.passage.passage_id
