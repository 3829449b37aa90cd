"""Driver of card readers that send the card's number when it is presented."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.card_reader.codecs.stx_len import CardFrame, StxLen
from devices.card_reader.repeat import RepeatFilter
from devices.frame_stream import FrameStream
from devices.readings import CardReading
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import CardReaderConfig
    from devices.link import Transport


class StxLenCardReader:
    """A reader with STX/LEN packets. Fulfills `devices.card_reader.api.CardReader`.

    `connect` opens the wire; the default takes `config.port` and `config.baud`. What counts as a
    repeat is remembered over `close` and `open`: a card held while the cable flickers is one.
    """

    def __init__(
        self,
        config: CardReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        self._config = config
        self._repeats = RepeatFilter(config.repeat_s)
        self._stream: FrameStream[CardFrame] = FrameStream(
            "card reader",
            connect=connect or partial(open_transport, config.port, config.baud),
            make_decoder=StxLen,
            clock=clock,
        )

    @property
    def good_frames(self) -> int:
        """Frames accepted since this object was made, repeats included."""
        return self._stream.good_frames

    @property
    def discarded_bytes(self) -> int:
        """Bytes since this object was made that belonged to no good frame."""
        return self._stream.discarded_bytes

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        self._stream.open()

    def read(self, timeout_s: float) -> list[CardReading]:
        """Wait up to `timeout_s` for bytes; see the contract in `api`."""
        readings = [
            CardReading(uid=self._uid(frame), received_s=received_s)
            for frame, received_s in self._stream.read(timeout_s)
        ]
        return [
            reading
            for reading in readings
            if not self._repeats.is_repeat(reading.uid, reading.received_s)
        ]

    def close(self) -> None:
        """Give the wire back; see the contract in `api`."""
        self._stream.close()

    def _uid(self, frame: CardFrame) -> str:
        reverse = self._config.byte_order == "reversed"
        return (frame.serial[::-1] if reverse else frame.serial).hex().upper()
