"""The simulated RTSP camera, seen through the lane's own driver and by its bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import CameraConfig
from devices.errors import LinkDown
from devices.readings import Frame
from devices.sim.rtp_jpeg import PIECE_BYTES, fit_for_rtp, payloads, scan_of
from devices.sim.rtsp_camera import RtspCamera

CLOCK = SystemClock()


def jpeg_of(width_px: int, height_px: int, *options: int, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (9, 16, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90, *options])[1].tobytes()


def pixels_of(jpeg: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, dtype=np.uint8)


class Scene:
    """What stands before the camera."""

    def __init__(self) -> None:
        self.jpeg = jpeg_of(1280, 720)

    def __call__(self) -> bytes:
        return self.jpeg


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def server(scene: Scene) -> Iterator[RtspCamera]:
    server = RtspCamera("127.0.0.1", 0, scene, path="/plates?channel=1", rate_fps=20.0)
    server.start()
    yield server
    server.stop()


def config_of(server: RtspCamera) -> CameraConfig:
    source = server.url.replace("rtsp://", "rtsp://admin:secret@")
    return CameraConfig(source=source, stale_s=1.0, open_timeout_s=3.0)


def frame_beyond(server: RtspCamera, frames: int = 3) -> Frame:
    camera = open_camera(config_of(server), CLOCK)
    camera.open()
    try:
        frame = camera.latest(0, 10.0)
        for _ in range(frames - 1):
            assert frame is not None
            frame = camera.latest(frame.number, 10.0)
        assert frame is not None
        return frame
    finally:
        camera.close()


def test_the_driver_sees_every_pixel_of_the_picture_that_was_sent(
    server: RtspCamera, scene: Scene
) -> None:
    frame = frame_beyond(server)
    assert np.array_equal(frame.image, pixels_of(scene.jpeg))
    assert CLOCK.now().mono_s - frame.received_s < 5.0


def test_the_jpegs_of_the_stream_are_kept_as_they_came_and_the_viewer_is_counted(
    server: RtspCamera, scene: Scene
) -> None:
    camera = open_camera(config_of(server), CLOCK)
    camera.open()
    try:
        frame = camera.latest_jpeg(0, 10.0)
        assert frame is not None
        assert server.viewers == 1
    finally:
        camera.close()
    sent = scan_of(scene.jpeg)
    assert sent is not None
    assert sent.scan in frame.jpeg


@pytest.mark.parametrize(
    ("jpeg", "shape"),
    [
        (jpeg_of(1000, 501), (504, 1000, 3)),
        (jpeg_of(2560, 1440), (1144, 2040, 3)),
        (jpeg_of(640, 480, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (480, 640, 3)),
        (jpeg_of(640, 480, cv2.IMWRITE_JPEG_OPTIMIZE, 1), (480, 640, 3)),
        (jpeg_of(640, 480, cv2.IMWRITE_JPEG_RST_INTERVAL, 4), (480, 640, 3)),
        (
            jpeg_of(640, 480, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111),
            (480, 640, 3),
        ),
    ],
    ids=["odd size", "too large", "progressive", "own tables", "restarts", "4:4:4"],
)
def test_a_picture_that_rtp_cannot_carry_is_drawn_anew(
    server: RtspCamera, scene: Scene, jpeg: bytes, shape: tuple[int, int, int]
) -> None:
    assert scan_of(jpeg) is None
    scene.jpeg = jpeg
    assert frame_beyond(server, 1).image.shape == shape


def test_a_picture_at_4_2_2_is_carried_as_it_is(server: RtspCamera, scene: Scene) -> None:
    scene.jpeg = jpeg_of(640, 480, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x211111)
    scan = scan_of(scene.jpeg)
    assert scan is not None
    assert scan.kind == 0
    assert np.array_equal(frame_beyond(server).image, pixels_of(scene.jpeg))


def test_what_is_no_picture_is_not_sent() -> None:
    whole = jpeg_of(64, 64)
    assert fit_for_rtp(b"") is None
    assert fit_for_rtp(b"rubbish\xff\xd9") is None
    assert fit_for_rtp(jpeg_of(60, 60)[:-2]) is None
    cut = fit_for_rtp(whole[:-200])
    assert cut is not None
    assert not cut.is_whole


def test_the_packets_of_a_picture_are_those_of_rfc_2435() -> None:
    scan = scan_of(jpeg_of(640, 480))
    assert scan is not None
    first, second, *_ = pieces = list(payloads(scan))
    # type-specific and offset 0; type 1 (4:2:0), Q 255; 80 x 8 by 60 x 8 px; 128 bytes of tables
    assert first[:12] == bytes.fromhex("00 000000 01 FF 50 3C 00 00 0080")
    assert first[12:140] == scan.tables
    assert second[:8] == bytes((0, *PIECE_BYTES.to_bytes(3, "big"), 1, 255, 80, 60))
    assert first[140:] + b"".join(piece[8:] for piece in pieces[1:]) == scan.scan


def test_pictures_cut_short_or_missing_are_a_camera_that_is_down(server: RtspCamera) -> None:
    for fault in ("cut_short", "stalled"):
        camera = open_camera(config_of(server), CLOCK)
        camera.open()
        try:
            assert camera.latest(0, 10.0) is not None
            setattr(server, fault, True)
            with pytest.raises(LinkDown, match=r"camera: .*rtsp://…@127"):
                camera.latest(1_000_000, 10.0)
        finally:
            camera.close()
        setattr(server, fault, False)
    assert frame_beyond(server) is not None


def test_its_cable_is_pulled_and_it_is_back_within_3_s(server: RtspCamera) -> None:
    camera = open_camera(config_of(server), CLOCK)
    camera.open()
    assert camera.latest(0, 10.0) is not None
    server.unplug()
    assert server.fault == "unplugged"
    with pytest.raises(LinkDown):
        camera.latest(1_000_000, 10.0)
    camera.close()
    server.plug()
    back_s = CLOCK.now().mono_s
    camera.open()
    try:
        assert camera.latest(0, 5.0) is not None
    finally:
        camera.close()
    assert CLOCK.now().mono_s - back_s < 3.0


class Player:
    """The requests of a player, by their bytes."""

    def __init__(self, server: RtspCamera) -> None:
        self._wire = socket.create_connection((server.host, server.port), 5.0)
        self._count = 0

    def ask(self, method: str, address: str, *headers: str) -> str:
        self._count += 1
        lines = (f"{method} {address} RTSP/1.0", f"CSeq: {self._count}", *headers)
        self._wire.sendall(b"$\x01\x00\x02ab" + "\r\n".join((*lines, "", "")).encode())
        return self._wire.recv(4096).decode()

    def close(self) -> None:
        self._wire.close()


def test_requests_are_answered_as_rfc_2326_has_them(server: RtspCamera) -> None:
    player = Player(server)
    assert player.ask("OPTIONS", "*").startswith("RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, ")
    assert "404 Not Found" in player.ask("DESCRIBE", server.url.replace("plates", "other"))
    told = player.ask("DESCRIBE", server.url, "Accept: application/sdp")
    assert "m=video 0 RTP/AVP 26" in told
    assert f"a=control:{server.url}" in told
    assert "454" in player.ask("PLAY", server.url)
    udp = "Transport: RTP/AVP;unicast;client_port=5000-5001"
    assert "461 Unsupported Transport" in player.ask("SETUP", server.url, udp)
    tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"
    assert "interleaved=2-3" in player.ask("SETUP", server.url, tcp)
    assert "501" in player.ask("RECORD", server.url)
    assert "200 OK" in player.ask("TEARDOWN", server.url)
    player.close()
