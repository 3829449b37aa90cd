"""Cards into `CardPresented`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.clock import instant_of
from gate_agent.domain.events import CardPresented

if TYPE_CHECKING:
    from devices.card_reader.api import CardReader
    from devices.clock import Clock
    from gate_agent.inbox import Inbox

READ_S = 0.5


class CardReaderAdapter:
    """Serves one card reader."""

    def __init__(self, reader: CardReader, inbox: Inbox, clock: Clock) -> None:
        self._reader = reader
        self._inbox = inbox
        self._clock = clock

    def open(self) -> None:
        """Take the wire."""
        self._reader.open()

    def serve(self) -> bool:
        """Wait for a card for a moment; whether the reader is there."""
        for reading in self._reader.read(READ_S):
            self._inbox.put(
                CardPresented(uid=reading.uid), instant_of(self._clock, reading.received_s)
            )
        return self._reader.is_heard

    def lost(self) -> None:
        """A card that was presented stays presented; there is nothing to withdraw."""

    def close(self) -> None:
        """Give the wire back."""
        self._reader.close()
