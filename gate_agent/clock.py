"""From the edge's clock to the lane's instants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.vocabulary import Instant

if TYPE_CHECKING:
    from devices.clock import Clock


def instant(clock: Clock) -> Instant:
    """The present moment: the stamp put on an event where it enters the process."""
    stamp = clock.now()
    return Instant(stamp.mono_s, stamp.wall_ms)


def instant_of(clock: Clock, received_s: float) -> Instant:
    """The moment `received_s` (monotonic) of this boot, with the wall time it had."""
    stamp = clock.now()
    return Instant(received_s, stamp.wall_ms - round((stamp.mono_s - received_s) * 1000))
