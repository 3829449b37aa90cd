"""The only reader of clocks on the edge. Everything else is handed a `Clock`.

Durations and deadlines use the monotonic clock; records and the wire use UTC epoch
milliseconds. `Stamp` carries both, taken once, where a fact enters the process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment on both clocks: seconds since boot (monotonic) and UTC epoch milliseconds."""

    mono_s: float
    wall_ms: int


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> Stamp:
        """The present moment on both clocks."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Block the calling thread for `duration_s` seconds."""
        ...


class SystemClock:
    """The machine's clocks. `mono_s` is CLOCK_MONOTONIC, the same in every process of a boot."""

    def now(self) -> Stamp:
        """The present moment on both clocks."""
        return Stamp(time.monotonic(), time.time_ns() // 1_000_000)

    def sleep(self, duration_s: float) -> None:
        """Block the calling thread for `duration_s` seconds."""
        time.sleep(max(0.0, duration_s))


class ManualClock:
    """A clock that moves only when told to, for tests and virtual time."""

    def __init__(self, mono_s: float = 1_000.0, wall_ms: int = 1_790_000_000_000) -> None:
        self._stamp = Stamp(mono_s, wall_ms)

    def now(self) -> Stamp:
        """The moment last set."""
        return self._stamp

    def sleep(self, duration_s: float) -> None:
        """Advance instead of waiting."""
        self.advance(duration_s)

    def advance(self, duration_s: float) -> None:
        """Move both clocks forward by `duration_s` seconds (>= 0)."""
        if duration_s < 0:
            raise ValueError(f"a monotonic clock cannot go back {duration_s} s")
        self._stamp = Stamp(
            self._stamp.mono_s + duration_s, self._stamp.wall_ms + round(duration_s * 1000)
        )
