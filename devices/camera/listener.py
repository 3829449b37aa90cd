"""Listens for what a camera posts over HTTP: the half that is the same whatever is posted.

The lane listens, because that is how these cameras work. What listens is the standard library's
server, bounded: one small endpoint in a process of threads needs no framework, and the hub's
(starlette) wants an event loop. Bounds: connections at a time, time on the wire, bytes of a body
(which must say its length), readings that wait. Who may speak: addresses of a list, and a password
by HTTP digest where one is set. Nothing here answers in a way that makes a camera open anything.
Why something became no reading is kept for a person who sets up the camera, bounded too.

Threads: one that accepts, one per connection; `read` belongs to the caller's.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import threading
from abc import ABC, abstractmethod
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from devices.camera.digest import DigestGate, claimed
from devices.camera.refusals import Refusal, RefusedPost
from devices.errors import DeviceConfigError, LinkDown

if TYPE_CHECKING:
    from devices.clock import Clock

CONNECTIONS_MAX = 8
CONNECTION_S = 5.0
WAITING_MAX = 16
REFUSALS_MAX = 32
SAID_MAX = 80
POLL_S = 0.2
TLS_HANDSHAKE = b"\x16"

_CAUSES = {
    HTTPStatus.NOT_FOUND: Refusal.PATH,
    HTTPStatus.LENGTH_REQUIRED: Refusal.NO_LENGTH,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Refusal.TOO_LARGE,
}
R = TypeVar("R")


class Posting(Protocol):
    """The keys that every table of a posting camera has: see `PlateCameraConfig`."""

    @property
    def listen(self) -> str: ...  # noqa: D102 - a key
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def allow(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def username(self) -> str: ...  # noqa: D102
    @property
    def password_file(self) -> str: ...  # noqa: D102
    @property
    def body_max_kb(self) -> int: ...  # noqa: D102


class PostListener(ABC, Generic[R]):
    """One address at which posts become readings of the kind R."""

    def __init__(self, table: str, config: Posting, clock: Clock) -> None:
        """Open nothing. Raises `DeviceConfigError` for a list or a password that cannot work.

        `table` is the lane file's, as messages name it.
        """
        self._table = table
        self._posting = config
        self._clock = clock
        self._allowed = allowed_networks(table, config)
        self._gate = _gate_of(table, config, clock)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._readings: queue.Queue[R] = queue.Queue(WAITING_MAX)
        self._refusals: deque[RefusedPost] = deque(maxlen=REFUSALS_MAX)

    @property
    def place(self) -> str:
        """Where it listens; the port is the real one once it does."""
        port = self._posting.port if self._server is None else self._server.server_address[1]
        return f"http://{self._posting.listen}:{port}{self._posting.path}"

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    def open(self) -> None:
        """Listen. Raises `LinkDown` naming the address when it is taken."""
        self.close()
        place = (self._posting.listen, self._posting.port)
        try:
            server = _Server(place, self)
        except OSError as exc:
            raise LinkDown(f"{self._name}: {self.place}: {exc.strerror or exc}") from exc
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(POLL_S,), name=self._table, daemon=True
        )
        self._thread.start()

    def read(self, timeout_s: float) -> tuple[R, ...]:
        """What was posted since the last call, oldest first; waits for the first of it."""
        if self._server is None:
            raise LinkDown(f"{self._name}: not open: {self.place}")
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._readings.get(timeout=timeout_s))
            while True:
                found.append(self._readings.get_nowait())
        return tuple(found)

    def refusals(self) -> tuple[RefusedPost, ...]:
        """What became no reading since the last call, oldest first, at most `REFUSALS_MAX`."""
        found = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._refusals.popleft())
        return tuple(found)

    def close(self) -> None:
        """Stop listening and drop every connection. May be called twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        server.shutdown()
        server.drop_clients()
        server.server_close()
        thread.join()

    def is_welcome(self, address: str) -> bool:
        """Whether a post may come from this address."""
        peer = ipaddress.ip_address(address)
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._allowed)

    def challenge(self, method: str, target: str, authorization: str) -> str | None:
        """None: let in; else what to answer a stranger."""
        if self._gate is None or self._gate.lets_in(method, target, authorization):
            return None
        return self._gate.challenge()

    @abstractmethod
    def take(self, content_type: str, body: bytes, peer: str = "") -> tuple[str, bytes]:
        """Keep the reading of a post; returns type and bytes of the answer. Never raises."""

    def note(self, peer: str, refusal: Refusal, said: str = "") -> None:
        """Keep why something became no reading. Any thread may call."""
        self._refusals.append(RefusedPost(peer=peer, refusal=refusal, said=said[:SAID_MAX]))

    def refusal(self, target: str, length: str | None) -> HTTPStatus | None:
        """Why a post is not even read; None: it may be."""
        if target != self._posting.path:
            return HTTPStatus.NOT_FOUND
        if length is None or not length.isascii() or not length.isdigit():
            return HTTPStatus.LENGTH_REQUIRED
        if int(length) > self._posting.body_max_kb * 1000:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    @property
    def _name(self) -> str:
        return self._table.replace("_", " ")

    def keep(self, reading: R) -> None:
        """The newest count: where nobody reads, the oldest go."""
        while True:
            try:
                self._readings.put_nowait(reading)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._readings.get_nowait()
            else:
                return


def allowed_networks(
    table: str, config: Posting
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The list of who may post. Raises `DeviceConfigError` naming a wrong entry."""
    found = []
    for entry in config.allow:
        try:
            found.append(ipaddress.ip_network(entry))
        except ValueError as exc:
            raise DeviceConfigError(f"{table}.allow: {exc}") from exc
    return tuple(found)


def password_of(table: str, config: Posting) -> str:
    """What the camera must know; "" where it need not. Raises `DeviceConfigError`."""
    if not config.username:
        return ""
    try:
        password = Path(config.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise DeviceConfigError(f"{table}.password_file: {exc}") from exc
    if not password:
        raise DeviceConfigError(f"{table}.password_file: {config.password_file} is empty")
    return password


def _gate_of(table: str, config: Posting, clock: Clock) -> DigestGate | None:
    password = password_of(table, config)
    return DigestGate(config.username, password, clock) if password else None


class _Server(ThreadingHTTPServer):
    """One listening socket and a bounded number of connections."""

    daemon_threads = True
    block_on_close = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], camera: PostListener[Any]) -> None:
        self.camera = camera
        self._places = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._clients: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def verify_request(self, request: object, client_address: tuple[str, int]) -> bool:
        """Only addresses of the list, and only so many at a time; others are hung up on."""
        if not self.camera.is_welcome(client_address[0]):
            self.camera.note(client_address[0], Refusal.STRANGER)
            return False
        if not self._places.acquire(blocking=False):
            self.camera.note(client_address[0], Refusal.BUSY)
            return False
        return True

    def finish_request(self, request: object, client_address: object) -> None:
        """Serve one connection, remembered so that it can be dropped, and give its place back."""
        assert isinstance(request, socket.socket)  # noqa: S101 - a TCP server
        self._clients.add(request)
        try:
            _Handler(request, client_address, self)
        finally:
            self._clients.discard(request)
            self._places.release()

    def drop_clients(self) -> None:
        """Break every connection, waking a blocked read."""
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is ordinary: say nothing."""


class _Handler(BaseHTTPRequestHandler):
    """One connection, one post, one answer."""

    server: _Server
    timeout = CONNECTION_S
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """One request; a camera that begins a TLS handshake would only wait for our half."""
        if self.connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            self._note(Refusal.TLS)
        else:
            super().handle()

    def do_POST(self) -> None:
        """Take one post of the camera."""
        self.close_connection = True
        camera, length = self.server.camera, self.headers["Content-Length"]
        if (refusal := camera.refusal(self.path, length)) is not None:
            self._note(_CAUSES[refusal], self.path)
            self._answer(refusal)
            return
        authorization = self.headers.get("Authorization", "")
        challenge = camera.challenge("POST", self.path, authorization)
        body = self.rfile.read(int(length))
        if challenge is not None:
            cause = Refusal.NOT_LET_IN if authorization else Refusal.ANONYMOUS
            self._note(cause, claimed(authorization))
            self._answer(HTTPStatus.UNAUTHORIZED, challenge=challenge)
        elif len(body) < int(length):
            self._note(Refusal.CUT)
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            kind = self.headers.get("Content-Type", "")
            kind, answer = camera.take(kind, body, self.client_address[0])
            self._answer(HTTPStatus.OK, answer, kind)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses: another method, or a head that is none."""
        self._note(Refusal.NO_POST, self.requestline)
        super().send_error(code, message, explain)

    def _note(self, refusal: Refusal, said: str = "") -> None:
        self.server.camera.note(self.client_address[0], refusal, said)

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        kind: str = "text/plain",
        challenge: str | None = None,
    ) -> None:
        self.send_response(status)
        if challenge is not None:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Nobody needs to know what runs here."""
        return "kakou"

    def log_message(self, *_args: object) -> None:
        """Posts are not news."""
