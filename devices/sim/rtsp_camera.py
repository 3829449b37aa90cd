"""A simulated network camera that speaks RTSP (RFC 2326): Motion JPEG as RTP (RFC 2435), over TCP.

Requests and the stream share one connection: RTP packets are interleaved, each behind `$`, a
channel and its length. A client that asks for UDP is told 461, and asks for TCP then, as OpenCV and
every player do. The kind that sends H.264 or H.265 is in `video_camera.py`.
"""

from __future__ import annotations

import select
import socketserver
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from devices.sim.camera import SEND_TIMEOUT_S, CameraServer, SimCamera
from devices.sim.rtp_jpeg import CLOCK_HZ, PAYLOAD_TYPE, fit_for_rtp, payloads

if TYPE_CHECKING:
    from devices.sim.rtp_jpeg import JpegScan

SESSION = "12345678"
SSRC = 0x4B414B4F
MARKER = 0x80
REQUEST_MAX_BYTES = 8_192
IDLE_S = 0.2
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
REASONS = {
    200: "OK",
    404: "Not Found",
    454: "Session Not Found",
    461: "Unsupported Transport",
    501: "Not Implemented",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPicture:
    """The payloads of one picture's packets, as far as they are sent; `at_s` in its stream.

    `is_whole`: the last of them ends it, and says so. `lost` packets were counted and not sent.
    """

    pieces: tuple[bytes, ...]
    at_s: float
    is_whole: bool = True
    lost: frozenset[int] = frozenset()


class Viewer(Protocol):
    """One connection's way through the pictures of a camera."""

    payload_type: int
    pause_s: float
    """Waited, while requests are listened for, before each `next_picture`."""

    def next_picture(self) -> RtpPicture | None:
        """What is sent next; None: nothing. May wait for it, at most about `IDLE_S`."""
        ...


class RtspCamera(SimCamera):
    """Motion JPEG over RTSP. `cut_short` leaves out the second half of each picture's packets."""

    scheme = "rtsp"

    def media_lines(self) -> tuple[str, ...]:
        """What the session description says of the stream."""
        return (f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",)

    def new_viewer(self) -> Viewer:
        """For one connection."""
        return _JpegViewer(self)

    def _serve_at(self, address: tuple[str, int]) -> CameraServer:
        return _RtspServer(address, self)


class _JpegViewer:
    """Each connection takes the pictures at its own pace."""

    payload_type = PAYLOAD_TYPE

    def __init__(self, camera: RtspCamera) -> None:
        self._camera = camera
        self.pause_s = camera.interval_s
        self._pictures = 0
        self._last: tuple[bytes, JpegScan | None] = (b"", None)

    def next_picture(self) -> RtpPicture | None:
        picture = self._camera.next_picture()
        self._pictures += 1
        scan = self._scan_of(picture) if picture is not None else None
        if scan is None:
            return None
        return RtpPicture(
            pieces=tuple(payloads(scan)),
            at_s=self._pictures * self._camera.interval_s,
            is_whole=scan.is_whole,
        )

    def _scan_of(self, picture: bytes) -> JpegScan | None:
        """What RTP carries of it; the same picture again is not looked at twice."""
        if picture is not self._last[0]:
            self._last = (picture, fit_for_rtp(picture))
        return self._last[1]


class _RtspServer(CameraServer):
    """One camera's listening socket."""

    def __init__(self, address: tuple[str, int], camera: RtspCamera) -> None:
        self.camera = camera
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    """One connection: answers requests, and while it plays sends a picture at each interval."""

    server: _RtspServer

    def setup(self) -> None:
        """Begin without a session."""
        self.request.settimeout(SEND_TIMEOUT_S)
        self._heard = b""
        self._channel: int | None = None
        self._is_playing = False
        self._is_over = False
        self._packets = 0
        self._viewer = self.server.camera.new_viewer()

    def handle(self) -> None:
        """Serve until either end goes."""
        self.server.add_client(self.request)
        try:
            while not self._is_over and not self.server.stopping.is_set():
                self._listen(self._viewer.pause_s if self._is_playing else IDLE_S)
                if self._is_playing:
                    self._send(self._viewer.next_picture())
        except OSError:
            pass  # it hung up, or reads nothing
        finally:
            self.server.remove_client(self.request)

    # --- requests ---------------------------------------------------------------------------------

    def _listen(self, wait_s: float) -> None:
        """Answer what is asked within `wait_s`."""
        if not select.select([self.request], [], [], wait_s)[0]:
            return
        heard = self.request.recv(REQUEST_MAX_BYTES)
        self._heard += heard
        self._is_over = not heard or len(self._heard) > REQUEST_MAX_BYTES
        while (request := self._next_request()) is not None:
            self._answer(*request)

    def _next_request(self) -> tuple[str, str, dict[str, str]] | None:
        """Method, address and headers of the next request that came whole."""
        while self._heard[:1] == b"$" and len(self._heard) >= 4:
            end = 4 + int.from_bytes(self._heard[2:4], "big")
            if len(self._heard) < end:
                return None
            self._heard = self._heard[end:]
        head, mark, rest = self._heard.partition(b"\r\n\r\n")
        if not mark:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): text.strip()
            for name, _, text in (line.partition(":") for line in lines)
        }
        length = headers.get("content-length", "0")
        self._heard = rest[int(length) if length.isdecimal() else 0 :]
        method, _, address = first.partition(" ")
        return method, address.partition(" ")[0], headers

    def _answer(self, method: str, address: str, headers: dict[str, str]) -> None:
        status, told, body = 200, {}, ""
        match method:
            case "OPTIONS":
                told = {"Public": METHODS}
            case "DESCRIBE":
                status, told, body = self._described(address)
            case "SETUP":
                status, told = self._set_up(headers.get("transport", ""))
            case "PLAY":
                status = 200 if self._channel is not None else 454
                self._is_playing = status == 200
            case "TEARDOWN":
                self._is_playing, self._is_over = False, True
            case "GET_PARAMETER":
                pass
            case _:
                status = 501
        session = {"Session": SESSION} if self._channel is not None else {}
        lines = {"CSeq": headers.get("cseq", "0"), **session, **told}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        answer = f"RTSP/1.0 {status} {REASONS[status]}\r\n{text}\r\n{body}"
        self.request.sendall(answer.encode("latin-1"))

    def _described(self, address: str) -> tuple[int, dict[str, str], str]:
        camera = self.server.camera
        parts = urlsplit(address)
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        if path != camera.path:
            return 404, {}, ""
        body = "\r\n".join(
            (
                "v=0",
                "o=- 0 0 IN IP4 0.0.0.0",
                "s=simulated camera",
                "c=IN IP4 0.0.0.0",
                "t=0 0",
                *camera.media_lines(),
                f"a=framerate:{1.0 / camera.interval_s:g}",
                f"a=control:{camera.url}",
                "",
            )
        )
        told = {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
        return 200, told, body

    def _set_up(self, transport: str) -> tuple[int, dict[str, str]]:
        for offer in transport.split(","):
            if offer.strip().upper().startswith("RTP/AVP/TCP"):
                _, _, channels = offer.partition("interleaved=")
                first = channels.partition("-")[0].partition(";")[0]
                self._channel = int(first) & 0xFF if first.isdecimal() else 0
                pair = f"{self._channel}-{self._channel + 1}"
                return 200, {"Transport": f"RTP/AVP/TCP;unicast;interleaved={pair}"}
        return 461, {}

    # --- the stream -------------------------------------------------------------------------------

    def _send(self, picture: RtpPicture | None) -> None:
        if picture is None:
            return
        last = len(picture.pieces) - 1 if picture.is_whole else None
        packets = bytearray()
        for number, piece in enumerate(picture.pieces):
            packet = self._packet(piece, at_s=picture.at_s, is_last=number == last)
            packets += b"" if number in picture.lost else packet
        self.request.sendall(packets)

    def _packet(self, payload: bytes, *, at_s: float, is_last: bool) -> bytes:
        head = bytes((0x80, self._viewer.payload_type | (MARKER if is_last else 0)))
        head += (self._packets & 0xFFFF).to_bytes(2, "big")
        head += (round(at_s * CLOCK_HZ) & 0xFFFFFFFF).to_bytes(4, "big") + SSRC.to_bytes(4, "big")
        self._packets += 1
        packet = head + payload
        return b"$" + bytes((self._channel or 0,)) + len(packet).to_bytes(2, "big") + packet
