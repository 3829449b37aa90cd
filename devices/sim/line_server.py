"""What every simulated device on a byte line has in common: its line, and a thread for it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from devices.sim.line_host import LineHost

LISTEN_S = 0.05
ASKED_MAX_BYTES = 256


class LineServer(ABC):
    """One device at the far end of `host`. `start` plugs the line in and runs `_serve` in a thread.

    `stop` leaves no thread, descriptor or link. Both belong to one thread.
    """

    def __init__(self, host: LineHost, name: str) -> None:
        self._host = host
        self._name = name
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def host(self) -> LineHost:
        """The line: `unplug()` and `plug()` it while the device goes on."""
        return self._host

    def start(self) -> None:
        """Plug in and serve the line. No effect when it runs."""
        if self._thread is not None:
            return
        self._host.plug()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop and unplug. May be called twice."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._host.unplug()

    @abstractmethod
    def _serve(self) -> None:
        """Serve the line until `_stopping` is set."""

    def _asked(self, known: Collection[bytes]) -> Iterator[bytes]:
        """Each of the `known` questions as it is asked, in order, until the device is stopped."""
        heard = b""
        while not self._stopping.is_set():
            heard += self._host.read(LISTEN_S)
            while found := [question for question in known if question in heard]:
                first = min(found, key=heard.find)
                heard = heard.partition(first)[2]
                yield first
            heard = heard[-ASKED_MAX_BYTES:]
