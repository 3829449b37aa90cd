"""What a weighbridge is to the rest of the program.

Contract
- A reading exists only because a whole, checked frame arrived. A scale that is unplugged, silent
  or garbled produces no reading: never a zero, never the last value.
- `received_s` is the moment the last byte of the frame arrived. When nobody had been reading and
  bytes were found waiting, it is the earliest moment at which they can have come: such a reading
  may look older than it is, never younger.
- A reading is one value that the indicator showed, moving or not. Whether it may be used as a
  weight is `settle.SettleFilter`'s decision.
- The value is gross. `WeightStatus` says when the indicator itself declares it unusable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.line_api import OnALine

if TYPE_CHECKING:
    from devices.readings import WeighbridgeReading


class Weighbridge(OnALine, Protocol):
    """A weight indicator, one that sends by itself or one that is asked."""

    def read(self, timeout_s: float) -> list[WeighbridgeReading]:
        """Wait up to `timeout_s` for bytes; return the readings they complete, oldest first.

        Returns as soon as bytes have come, so the list may be empty long before `timeout_s`.
        Call it again at once: time between calls makes readings look old.

        Raises:
            LinkDown: the wire is gone, or no good frame came for `SILENT_S` seconds although
                the indicator sends all the time or was asked. `close()`, then `open()` again.
        """
        ...
