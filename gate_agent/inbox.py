"""The lane's inbox: the one place where the threads of the agent meet the thread that decides."""

from __future__ import annotations

import queue

from gate_agent.domain.events import Event, FaultCleared, FaultRaised, Stamped
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Instant

CAPACITY = 20_000
"""Level readings are sent on change only, so a full inbox means hours of a blocked store."""


class Inbox:
    """A bounded queue of stamped events. Any thread puts; the lane thread takes."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._queue: queue.Queue[Stamped] = queue.Queue(capacity)
        self._overrun_at: Instant | None = None
        self._is_overrun_told = False

    def put(self, event: Event, at: Instant) -> bool:
        """Hand an event over without ever blocking the device that saw it; whether it was taken.

        When the inbox is full the event is dropped, and the lane is told before it takes
        anything else: dropped facts are a fault that prevents a release. Who reports a lasting
        state (a loop, the weight, a lost link) offers it again until it is taken.
        """
        try:
            self._queue.put_nowait(Stamped(event, at))
        except queue.Full:
            self._overrun_at = at
            return False
        return True

    def take(self, timeout_s: float) -> Stamped | None:
        """The next event, or None after `timeout_s` seconds."""
        at = self._overrun_at
        if at is not None and not self._is_overrun_told:
            self._is_overrun_told = True
            return Stamped(FaultRaised(code=FaultCode.OVERRUN, detail="facts were dropped"), at)
        if at is not None and self._queue.empty():
            self._overrun_at, self._is_overrun_told = None, False
            return Stamped(FaultCleared(code=FaultCode.OVERRUN), at)
        try:
            return self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def waiting(self) -> int:
        """How many events wait, about."""
        return self._queue.qsize()
