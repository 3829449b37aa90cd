"""sd_notify: tell systemd that we are ready and alive. Without systemd nothing is sent.

Source: sd_notify(3). One datagram of KEY=value lines to the socket that $NOTIFY_SOCKET names; a
leading @ means the abstract namespace.
"""

from __future__ import annotations

import contextlib
import os
import socket

SEND_S = 0.2
"""The socket's queue holds about ten datagrams; a full one must not hold up who feeds it."""


class Notifier:
    """Sends to systemd, if it started us."""

    def __init__(self, address: str | None = None) -> None:
        """`address` overrides $NOTIFY_SOCKET, for tests."""
        self._address = address if address is not None else os.environ.get("NOTIFY_SOCKET", "")

    def ready(self, status: str) -> None:
        """Start-up is done."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """Feed the watchdog."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self) -> None:
        """An orderly end has begun."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.settimeout(SEND_S)
            sender.sendto(text.encode(), name)
