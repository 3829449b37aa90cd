"""A tap on a device that is asked over HTTP: each connection to it passes through here, one by one.

Request and answer are taped as the bytes that they are. A device that is not there is one that
hangs up at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from typing import TYPE_CHECKING

from devices.errors import LinkDown
from devices.transports.tcp import parse_address

if TYPE_CHECKING:
    from devices.bench.tape import Direction, TapeWriter

CONNECT_S = 2.0
TURN_S = 0.1
READ_MAX_BYTES = 65_536


class HttpTap(socketserver.ThreadingTCPServer):
    """Listens at `near`, passes on to `far`; both are `tcp://host:port`."""

    daemon_threads = False  # so that server_close() joins them
    allow_reuse_address = True

    def __init__(self, far: str, near: str, tape: TapeWriter) -> None:
        """Raises `LinkDown` where `near` is taken."""
        self.far = parse_address(far)
        self.tape = tape
        self.stopping = threading.Event()
        try:
            super().__init__(parse_address(near), _Passage)
        except OSError as exc:
            raise LinkDown(f"{near}: {exc}") from exc
        self._thread = threading.Thread(
            target=self.serve_forever, args=(TURN_S,), name="tap-http", daemon=True
        )

    def __enter__(self) -> HttpTap:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up is ordinary: say nothing."""


class _Passage(socketserver.BaseRequestHandler):
    """One connection."""

    server: HttpTap

    def handle(self) -> None:
        """Pass bytes on until one end is done."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(self.server.far, CONNECT_S) as far,
        ):
            near: socket.socket = self.request
            ways: dict[socket.socket, tuple[socket.socket, Direction]] = {
                near: (far, ">"),
                far: (near, "<"),
            }
            while not self.server.stopping.is_set():
                for end in select.select(list(ways), [], [], TURN_S)[0]:
                    payload = end.recv(READ_MAX_BYTES)
                    if not payload:
                        return
                    other, direction = ways[end]
                    self.server.tape.note(direction, payload)
                    other.sendall(payload)
