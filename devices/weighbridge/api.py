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

if TYPE_CHECKING:
    from devices.readings import WeighbridgeReading


class Weighbridge(Protocol):
    """A weight indicator, one that sends by itself or one that is asked. One thread uses it."""

    @property
    def good_frames(self) -> int:
        """Frames accepted since this object was made."""
        ...

    @property
    def discarded_bytes(self) -> int:
        """Bytes since this object was made that belonged to no good frame: noise, bad sums."""
        ...

    def open(self) -> None:
        """Take the wire. Does nothing when it is already taken.

        Raises:
            LinkDown: the port is missing, taken by another program, or not answering. Try again.
            DeviceConfigError: the port's name can never work.
        """
        ...

    def read(self, timeout_s: float) -> list[WeighbridgeReading]:
        """Wait up to `timeout_s` for bytes; return the readings they complete, oldest first.

        Returns as soon as bytes have come, so the list may be empty long before `timeout_s`.
        Call it again at once: time between calls makes readings look old.

        Raises:
            LinkDown: the wire is gone, or no good frame came for `SILENT_S` seconds although
                the indicator sends all the time or was asked. `close()`, then `open()` again.
        """
        ...

    def close(self) -> None:
        """Give the wire back; a blocked `read` ends with `LinkDown`. May be called twice.

        The one method that another thread may call.
        """
        ...
