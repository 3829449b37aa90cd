"""A loop that stays occupied: held behind a release, or stuck though the scale bears nothing."""

from __future__ import annotations

from typing import Final

from gate_agent.domain.arrival import is_felt
from gate_agent.domain.deadlines import arm, disarm, is_armed, keep_armed
from gate_agent.domain.events import Event
from gate_agent.domain.records import Alarm
from gate_agent.domain.state import DeadlineKind, LaneState, Step
from gate_agent.domain.vocabulary import Phase

HELD_S: Final = 20.0
"""Length over speed: 22 m, the longest combination of GB 1589-2016, and 2 m of loop at 1.2 m/s."""

STUCK_S: Final = 300.0

ALARM_OF: Final = {
    DeadlineKind.EXIT_LOOP_HELD: Alarm.EXIT_LOOP_HELD,
    DeadlineKind.ENTRY_LOOP_STUCK: Alarm.ENTRY_LOOP_STUCK,
    DeadlineKind.EXIT_LOOP_STUCK: Alarm.EXIT_LOOP_STUCK,
}


def watch(before: LaneState, event: Event, after: Step) -> Step:
    """After every event: each watch runs as long as its loop is occupied, and calls once.

    Whatever vehicles come and go meanwhile: with them their own deadlines are forgotten, which
    must not put these off.
    """
    for kind in ALARM_OF:
        after = _follow(kind, before, event, after)
    return after


def _follow(kind: DeadlineKind, before: LaneState, event: Event, after: Step) -> Step:
    if not _lasts(kind, after.lane):
        return Step(disarm(after.lane, kind), after.effects)
    after = keep_armed(before, event, after, kind)
    if is_armed(after.lane, kind) or _lasts(kind, before):
        return after  # it runs, or somebody was called
    limit_s = HELD_S if kind is DeadlineKind.EXIT_LOOP_HELD else STUCK_S
    return after.on(arm(after.lane, kind, limit_s))


def _lasts(kind: DeadlineKind, lane: LaneState) -> bool:
    if kind is DeadlineKind.EXIT_LOOP_HELD:
        is_let_through = lane.phase in (Phase.RELEASING, Phase.CLEARING)
        has_come = lane.passage is not None and lane.passage.exit_seen
        return is_let_through and has_come and lane.inputs.exit_loop is True
    is_entry = kind is DeadlineKind.ENTRY_LOOP_STUCK
    loop = lane.inputs.entry_loop if is_entry else lane.inputs.exit_loop
    return loop is True and not is_felt(lane)
