"""An RTSP camera, served by GStreamer on loopback."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import CameraConfig
from devices.errors import LinkDown

SERVER = Path(__file__).with_name("rtsp_server.py")
CLOCK = SystemClock()

pytestmark = pytest.mark.needs("rtsp-server")


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        ["/usr/bin/python3", str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return server.stdout.readline().strip()


@pytest.mark.parametrize("codec", ["jpeg", "vp8"])
def test_an_rtsp_camera_delivers_its_newest_frame(
    server: subprocess.Popen[str], codec: str
) -> None:
    camera = open_camera(CameraConfig(source=f"{address_of(server)}/{codec}"), CLOCK)
    camera.open()
    try:
        frame = camera.latest(0, 10.0)
        assert frame is not None
        for _ in range(5):
            newer = camera.latest(frame.number, 5.0)
            assert newer is not None
            assert newer.number > frame.number
            frame = newer
        assert frame.image.shape == (368, 640, 3)
        assert CLOCK.now().mono_s - frame.received_s < 2.0
    finally:
        camera.close()


def test_an_rtsp_camera_that_dies_is_down_within_its_time_limit(
    server: subprocess.Popen[str],
) -> None:
    address = f"{address_of(server)}/jpeg"
    camera = open_camera(CameraConfig(source=address, stale_s=1.0, open_timeout_s=2.0), CLOCK)
    camera.open()
    try:
        assert camera.latest(0, 10.0) is not None
        server.kill()
        server.wait()
        with pytest.raises(LinkDown, match=r"camera: .*rtsp://127"):
            camera.latest(1_000_000, 20.0)
        started_s = CLOCK.now().mono_s
        with pytest.raises(LinkDown, match="cannot open rtsp://127"):
            camera.open()
        assert CLOCK.now().mono_s - started_s < 10.0
    finally:
        camera.close()
