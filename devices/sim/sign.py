"""Simulated signs: they show what the wire says, and remember what was spoken."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from devices.errors import LinkDown
from devices.sign.codecs.led_64ff import Receiver

if TYPE_CHECKING:
    from devices.config import SignConfig
    from devices.sim.line_host import LineHost

READ_S = 0.1


class _Posted(msgspec.Struct, frozen=True):
    code: str
    lines: tuple[str, ...]
    spoken: str


class SimSign:
    """What both kinds have: `lines` as they stand, `spoken` in order, `code` over HTTP."""

    def __init__(self) -> None:
        self.lines: dict[int, str] = {}
        self.spoken: list[str] = []
        self.code = ""

    def start(self) -> None:
        """Be there."""
        raise NotImplementedError

    def stop(self) -> None:
        """Be gone; leaves no thread. May be called twice."""
        raise NotImplementedError


class SimLedBoard(SimSign):
    """An LED board at a line, with the drivers' own codec."""

    def __init__(self, line: LineHost, config: SignConfig) -> None:
        super().__init__()
        self._line = line
        self._encoding = config.encoding
        self._receiver = Receiver(config.address)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen to the line."""
        if self._thread is None:
            self._stopping.clear()
            self._line.plug()
            self._thread = threading.Thread(target=self._run, name="sim-sign", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Leave the line."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None
            self._line.unplug()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._line.is_plugged:
                self._stopping.wait(READ_S)
                continue
            for frame in self._receiver.feed(self._line.read(READ_S)):
                text = frame.text.decode(self._encoding, "replace")
                if frame.line is None:
                    self.spoken.append(text)
                else:
                    self.lines[frame.line] = text


class SimHttpSign(SimSign):
    """A sign at the address of `config.url`. `status` is what it answers."""

    def __init__(self, config: SignConfig) -> None:
        super().__init__()
        parts = urlsplit(config.url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.status = 204
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Raises `LinkDown` when the port is taken."""
        if self._server is not None:
            return
        sign = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sign.take(msgspec.json.decode(body, type=_Posted))
                self.send_response(sign.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Posts are not news."""

        try:
            self._server = ThreadingHTTPServer(self._address, Handler)
        except OSError as exc:
            raise LinkDown(f"simulated sign: {self._address}: {exc}") from exc
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(READ_S,), name="sim-sign", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def take(self, posted: _Posted) -> None:
        """Show one message."""
        if self.status >= 300:
            return
        self.code, self.lines = posted.code, dict(enumerate(posted.lines))
        if posted.spoken:
            self.spoken.append(posted.spoken)


def sim_sign(config: SignConfig, line: LineHost | None) -> SimSign:
    """The simulator for a sign's table; `line` is its wire where it has one."""
    return SimHttpSign(config) if line is None else SimLedBoard(line, config)
