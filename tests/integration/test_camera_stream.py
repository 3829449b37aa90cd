"""A network camera and a video file through OpenCV, as the lane sees them."""

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.camera.api import Camera
from devices.camera.opencv import StreamCamera
from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import CameraConfig
from devices.errors import LinkDown
from devices.readings import Frame
from devices.sim.camera import MjpegServer

CLOCK = SystemClock()


def picture_of(shade: int) -> bytes:
    image = np.full((240, 320, 3), shade, dtype=np.uint8)
    image[::8] = 255 - shade
    return cv2.imencode(".jpg", image)[1].tobytes()


def shade_of(frame: Frame) -> int:
    return int(frame.image[4, 4, 0])


class Scene:
    """What stands before the simulated camera."""

    def __init__(self) -> None:
        self.shade = 20
        self.sent = 0

    def __call__(self) -> bytes:
        self.sent += 1
        return picture_of(self.shade)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def server(scene: Scene) -> Iterator[MjpegServer]:
    server = MjpegServer("127.0.0.1", 0, scene, rate_fps=25.0)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def camera(server: MjpegServer) -> Iterator[Camera]:
    camera = open_camera(CameraConfig(source=server.url, stale_s=0.8, open_timeout_s=2.0), CLOCK)
    camera.open()
    yield camera
    camera.close()


def first(camera: Camera, newer_than: int = 0) -> Frame:
    frame = camera.latest(newer_than, 5.0)
    assert frame is not None
    return frame


def wait_for_link_down(camera: Camera, within_s: float = 10.0) -> LinkDown:
    deadline_s = CLOCK.now().mono_s + within_s
    while CLOCK.now().mono_s < deadline_s:
        try:
            camera.latest(1_000_000, 0.1)
        except LinkDown as down:
            return down
    raise AssertionError("the camera never went down")


def reopen(camera: Camera, within_s: float = 10.0) -> None:
    deadline_s = CLOCK.now().mono_s + within_s
    while True:
        camera.close()
        try:
            camera.open()
        except LinkDown:
            if CLOCK.now().mono_s > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return


def wait_until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline_s = CLOCK.now().mono_s + within_s
    while not condition():
        assert CLOCK.now().mono_s < deadline_s
        time.sleep(0.02)


def test_frames_are_numbered_and_stamped_on_arrival(camera: Camera) -> None:
    before_s = CLOCK.now().mono_s
    frame = first(camera)
    later = first(camera, frame.number)
    assert frame.image.shape == (240, 320, 3)
    assert later.number > frame.number >= 1
    assert before_s - 1.0 < frame.received_s < later.received_s <= CLOCK.now().mono_s


def test_a_slow_reader_gets_the_present_and_not_a_backlog(camera: Camera, scene: Scene) -> None:
    frame = first(camera)
    seen = scene.sent
    wait_until(lambda: scene.sent >= seen + 20)
    scene.shade = 200
    changed = scene.sent
    wait_until(lambda: scene.sent >= changed + 3)
    newest = first(camera, frame.number)
    assert shade_of(newest) == pytest.approx(200, abs=6)
    assert newest.number >= frame.number + 15


def test_no_newer_frame_in_time_is_none_and_not_the_old_one(
    camera: Camera, server: MjpegServer
) -> None:
    frame = first(camera)
    server.stalled = True
    newest = camera.latest(frame.number, 0.2)
    while newest is not None:  # what was under way
        frame = newest
        newest = camera.latest(frame.number, 0.2)
    assert newest is None


def test_a_silent_camera_is_down_and_the_error_names_it(
    camera: Camera, server: MjpegServer
) -> None:
    first(camera)
    server.stalled = True
    assert server.url in str(wait_for_link_down(camera))


def test_an_unplugged_camera_comes_back_without_a_restart_and_numbers_go_on(
    camera: Camera, server: MjpegServer
) -> None:
    frame = first(camera)
    server.unplug()
    wait_for_link_down(camera)
    with pytest.raises(LinkDown, match="cannot open"):
        camera.open()
    server.plug()
    reopen(camera)
    assert first(camera, frame.number).number > frame.number


def test_pictures_cut_short_are_no_frames(camera: Camera, server: MjpegServer) -> None:
    first(camera)
    server.cut_short = True
    wait_for_link_down(camera)
    server.cut_short = False
    reopen(camera)
    first(camera)


def test_an_absent_camera_is_told_at_once_and_named(server: MjpegServer) -> None:
    server.stop()
    camera = open_camera(CameraConfig(source=server.url), CLOCK)
    with pytest.raises(LinkDown, match=f"camera: cannot open {server.url}"):
        camera.open()


def test_a_camera_that_accepts_and_says_nothing_does_not_block_the_lane() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        config = CameraConfig(source=f"http://127.0.0.1:{port}/x", open_timeout_s=0.5)
        started_s = CLOCK.now().mono_s
        with pytest.raises(LinkDown, match="cannot open"):
            open_camera(config, CLOCK).open()
        assert CLOCK.now().mono_s - started_s < 4.0


def test_a_camera_that_is_not_open_gives_an_error_and_no_frame(server: MjpegServer) -> None:
    camera = open_camera(CameraConfig(source=server.url), CLOCK)
    with pytest.raises(LinkDown, match="not open"):
        camera.latest(0, 0.1)
    camera.close()


def test_closing_ends_a_wait_in_another_thread(camera: Camera, server: MjpegServer) -> None:
    first(camera)
    server.stalled = True
    ended: list[str] = []

    def wait() -> None:
        try:
            camera.latest(1_000_000, 30.0)
        except LinkDown as down:
            ended.append(str(down))

    waiting = threading.Thread(target=wait)
    waiting.start()
    camera.close()
    waiting.join(10.0)
    assert ended


def test_another_path_of_the_simulated_camera_is_not_found(server: MjpegServer) -> None:
    camera = open_camera(CameraConfig(source=server.url + "x", open_timeout_s=1.0), CLOCK)
    with pytest.raises(LinkDown):
        camera.open()


FORGETFUL = """
import sys
from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import CameraConfig
camera = open_camera(CameraConfig(source=sys.argv[1]), SystemClock())
camera.open()
assert camera.latest(0, 5.0) is not None
"""


def test_a_program_that_forgets_to_close_its_camera_still_ends_quietly(
    server: MjpegServer,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, server.url],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def a_film(path: Path, frames: int = 6, fps: float = 20.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (320, 240))
    for index in range(frames):
        writer.write(np.full((240, 320, 3), 30 * index + 20, dtype=np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("name", ["film.avi", "film.mp4"])
def test_a_video_file_plays_at_its_own_rate_again_and_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("mp4"):
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 20.0, (320, 240))
        for index in range(6):
            writer.write(np.full((240, 320, 3), 30 * index + 20, dtype=np.uint8))
        writer.release()
    else:
        a_film(path)
    camera = open_camera(CameraConfig(source=str(path)), CLOCK)
    camera.open()
    try:
        frame = first(camera)
        started_s, started_number = frame.received_s, frame.number
        shades = [shade_of(frame)]
        while len(shades) < 20:
            frame = first(camera, frame.number)
            shades.append(shade_of(frame))
        rate_fps = (frame.number - started_number) / (frame.received_s - started_s)
    finally:
        camera.close()
    assert 5.0 < rate_fps <= 21.0
    assert sum(later < earlier - 50 for earlier, later in itertools.pairwise(shades)) >= 2


def test_a_missing_video_file_is_named(tmp_path: Path) -> None:
    camera = open_camera(CameraConfig(source=str(tmp_path / "none.avi")), CLOCK)
    with pytest.raises(LinkDown, match=r"cannot open .*none\.avi"):
        camera.open()


def test_a_password_in_an_address_never_reaches_a_message() -> None:
    camera = StreamCamera(
        CameraConfig(source="rtsp://user:secret@127.0.0.1:1/x", open_timeout_s=0.5), CLOCK
    )
    with pytest.raises(LinkDown) as raised:
        camera.open()
    assert "secret" not in str(raised.value)
    assert "127.0.0.1:1/x" in str(raised.value)
