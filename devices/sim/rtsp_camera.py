"""A simulated network camera that speaks RTSP (RFC 2326): Motion JPEG as RTP (RFC 2435), over TCP.

Requests and the stream share one connection: RTP packets are interleaved, each behind `$`, a
channel and its length. A client that asks for UDP is told 461, and asks for TCP then, as OpenCV and
every player do. Other codecs a camera may have are not simulated: no encoder comes with OpenCV.
"""

from __future__ import annotations

import select
import socketserver
from typing import TYPE_CHECKING
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


class RtspCamera(SimCamera):
    """Motion JPEG over RTSP. `cut_short` leaves out the second half of each picture's packets."""

    scheme = "rtsp"

    def _serve_at(self, address: tuple[str, int]) -> CameraServer:
        return _RtspServer(address, self)


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
        self._pictures = 0
        self._last: tuple[bytes, JpegScan | None] = (b"", None)

    def handle(self) -> None:
        """Serve until either end goes."""
        self.server.add_client(self.request)
        camera = self.server.camera
        try:
            while not self._is_over and not self.server.stopping.is_set():
                self._listen(camera.interval_s if self._is_playing else IDLE_S)
                if self._is_playing:
                    self._send_picture(camera.next_picture())
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
                f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
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

    def _send_picture(self, picture: bytes | None) -> None:
        scan = self._scan_of(picture) if picture is not None else None
        self._pictures += 1
        if scan is None:
            return
        pieces = list(payloads(scan))
        packets = bytearray()
        for number, piece in enumerate(pieces, start=1):
            packets += self._packet(piece, is_last=scan.is_whole and number == len(pieces))
        self.request.sendall(packets)

    def _scan_of(self, picture: bytes) -> JpegScan | None:
        """What RTP carries of it; the same picture again is not looked at twice."""
        if picture is not self._last[0]:
            self._last = (picture, fit_for_rtp(picture))
        return self._last[1]

    def _packet(self, payload: bytes, *, is_last: bool) -> bytes:
        at = round(self._pictures * self.server.camera.interval_s * CLOCK_HZ)
        head = bytes((0x80, PAYLOAD_TYPE | (MARKER if is_last else 0)))
        head += (self._packets & 0xFFFF).to_bytes(2, "big")
        head += (at & 0xFFFFFFFF).to_bytes(4, "big") + SSRC.to_bytes(4, "big")
        self._packets += 1
        packet = head + payload
        return b"$" + bytes((self._channel or 0,)) + len(packet).to_bytes(2, "big") + packet
