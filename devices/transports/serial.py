"""A serial port, 8 data bits, no parity, 1 stop bit. The only user of pyserial."""

from __future__ import annotations

import contextlib
import errno
import os
import threading

import serial

from devices.errors import LinkDown

WRITE_TIMEOUT_S = 1.0


class SerialTransport:
    """An open serial port. Bytes that came before it was opened are dropped.

    Raises:
        LinkDown: the port is missing, forbidden, or open in another program.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._port_name = port
        try:
            self._port = serial.Serial(
                port, baud, timeout=0.0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as exc:  # SerialException is an OSError
            raise LinkDown(f"{port}: {_reason(exc)}") from exc
        # USB converters hold bytes back for up to 16 ms unless told not to; others refuse.
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            self._port.set_low_latency_mode(True)
        self._closing = False
        # A descriptor closed under a blocked select may be another file's a moment later:
        # `close` wakes the reader and waits until it has let go.
        self._in_use = threading.Lock()

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes and return what has come, at most `max_bytes`.

        Returns b"" when nothing came in time. Raises `LinkDown` when the port is gone or closed.
        """
        with self._in_use:
            self._refuse_if_closing()
            try:
                if self._port.timeout != timeout_s:
                    self._port.timeout = timeout_s
                received = bytes(self._port.read(1))
                waiting = min(self._port.in_waiting, max_bytes - 1) if received else 0
                if waiting > 0:
                    received += bytes(self._port.read(waiting))
            except OSError as exc:
                raise LinkDown(f"{self._port_name}: {_reason(exc)}") from exc
            self._refuse_if_closing()
            return received

    def write(self, payload: bytes) -> None:
        """Send all of `payload`. Raises `LinkDown` when the port is gone, closed or stuck."""
        self._refuse_if_closing()
        try:
            self._port.write(payload)
        except OSError as exc:
            raise LinkDown(f"{self._port_name}: {_reason(exc)}") from exc

    def close(self) -> None:
        """Give the port back; a blocked `read` ends with `LinkDown`. May be called twice."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._port.cancel_read()
        with self._in_use:
            self._port.close()

    def _refuse_if_closing(self) -> None:
        if self._closing:
            raise LinkDown(f"{self._port_name}: closed")


def _reason(exc: Exception) -> str:
    """Why, without the port's name, which pyserial repeats."""
    number = getattr(exc, "errno", None)
    if number == errno.EAGAIN:
        return "open in another program"
    return os.strerror(number) if number else str(exc).partition("\n")[0]
