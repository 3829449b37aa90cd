"""Which driver a source gets, how soon a camera is back, and that no delay grows."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from devices.camera.folder import FolderCamera
from devices.camera.opencv import StreamCamera, V4l2Camera
from devices.camera.opening import kind_of, open_camera
from devices.clock import SystemClock
from devices.config import CameraConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import Frame
from devices.sim.camera import MjpegServer
from gate_agent.adapters.plate_candidates import PlateCandidates
from gate_agent.adapters.plate_reader import PlateAdapter
from gate_agent.adapters.service import Service
from gate_agent.domain.events import FaultCleared, FaultRaised
from gate_agent.domain.faults import FaultCode
from gate_agent.inbox import Inbox
from gate_agent.store.picture_files import PictureFiles
from models.lpr.opening import open_plate_reader
from tests.agent_rig import quiet_log

CLOCK = SystemClock()
BITS = 24
CELL_PX = 16


def stamped_picture() -> bytes:
    """A picture with the millisecond of its sending drawn as black and white squares."""
    image = np.full((64, BITS * CELL_PX, 3), 128, dtype=np.uint8)
    sent_ms = int(CLOCK.now().mono_s * 1000) % 2**BITS
    for bit in range(BITS):
        shade = 255 if sent_ms >> bit & 1 else 0
        image[8:56, bit * CELL_PX : (bit + 1) * CELL_PX] = shade
    return cv2.imencode(".jpg", image)[1].tobytes()


def age_ms_of(frame: Frame) -> int:
    """How long ago the picture was sent, by the stamp that is drawn in it."""
    row = frame.image[32, CELL_PX // 2 :: CELL_PX, 0]
    sent_ms = sum(1 << bit for bit, shade in enumerate(row[:BITS]) if shade > 127)
    age_ms: int = (int(CLOCK.now().mono_s * 1000) - sent_ms) % (1 << BITS)
    return age_ms


class NothingDeclared:
    """A manifest without a vehicle: no picture is held against any."""

    def among(self, texts: Iterable[str]) -> list[str]:
        return []

    def of_card(self, card_uid: str) -> list[str]:
        return []


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    server = MjpegServer("127.0.0.1", 0, stamped_picture, rate_fps=25.0)
    server.start()
    yield server
    server.stop()


def test_no_delay_grows_behind_a_reader_that_is_slower_than_the_camera(
    server: MjpegServer,
) -> None:
    camera = open_camera(CameraConfig(source=server.url), CLOCK)
    camera.open()
    ages_ms, number = [], 0
    for _ in range(12):
        frame = camera.latest(number, 5.0)
        assert frame is not None
        number = frame.number
        ages_ms.append(age_ms_of(frame))
        CLOCK.sleep(0.3)  # seven pictures come meanwhile
    camera.close()
    assert sorted(ages_ms)[len(ages_ms) // 2] < 150, ages_ms
    assert sorted(ages_ms[-6:])[3] < sorted(ages_ms[:6])[3] + 100, ages_ms


def test_the_arrival_stamp_is_the_pictures_own_time(server: MjpegServer) -> None:
    camera = open_camera(CameraConfig(source=server.url), CLOCK)
    camera.open()
    frame = camera.latest(0, 5.0)
    assert frame is not None
    waited_ms = (CLOCK.now().mono_s - frame.received_s) * 1000
    assert abs(age_ms_of(frame) - waited_ms) < 150
    camera.close()


def test_a_camera_is_back_within_3_s_of_its_cable(server: MjpegServer, tmp_path: Path) -> None:
    inbox = Inbox()
    adapter = PlateAdapter(
        open_camera(CameraConfig(source=server.url, stale_s=1.0, open_timeout_s=1.0), CLOCK),
        open_plate_reader,
        PictureFiles(tmp_path, max_bytes=10_000_000),
        inbox,
        CLOCK,
        quiet_log(),
        PlateCandidates(NothingDeclared()),
    )
    service = Service("camera", adapter, FaultCode.CAMERA_LINK, inbox, CLOCK, quiet_log())
    service.start()

    def wait_for(kind: type[FaultRaised] | type[FaultCleared], within_s: float) -> float:
        deadline_s = CLOCK.now().mono_s + within_s
        while CLOCK.now().mono_s < deadline_s:
            stamped = inbox.take(0.05)
            if stamped is not None and isinstance(stamped.event, kind):
                assert stamped.event.code is FaultCode.CAMERA_LINK
                return CLOCK.now().mono_s
        raise AssertionError(f"no {kind.__name__} in {within_s} s")

    CLOCK.sleep(1.0)
    server.unplug()
    wait_for(FaultRaised, 10.0)
    CLOCK.sleep(5.0)  # the pauses between tries have grown to their longest
    server.plug()
    plugged_s = CLOCK.now().mono_s
    back_s = wait_for(FaultCleared, 10.0) - plugged_s
    service.stop()
    service.join(5.0)
    assert back_s < 3.0 + 1.0, "3 s, and one for a machine that is shared"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("rtsp://192.0.2.1/plates", "stream"),
        ("http://192.0.2.1/stream.mjpg", "stream"),
        ("https://192.0.2.1/stream.mjpg", "stream"),
        ("v4l2:///dev/video7", "v4l2"),
        ("/dev/video7", "v4l2"),
        ("/somewhere/lane.avi", "stream"),
    ],
)
def test_a_source_says_which_driver_it_is_for(source: str, kind: str) -> None:
    assert kind_of(CameraConfig(source=source)) == kind


def test_a_folder_is_known_as_one(tmp_path: Path) -> None:
    assert isinstance(open_camera(CameraConfig(source=str(tmp_path)), CLOCK), FolderCamera)
    other = open_camera(CameraConfig(source=str(tmp_path / "lane.avi")), CLOCK)
    assert isinstance(other, StreamCamera)
    assert not isinstance(other, V4l2Camera)


@pytest.mark.parametrize(
    ("driver", "source", "said"),
    [
        ("auto", "ftp://u:secret@192.0.2.1/x", "no driver for ftp://; known are rtsp"),
        ("folder", "http://192.0.2.1/", "is not a folder, but driver is 'folder'"),
        ("v4l2", "rtsp://192.0.2.1/", "is not a video device, but driver is 'v4l2'"),
    ],
)
def test_a_source_that_no_driver_knows_is_refused(driver: str, source: str, said: str) -> None:
    config = msgspec.convert({"driver": driver, "source": source}, CameraConfig)
    with pytest.raises(DeviceConfigError, match=said) as failed:
        kind_of(config)
    assert "secret" not in str(failed.value)


def test_a_video_device_that_is_not_there_or_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match="no video device: /dev/video77"):
        open_camera(CameraConfig(source="v4l2:///dev/video77"), CLOCK).open()
    file = tmp_path / "video"
    file.write_bytes(b"no device")
    with pytest.raises(LinkDown, match="no video device"):
        open_camera(CameraConfig(driver="v4l2", source=str(file)), CLOCK).open()
    with pytest.raises(LinkDown, match="cannot open /dev/null"):
        open_camera(CameraConfig(driver="v4l2", source="/dev/null"), CLOCK).open()
