"""What a reader of cards, of tags or of container numbers reads, into events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from gate_agent.clock import instant_of
from gate_agent.domain.events import CardPresented, ContainersRead, TagRead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.clock import Clock
    from devices.readings import CardReading, ContainerReading, TagReading
    from gate_agent.domain.events import Event
    from gate_agent.inbox import Inbox

READ_S = 0.5


class Reading(Protocol):
    """What every reader's reading has."""

    @property
    def received_s(self) -> float:
        """Monotonic seconds."""
        ...


R = TypeVar("R", bound=Reading)
R_co = TypeVar("R_co", bound=Reading, covariant=True)


class Reader(Protocol[R_co]):
    """What `devices.card_reader.api` and `devices.tag_reader.api` have in common."""

    @property
    def is_heard(self) -> bool:
        """Whether the reader is there."""
        ...

    def open(self) -> None:
        """Take the wire."""
        ...

    def read(self, timeout_s: float) -> Sequence[R_co]:
        """What was read within `timeout_s`."""
        ...

    def close(self) -> None:
        """Give the wire back."""
        ...


class ReaderAdapter(Generic[R]):
    """Serves one reader; a reading becomes the event that `event_of` makes of it."""

    def __init__(
        self, reader: Reader[R], event_of: Callable[[R], Event], inbox: Inbox, clock: Clock
    ) -> None:
        self._reader = reader
        self._event_of = event_of
        self._inbox = inbox
        self._clock = clock

    def open(self) -> None:
        """Take the wire."""
        self._reader.open()

    def serve(self) -> bool:
        """Listen or ask for a moment; whether the reader is there."""
        for reading in self._reader.read(READ_S):
            self._inbox.put(self._event_of(reading), instant_of(self._clock, reading.received_s))
        return self._reader.is_heard

    def lost(self) -> None:
        """What was presented or seen stays so; there is nothing to withdraw."""

    def close(self) -> None:
        """Give the wire back."""
        self._reader.close()


def card_presented(reading: CardReading) -> CardPresented:
    """The driver's card."""
    return CardPresented(uid=reading.uid, fields=reading.fields)


def tag_read(reading: TagReading) -> TagRead:
    """A tag near the lane."""
    return TagRead(tag_id=reading.tag_id)


def containers_read(reading: ContainerReading) -> ContainersRead:
    """Container numbers in the lane."""
    return ContainersRead(numbers=reading.numbers)
