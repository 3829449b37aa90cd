"""A cable between a lane and its hub that can go dead: a TCP relay that stops relaying.

While it is dead nothing arrives and nothing is refused, as with a pulled plug: both ends find out
by their own keep-alives. When it is mended the old connections are gone.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

HOST = "127.0.0.1"
_CHUNK = 65_536
_TURN_S = 0.05


class Cable:
    """Relays connections to `to_port` from a port of its own, in one thread."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.0)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._is_dead = threading.Event()
        self._must_drop = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Pull the plug; any thread may call."""
        self._is_dead.set()

    def mend(self) -> None:
        """Put it back; what was connected is not any more."""
        self._must_drop.set()
        self._is_dead.clear()

    def close(self) -> None:
        """End the thread and every connection."""
        self._stop.set()
        self._thread.join(5.0)
        self._drop_all()
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._is_dead.is_set():
                self._stop.wait(_TURN_S)
                continue
            if self._must_drop.is_set():
                self._must_drop.clear()
                self._drop_all()
            for key, _ in self._selector.select(_TURN_S):
                if key.data is None:
                    self._join()
                else:
                    self._relay(key.data)

    def _join(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection((HOST, self._to_port), 1.0)
            except OSError:
                near.close()  # no broker there: refused, as without the cable
                return
            for end, other in ((near, far), (far, near)):
                self._pairs[end] = other
                self._selector.register(end, selectors.EVENT_READ, end)

    def _relay(self, end: socket.socket) -> None:
        other = self._pairs.get(end)
        if other is None:
            return
        try:
            data = end.recv(_CHUNK)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        for each in (end, self._pairs.pop(end, None)):
            if each is not None:
                self._pairs.pop(each, None)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(each)
                each.close()

    def _drop_all(self) -> None:
        while self._pairs:
            self._drop(next(iter(self._pairs)))
