"""The words every other file uses: ids, moments, outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

LaneId = NewType("LaneId", str)
PassageId = NewType("PassageId", str)
DeclarationId = NewType("DeclarationId", str)
CommandId = NewType("CommandId", str)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks, taken once, where the fact entered the process.

    `mono_s` is monotonic seconds of this boot and decides durations; `wall_ms` is UTC epoch
    milliseconds and is what records carry.
    """

    mono_s: float
    wall_ms: int

    def age_s(self, now: Instant) -> float:
        """Seconds from this moment to `now` by the monotonic clock; negative if it lies ahead."""
        return now.mono_s - self.mono_s

    def elapsed_us(self, now: Instant) -> int:
        """Microseconds from this moment to `now`, never negative.

        By the monotonic clock; by the wall clock where the machine restarted in between: a
        monotonic clock that went back is another boot's.
        """
        if now.mono_s < self.mono_s:
            return max(0, now.wall_ms - self.wall_ms) * 1000
        return round((now.mono_s - self.mono_s) * 1_000_000)


class Outcome(StrEnum):
    """How a passage ends."""

    RELEASE = "release"
    HOLD = "hold"  # a person decides
    INSPECT = "inspect"  # to the yard
    REFUSE = "refuse"  # turned back


class Mode(StrEnum):
    """What people want of the lane."""

    AUTO = "auto"
    ATTENDED = "attended"  # never releases by itself
    EMERGENCY = "emergency"  # people release on numbered slips while systems are down
    CLOSED = "closed"


class Phase(StrEnum):
    """Where the vehicle is in its passage."""

    IDLE = "idle"
    GATHERING = "gathering"
    HELD = "held"
    RELEASING = "releasing"
    CLEARING = "clearing"
    TURNING_BACK = "turning_back"


class Barrier(StrEnum):
    """Where the boom is. UNKNOWN is never treated as closed."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STOPPED_MID = "stopped_mid"
    FORCED = "forced"
    FAULT = "fault"
    UNKNOWN = "unknown"


class WeightState(StrEnum):
    """What the scale shows now."""

    EMPTY = "empty"
    MOVING = "moving"
    SETTLED = "settled"
    UNAVAILABLE = "unavailable"  # silent, stale, overloaded, net, below zero: no weight at all


class Left(StrEnum):
    """Which way the vehicle went."""

    EXIT = "exit"
    ENTRY = "entry"
    UNSEEN = "unseen"  # the lane was found empty after an interruption
    EVACUATION = "evacuation"  # by the exit, unreleased, while the boom was kept open
