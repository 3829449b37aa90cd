"""Simulated network cameras: what every kind has in common, and MJPEG over HTTP.

Faults are settable while it runs: `unplug` drops every connection and stops listening, `plug`
listens again on the same port, `stalled` keeps connections open and sends nothing, `frozen`
repeats one picture for ever, `cut_short` sends pictures whose second half is missing. The kind that
speaks RTSP is in `rtsp_camera.py`.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from abc import ABC, abstractmethod
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, ClassVar

from devices.errors import LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDARY = "kakou-frame"
SEND_TIMEOUT_S = 5.0  # a client that stops reading is dropped


class SimCamera(ABC):
    """Serves `picture()` as a stream at a fixed rate to any number of clients, at `url`.

    `picture` returns one JPEG and is called from the connections' threads, so it must be quick
    and thread-safe. `start`, `stop`, `unplug` and `plug` belong to one thread; port 0 chooses a
    free port at the first start, kept from then on. `path` is with its query.
    """

    scheme: ClassVar[str]
    has_key_pictures: ClassVar[bool] = False  # and others that build on them

    def __init__(
        self,
        host: str,
        port: int,
        picture: Callable[[], bytes],
        *,
        path: str = "/stream.mjpg",
        rate_fps: float = 8.0,
    ) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.stalled = False
        self.frozen = False
        self.cut_short = False
        self.instead: bytes | None = None  # a JPEG that is shown instead: lens covered, turned away
        self._picture = picture
        self._interval_s = 1.0 / rate_fps
        self._frozen_picture = b""
        self._server: CameraServer | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _serve_at(self, address: tuple[str, int]) -> CameraServer:
        """A server that listens there. Raises OSError."""

    @property
    def url(self) -> str:
        """The address of the stream."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"

    @property
    def is_plugged(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def viewers(self) -> int:
        """How many watch it now."""
        return self._server.client_count if self._server is not None else 0

    @property
    def fault(self) -> str:
        """What is wrong with it, "none" where nothing is."""
        wrong = {
            "unplugged": not self.is_plugged,
            "stalled": self.stalled,
            "frozen": self.frozen,
            "cut_short": self.cut_short,
            "covered": self.instead is not None,
        }
        return ", ".join(name for name, is_wrong in wrong.items() if is_wrong) or "none"

    def start(self) -> None:
        """Listen. Raises `LinkDown`, naming the address, when the port is taken."""
        if self._server is not None:
            return
        try:
            server = self._serve_at((self.host, self.port))
        except OSError as exc:
            raise LinkDown(f"simulated camera: cannot listen on {self.url}: {exc}") from exc
        self.port = int(server.server_address[1])
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.2,), name=f"sim-camera-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Drop every client and stop listening; leaves no thread behind."""
        if self._server is None or self._thread is None:
            return
        self._server.stopping.set()
        self._server.shutdown()
        self._server.drop_clients()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None

    def unplug(self) -> None:
        """Pull the network cable, as far as a client can tell."""
        self.stop()

    def plug(self) -> None:
        """Put the cable back: the same address answers again."""
        self.start()

    def next_picture(self) -> bytes | None:
        """The bytes of the next frame as the faults will have it; None when nothing is sent."""
        picture = self.seen_picture()
        is_cut = picture is not None and self.cut_short and not self.frozen
        return picture[: len(picture) // 2] if is_cut and picture is not None else picture

    def seen_picture(self) -> bytes | None:
        """What stands before the lens, whole; None where it takes no pictures."""
        if self.stalled:
            return None
        if self.frozen:
            self._frozen_picture = self._frozen_picture or self._picture()
        else:
            self._frozen_picture = self.instead or self._picture()
        return self._frozen_picture

    @property
    def interval_s(self) -> float:
        """Seconds between two frames."""
        return self._interval_s


class CameraServer(socketserver.ThreadingTCPServer):
    """One listening socket and its connections, all of which end with it."""

    daemon_threads = False  # so that server_close() joins them
    block_on_close = True
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]
    ) -> None:
        self.stopping = threading.Event()
        self._clients: set[socket.socket] = set()
        super().__init__(address, handler)

    @property
    def client_count(self) -> int:
        """How many connections carry the stream now."""
        return len(self._clients)

    def add_client(self, client: socket.socket) -> None:
        """Remember a connection so that it can be dropped."""
        self._clients.add(client)

    def remove_client(self, client: socket.socket) -> None:
        """Forget a connection that has ended."""
        self._clients.discard(client)

    def drop_clients(self) -> None:
        """Break every connection, waking a blocked send."""
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is ordinary: say nothing."""


class MjpegServer(SimCamera):
    """Multipart (`multipart/x-mixed-replace`) over HTTP, as most plate cameras offer it."""

    scheme = "http"

    def _serve_at(self, address: tuple[str, int]) -> CameraServer:
        return _MjpegServer(address, self)


class _MjpegServer(CameraServer):
    """One MJPEG camera's listening socket."""

    def __init__(self, address: tuple[str, int], camera: MjpegServer) -> None:
        self.camera = camera
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _MjpegServer
    timeout = SEND_TIMEOUT_S

    def do_GET(self) -> None:
        """Send the stream until the client goes or the server stops."""
        camera = self.server.camera
        if self.path != camera.path:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.server.add_client(self.connection)
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self._stream(camera)
        except OSError:
            self.close_connection = True
        finally:
            self.server.remove_client(self.connection)

    def _stream(self, camera: MjpegServer) -> None:
        while not self.server.stopping.is_set():
            picture = camera.next_picture()
            if picture is not None:
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(picture)}\r\n\r\n"
                )
                self.wfile.write(head.encode("ascii") + picture + b"\r\n")
            self.server.stopping.wait(camera.interval_s)

    def log_message(self, *_args: object) -> None:
        """Connections are not news."""
