"""A thread that keeps one device or link served: open, serve, on failure close, wait, again.

One fault is raised when the device is lost and one cleared when it is heard again; one log line
each. The pause between tries grows to `BACKOFF_MAX_S` and no further, for years if need be.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from devices.errors import DeviceError
from gate_agent.clock import instant
from gate_agent.domain.events import FaultCleared, FaultRaised

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from gate_agent.domain.faults import FaultCode
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 0.8  # two tries that fail, and the third, stay within the 3 s of a recovery


class Served(Protocol):
    """What a `Service` keeps alive. All calls come from the service's thread."""

    def open(self) -> None:
        """Take the device. Raises `DeviceError`."""
        ...

    def serve(self) -> bool:
        """One turn, about a second at most; whether the device was heard. Raises `DeviceError`."""
        ...

    def lost(self) -> None:
        """The device is gone: tell the lane that its readings are not to be had any more."""
        ...

    def close(self) -> None:
        """Give the device back. Never raises."""
        ...


class Service:
    """Runs one `Served` in its own thread until stopped."""

    def __init__(
        self, name: str, served: Served, fault: FaultCode, inbox: Inbox, clock: Clock, log: Log
    ) -> None:
        self._served = served
        self._fault = fault
        self._inbox = inbox
        self._clock = clock
        self._log = log.bind(device=name)
        self._stop = threading.Event()
        self._is_lost = False
        self._is_told_lost = False  # what the lane knows; its inbox may have been full
        self._backoff_s = BACKOFF_FIRST_S
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `join` waits."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._served.open()
                while not self._stop.is_set():
                    if self._served.serve():
                        self._found()
            except DeviceError as exc:
                self._lose(str(exc))
            except Exception as exc:  # noqa: BLE001 - the thread's edge: a crash is a fault
                self._log_crash()
                self._lose(f"crashed: {exc!r}")
            self._guarded(self._served.close)
            self._stop.wait(self._backoff_s)
            self._backoff_s = min(BACKOFF_MAX_S, self._backoff_s * 2)

    def _found(self) -> None:
        self._backoff_s = BACKOFF_FIRST_S
        if self._is_lost:
            self._is_lost = False
            self._log.info("link_recovered")
        cleared = FaultCleared(code=self._fault)
        if self._is_told_lost and self._inbox.put(cleared, instant(self._clock)):
            self._is_told_lost = False

    def _lose(self, detail: str) -> None:
        self._guarded(self._served.lost)
        if not self._is_lost:
            self._is_lost = True
            self._log.warning("link_lost", detail=detail)
        raised = FaultRaised(code=self._fault, detail=detail)
        if not self._is_told_lost and self._inbox.put(raised, instant(self._clock)):
            self._is_told_lost = True

    def _guarded(self, call: Callable[[], None]) -> None:
        """A device that fails while it is given up must not end the thread that would retry."""
        try:
            call()
        except Exception:  # noqa: BLE001 - the thread's edge
            self._log_crash()

    def _log_crash(self) -> None:
        """With its traceback, once while the device stays lost."""
        if not self._is_lost:
            self._log.exception("service_crashed")
