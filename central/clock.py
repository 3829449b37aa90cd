"""The only reader of clocks in the hub. Everything else is handed a `Clock`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time on both clocks."""

    def wall_ms(self) -> int:
        """UTC epoch milliseconds: for records and the wire."""
        ...

    def mono_s(self) -> float:
        """Monotonic seconds of this boot: for ages and deadlines."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_ms(self) -> int:
        """UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def mono_s(self) -> float:
        """Monotonic seconds of this boot."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to, for tests."""

    def __init__(self, wall_ms: int = 1_790_000_000_000, mono_s: float = 1_000.0) -> None:
        self._wall_ms = wall_ms
        self._mono_s = mono_s

    def wall_ms(self) -> int:
        """The moment last set, UTC epoch milliseconds."""
        return self._wall_ms

    def mono_s(self) -> float:
        """The moment last set, monotonic seconds."""
        return self._mono_s

    def advance(self, duration_s: float) -> None:
        """Move both clocks forward by `duration_s` seconds (>= 0)."""
        if duration_s < 0:
            raise ValueError(f"a monotonic clock cannot go back {duration_s} s")
        self._mono_s += duration_s
        self._wall_ms += round(duration_s * 1000)
