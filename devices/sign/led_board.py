"""The driver of an LED board at a serial line or `tcp://`. See `devices.sign.api`.

The board's answers are read away and not waited for: which boards answer, and what, is not known.
So a cut cable shows only where the port itself goes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from devices.errors import LinkDown
from devices.sign.codecs.led_64ff import TEXT_MAX_BYTES, BoardFrame, encode
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import SignConfig
    from devices.link import Transport
    from devices.sign.api import SignMessage

BETWEEN_FRAMES_S = 0.05  # a board draws a line before it hears the next


class LedBoard:
    """A `TextSign`."""

    def __init__(
        self,
        config: SignConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._connect = connect or (lambda: open_transport(config.port, config.baud))
        self._transport: Transport | None = None

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        self.close()
        self._transport = self._connect()

    def show(self, message: SignMessage) -> None:
        """One frame a line, then what is spoken."""
        if self._transport is None:
            raise LinkDown(f"sign: not open: {self._config.port}")
        while self._transport.read(256, 0.0):
            pass  # what the board said to the frames before
        for line, text in enumerate(message.lines):
            self._send(line, text)
        if message.spoken and self._config.voice:
            self._send(None, message.spoken)

    def close(self) -> None:
        """Give the wire back."""
        transport, self._transport = self._transport, None
        if transport is not None:
            with suppress(OSError):
                transport.close()

    def _send(self, line: int | None, text: str) -> None:
        if self._transport is None:
            raise LinkDown(f"sign: closed: {self._config.port}")
        content = text_bytes(text, self._config.encoding)
        frame = BoardFrame(address=self._config.address, line=line, text=content)
        self._transport.write(encode(frame))
        self._clock.sleep(BETWEEN_FRAMES_S)


def text_bytes(text: str, encoding: str) -> bytes:
    """As many whole characters as fit; what the encoding cannot say is a question mark."""
    content = text.encode(encoding, "replace")
    while len(content) > TEXT_MAX_BYTES:
        text = text[:-1]
        content = text.encode(encoding, "replace")
    return content
