"""Tags into `TagRead`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.clock import instant_of
from gate_agent.domain.events import TagRead

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.tag_reader.api import TagReader
    from gate_agent.inbox import Inbox

READ_S = 0.5


class TagReaderAdapter:
    """Serves one tag reader."""

    def __init__(self, reader: TagReader, inbox: Inbox, clock: Clock) -> None:
        self._reader = reader
        self._inbox = inbox
        self._clock = clock

    def open(self) -> None:
        """Take the wire."""
        self._reader.open()

    def serve(self) -> bool:
        """Ask for tags for a moment; whether the reader answers."""
        for reading in self._reader.read(READ_S):
            self._inbox.put(
                TagRead(tag_id=reading.tag_id), instant_of(self._clock, reading.received_s)
            )
        return self._reader.is_heard

    def lost(self) -> None:
        """A tag that was seen stays seen; there is nothing to withdraw."""

    def close(self) -> None:
        """Give the wire back."""
        self._reader.close()
