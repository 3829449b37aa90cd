"""A serial device server without hardware: one TCP connection in the place of a serial line."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

from devices.clock import SystemClock
from devices.errors import LinkDown
from devices.sim.line_speed import pieces_in_time
from devices.transports.tcp import parse_address

if TYPE_CHECKING:
    from devices.clock import Clock

READ_MAX_BYTES = 4096


class TcpHost:
    """The device's end of a line that is reached at `tcp://host:port`.

    Serves one connection; a new one takes the old one's place, as with a driver that came back.
    `write` may be called from one thread while another plugs and unplugs. What nobody is
    connected for is lost.
    """

    def __init__(self, address: str, *, baud: int = 9_600, clock: Clock | None = None) -> None:
        """Raises `DeviceConfigError` when `address` is not `tcp://host:port`."""
        self._address = address
        self._place = parse_address(address)
        self._baud = baud
        self._clock = clock or SystemClock()
        self._listener: socket.socket | None = None
        self._connection: socket.socket | None = None
        self._in_use = threading.Lock()
        self.lost_bytes = 0

    @property
    def is_plugged(self) -> bool:
        """True from `plug` to `unplug`."""
        return self._listener is not None

    def plug(self) -> None:
        """Listen. No effect when it is plugged.

        Raises:
            LinkDown: the port is taken.
        """
        with self._in_use:
            if self._listener is not None:
                return
            try:
                self._listener = socket.create_server(self._place, backlog=4)
            except OSError as exc:
                raise LinkDown(f"{self._address}: {exc}") from exc
            self._listener.settimeout(0)

    def unplug(self) -> None:
        """Break the connection and stop listening. May be called twice."""
        with self._in_use:
            self._hang_up()
            listener, self._listener = self._listener, None
            if listener is not None:
                listener.close()

    def write(self, payload: bytes) -> None:
        """Send `payload` at the line's speed; bytes that nobody can receive are lost."""
        for piece in pieces_in_time(payload, baud=self._baud, clock=self._clock):
            with self._in_use:
                self.lost_bytes += len(piece) - self._put(piece)

    def read(self, timeout_s: float) -> bytes:
        """What the driver sent, after at most `timeout_s`; b"" when it sent nothing."""
        with self._in_use:
            self._accept()
            ends = [end for end in (self._listener, self._connection) if end is not None]
        # A socket that is closed meanwhile makes select raise or answer: both end the wait.
        with contextlib.suppress(OSError, ValueError):
            select.select(ends, [], [], timeout_s)
        with self._in_use:
            self._accept()
            return self._received()

    def _received(self) -> bytes:
        if self._connection is None:
            return b""
        try:
            received = self._connection.recv(READ_MAX_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            received = b""
        if not received:
            self._hang_up()
        return received

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            self._hang_up()
            connection.settimeout(0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection

    def _put(self, piece: bytes) -> int:
        """How many bytes the connection took, without waiting."""
        self._accept()
        if self._connection is None:
            return 0
        try:
            return self._connection.send(piece)
        except BlockingIOError:
            return 0
        except OSError:
            self._hang_up()
            return 0

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
