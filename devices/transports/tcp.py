"""A TCP connection to a serial device server, spelled `tcp://host:port`."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

from devices.errors import DeviceConfigError, LinkDown

SCHEME = "tcp://"
CONNECT_TIMEOUT_S = 1.0
WRITE_TIMEOUT_S = 1.0
# A server that loses its power says nothing: probe after 3 s, give up after 3 more.
KEEPALIVE_IDLE_S = 3
KEEPALIVE_INTERVAL_S = 1
KEEPALIVE_PROBES = 3


class TcpTransport:
    """An open connection.

    Raises:
        LinkDown: nobody answers at the address.
        DeviceConfigError: the address is not `tcp://host:port`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            self._socket = socket.create_connection(parse_address(address), CONNECT_TIMEOUT_S)
        except OSError as exc:
            raise LinkDown(f"{address}: {exc}") from exc
        self._socket.settimeout(WRITE_TIMEOUT_S)
        for level, option, value in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
        ):
            self._socket.setsockopt(level, option, value)
        self._closing = False
        self._in_use = threading.Lock()  # as in the serial transport: close waits for the reader

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes and return what has come, at most `max_bytes`.

        Returns b"" when nothing came in time. Raises `LinkDown` when the connection is gone.
        """
        with self._in_use:
            self._refuse_if_closing()
            try:
                ready, _, _ = select.select([self._socket], [], [], timeout_s)
                if not ready:
                    return b""
                received = self._socket.recv(max_bytes)
            except OSError as exc:
                raise LinkDown(f"{self._address}: {exc}") from exc
            self._refuse_if_closing()
            if not received:
                raise LinkDown(f"{self._address}: closed by the far end")
            return received

    def write(self, payload: bytes) -> None:
        """Send all of `payload`. Raises `LinkDown` when the connection is gone or stuck."""
        self._refuse_if_closing()
        try:
            self._socket.sendall(payload)
        except OSError as exc:
            raise LinkDown(f"{self._address}: {exc}") from exc

    def close(self) -> None:
        """Give the connection back; a blocked `read` ends with `LinkDown`. May be called twice."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with self._in_use:
            self._socket.close()

    def _refuse_if_closing(self) -> None:
        if self._closing:
            raise LinkDown(f"{self._address}: closed")


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of `tcp://host:port`; an IPv6 host stands in square brackets.

    Raises:
        DeviceConfigError: anything else.
    """
    host, separator, port = address.removeprefix(SCHEME).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not address.startswith(SCHEME) or not separator or not host or not 1 <= number <= 65_535:  # noqa: PLR2004
        raise DeviceConfigError(f"port: {address!r} is not tcp://host:port")
    return host, number
