"""Simulated signs: they show what the wire says, and remember what was spoken."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec

from devices.errors import LinkDown
from devices.sign.codecs.led_64ff import Receiver
from devices.sim.line_server import LineServer

if TYPE_CHECKING:
    from devices.config import SignConfig
    from devices.sim.line_host import LineHost

READ_S = 0.1
SHOWN = 204


class _Posted(msgspec.Struct, frozen=True):
    code: str
    lines: tuple[str, ...]
    spoken: str


class SimSign(Protocol):
    """What both kinds have: `lines` as they stand, `spoken` in order, `code` over HTTP."""

    lines: dict[int, str]
    spoken: list[str]
    code: str

    def start(self) -> None:
        """Be there. No effect when it is."""
        ...

    def stop(self) -> None:
        """Be gone; leaves no thread. May be called twice."""
        ...

    @property
    def is_plugged(self) -> bool:
        """Whether a driver could reach it."""
        ...

    def unplug(self) -> None:
        """Pull the cable; what stands there stays."""
        ...

    def plug(self) -> None:
        """Put it back."""
        ...


class SimLedBoard(LineServer):
    """An LED board at a line, with the drivers' own codec."""

    def __init__(self, line: LineHost, config: SignConfig) -> None:
        super().__init__(line, "sim-sign")
        self.lines: dict[int, str] = {}
        self.spoken: list[str] = []
        self.code = ""
        self._encoding = config.encoding
        self._receiver = Receiver(config.address)

    @property
    def is_plugged(self) -> bool:
        """As its line."""
        return self._host.is_plugged

    def unplug(self) -> None:
        """Pull the line's cable."""
        self._host.unplug()

    def plug(self) -> None:
        """Put it back."""
        self._host.plug()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            if not self._host.is_plugged:
                self._stopping.wait(READ_S)
                continue
            for frame in self._receiver.feed(self._host.read(READ_S)):
                text = frame.text.decode(self._encoding, "replace")
                if frame.line is None:
                    self.spoken.append(text)
                else:
                    self.lines[frame.line] = text


class SimHttpSign:
    """A sign at the address of `config.url`. `status` is what it answers.

    While it `hangs` it takes messages and answers none; those are lost.
    """

    def __init__(self, config: SignConfig) -> None:
        parts = urlsplit(config.url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.lines: dict[int, str] = {}
        self.spoken: list[str] = []
        self.code = ""
        self.status = SHOWN
        self.hangs = False
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_plugged(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    def start(self) -> None:
        """Listen. Raises `LinkDown` when the port is taken."""
        if self._server is not None:
            return
        try:
            server = _Server(self._address, self)
        except OSError as exc:
            raise LinkDown(f"simulated sign: {self._address}: {exc}") from exc
        self._stopping.clear()
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(READ_S,), name="sim-sign", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def unplug(self) -> None:
        """Be out of reach."""
        self.stop()

    def plug(self) -> None:
        """Be at the same address again."""
        self.start()

    def take(self, posted: _Posted) -> int | None:
        """Show one message; the status to answer with, None where it is never answered."""
        if self.hangs:
            while self.hangs and not self._stopping.wait(READ_S):
                pass
            return None
        if self.status == SHOWN:
            self.code, self.lines = posted.code, dict(enumerate(posted.lines))
            if posted.spoken:
                self.spoken.append(posted.spoken)
        return self.status


class _Server(ThreadingHTTPServer):
    """One listening socket of a sign; its connections end with it."""

    daemon_threads = False  # so that server_close() joins them

    def __init__(self, address: tuple[str, int], sign: SimHttpSign) -> None:
        self.sign = sign
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One message."""

    server: _Server
    timeout = 2.0

    def do_POST(self) -> None:
        """Take it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.sign.take(msgspec.json.decode(body, type=_Posted))
        if status is not None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Posts are not news."""


def sim_sign(config: SignConfig, line: LineHost | None) -> SimSign:
    """The simulator for a sign's table; `line` is its wire where it has one."""
    return SimHttpSign(config) if line is None else SimLedBoard(line, config)
