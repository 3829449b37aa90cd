"""A simulated network camera: MJPEG over HTTP, as most plate cameras offer it.

Multipart (`multipart/x-mixed-replace`) at a fixed rate to any number of clients, each frame the
bytes that `picture` returns at that moment. Faults are settable while it runs: `unplug` drops
every connection and stops listening, `plug` listens again on the same port, `stalled` keeps
connections open and sends nothing, `frozen` repeats one picture for ever, `cut_short` sends
frames whose second half is missing.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from devices.errors import LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDARY = "kakou-frame"
SEND_TIMEOUT_S = 5.0  # a client that stops reading is dropped


class MjpegServer:
    """Serves `picture()` as a stream at `http://host:port<path>`.

    `picture` returns one JPEG and is called from the connections' threads, so it must be quick
    and thread-safe. `start`, `stop`, `unplug` and `plug` belong to one thread; port 0 chooses a
    free port at the first start, kept from then on.
    """

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
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of the stream."""
        return f"http://{self.host}:{self.port}{self.path}"

    def start(self) -> None:
        """Listen. Raises `LinkDown`, naming the address, when the port is taken."""
        if self._server is not None:
            return
        try:
            server = _Server((self.host, self.port), self)
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
        if self.stalled:
            return None
        if self.frozen:
            self._frozen_picture = self._frozen_picture or self._picture()
            return self._frozen_picture
        picture = self._frozen_picture = self.instead or self._picture()
        return picture[: len(picture) // 2] if self.cut_short else picture

    @property
    def interval_s(self) -> float:
        """Seconds between two frames."""
        return self._interval_s


class _Server(ThreadingHTTPServer):
    """One listening socket and its connections, all of which end with it."""

    daemon_threads = False  # so that server_close() joins them
    block_on_close = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], camera: MjpegServer) -> None:
        self.camera = camera
        self.stopping = threading.Event()
        self._clients: set[socket.socket] = set()
        super().__init__(address, _Handler)

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


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
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
