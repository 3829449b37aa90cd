"""What a driver-card reader is to the rest of the program.

Contract
- A reading is one presentation of one card: the same card again within `repeat_s` of the reading
  it gave is the same presentation and gives no second one. A card left on the reader is therefore
  reported again every `repeat_s`.
- `uid` is upper-case hex, most significant byte first, whatever order and base the reader sends;
  where the lane file has `number_format = "text"` it is that text in capitals.
- A card that may have been presented while the line was cut is dropped: over TCP, what comes in the
  first moment after `open`, which a serial server may have kept.
- Silence is normal: no card gives no reading and no error.
- `received_s` is the moment the last byte of the frame arrived. When nobody had been reading and
  bytes were found waiting, it is the earliest moment at which they can have come: such a reading
  may look older than it is, never younger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.line_api import OnALine

if TYPE_CHECKING:
    from devices.readings import CardReading


class CardReader(OnALine, Protocol):
    """A reader of cards, one that speaks when a card comes or one that is asked.

    Repeats count among its `good_frames`.
    """

    @property
    def is_heard(self) -> bool:
        """Whether the reader is there: one that is asked has answered since it was opened.

        One that is silent without a card counts as there while its wire is.
        """
        ...

    def read(self, timeout_s: float) -> list[CardReading]:
        """Wait up to `timeout_s` for bytes; return the presentations they complete, oldest first.

        Returns as soon as bytes have come, so the list may be empty long before `timeout_s`.
        Call it again at once: time between calls makes readings look old.

        Raises:
            LinkDown: the wire is gone, or a reader that is asked has not answered for `SILENT_S`.
                `close()`, then `open()` again.
        """
        ...
