"""What every driver of a device on a byte line promises to the rest of the program."""

from __future__ import annotations

from typing import Protocol


class OnALine(Protocol):
    """A device whose readings come over a line. One thread uses it, but for `close`."""

    @property
    def good_frames(self) -> int:
        """Frames accepted since this object was made, whatever became of them."""
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

    def close(self) -> None:
        """Give the wire back; a blocked `read` ends with `LinkDown`. May be called twice.

        The one method that another thread may call.
        """
        ...
