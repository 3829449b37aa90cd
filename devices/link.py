"""A transport is a pipe of bytes: it knows no protocol and no device."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A byte pipe to one device. Used by one thread; `close` may come from another."""

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes and return what has come, at most `max_bytes`.

        Returns b"" when nothing came in time. Raises `LinkDown` when the wire is gone.
        """
        ...

    def write(self, payload: bytes) -> None:
        """Send all of `payload`. Raises `LinkDown` when the wire is gone."""
        ...

    def close(self) -> None:
        """Give the wire back; a blocked `read` ends. May be called twice."""
        ...
