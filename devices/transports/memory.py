"""A null modem: two transports joined back to back in one process."""

from __future__ import annotations

import queue

from devices.errors import LinkDown

_HANG_UP = None


class MemoryTransport:
    """One end of a null modem. What one end writes, the other reads, in order."""

    def __init__(
        self, incoming: queue.SimpleQueue[bytes | None], outgoing: queue.SimpleQueue[bytes | None]
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._waiting = b""
        self._down = False

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes and return what one write sent, at most `max_bytes`.

        Returns b"" when nothing came in time. Raises `LinkDown` when either end was closed.
        """
        if not self._waiting:
            self._waiting = self._take(timeout_s)
        received, self._waiting = self._waiting[:max_bytes], self._waiting[max_bytes:]
        return received

    def write(self, payload: bytes) -> None:
        """Send all of `payload`. Raises `LinkDown` when this end was closed."""
        if self._down:
            raise LinkDown("null modem: closed")
        self._outgoing.put(bytes(payload))

    def close(self) -> None:
        """Hang up: a blocked `read` ends at either end. May be called twice."""
        self._down = True
        self._incoming.put(_HANG_UP)
        self._outgoing.put(_HANG_UP)

    def _take(self, timeout_s: float) -> bytes:
        if self._down:
            raise LinkDown("null modem: closed")
        try:
            chunk = self._incoming.get(block=timeout_s > 0, timeout=timeout_s or None)
        except queue.Empty:
            return b""
        if chunk is _HANG_UP:
            self._down = True
            raise LinkDown("null modem: closed")
        return chunk


def null_modem() -> tuple[MemoryTransport, MemoryTransport]:
    """Two ends of one wire."""
    there: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    back: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    return MemoryTransport(there, back), MemoryTransport(back, there)
