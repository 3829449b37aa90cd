"""A folder of pictures as a camera."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from devices.camera.folder import FRAME_S, SHOW_S, FolderCamera
from devices.camera.opening import open_camera
from devices.clock import ManualClock
from devices.config import CameraConfig
from devices.errors import LinkDown


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def a_picture(path: Path, shade: int) -> None:
    assert cv2.imwrite(str(path), np.full((60, 80, 3), shade, dtype=np.uint8))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for shade, name in ((200, "c.png"), (100, "b.png"), (50, "a.png")):
        a_picture(tmp_path / name, shade)
    (tmp_path / "labels.csv").write_text("not,a,picture")
    return tmp_path


def config(folder: Path) -> CameraConfig:
    return CameraConfig(driver="folder", source=str(folder))


def test_pictures_come_in_name_order_each_for_a_while(pictures: Path, clock: ManualClock) -> None:
    camera = open_camera(config(pictures), clock)
    camera.open()
    shades = []
    number = 0
    for _ in range(4):
        frame = camera.latest(number, 1.0)
        assert frame is not None
        number = frame.number
        shades.append(int(frame.image[0, 0, 0]))
        clock.advance(SHOW_S)
    assert shades == [50, 100, 200, 50]
    camera.close()


def test_a_standing_picture_gives_ten_numbered_frames_a_second(
    pictures: Path, clock: ManualClock
) -> None:
    camera = FolderCamera(config(pictures), clock, show_s=None)
    camera.open()
    numbers = []
    number = 0
    for _ in range(5):
        frame = camera.latest(number, 1.0)
        assert frame is not None
        number = frame.number
        numbers.append(number)
    assert numbers == [1, 2, 3, 4, 5]
    assert clock.now().mono_s == pytest.approx(1_000.0 + 4 * FRAME_S, abs=0.05)


def test_no_newer_frame_in_time_is_none(pictures: Path, clock: ManualClock) -> None:
    camera = FolderCamera(config(pictures), clock)
    camera.open()
    assert camera.latest(50, 0.2) is None


def test_on_demand_a_picture_stays_until_told(pictures: Path, clock: ManualClock) -> None:
    camera = FolderCamera(config(pictures), clock, show_s=None)
    camera.open()
    clock.advance(3_600.0)
    assert camera.shown.name == "a.png"
    assert camera.advance().name == "b.png"
    frame = camera.latest(0, 1.0)
    assert frame is not None
    assert frame.image[0, 0, 0] == 100


def test_unreadable_pictures_are_skipped_and_named_once(pictures: Path, clock: ManualClock) -> None:
    (pictures / "a0.jpg").write_bytes(b"\xff\xd8 not really")
    (pictures / "a1.jpg").touch()
    camera = FolderCamera(config(pictures), clock, show_s=None)
    with capture_logs() as logs:
        camera.open()
        for _ in range(6):
            camera.advance()
    assert set(camera.skipped) == {"a0.jpg", "a1.jpg"}
    assert sorted(Path(entry["path"]).name for entry in logs) == ["a0.jpg", "a1.jpg"]
    assert {entry["event"] for entry in logs} == {"picture_skipped"}


def test_a_folder_without_a_readable_picture_is_down_and_named(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "a.jpg").touch()
    camera = FolderCamera(config(tmp_path), clock)
    with pytest.raises(LinkDown, match=r"no readable picture in .* \(1 skipped\)"):
        camera.open()


def test_a_missing_folder_is_named(tmp_path: Path, clock: ManualClock) -> None:
    camera = FolderCamera(config(tmp_path / "gone"), clock)
    with pytest.raises(LinkDown, match=r"no such folder: .*gone"):
        camera.open()


def test_a_camera_that_is_not_open_gives_no_frame(pictures: Path, clock: ManualClock) -> None:
    camera = FolderCamera(config(pictures), clock)
    with pytest.raises(LinkDown, match="not open"):
        camera.latest(0, 1.0)
    with pytest.raises(LinkDown, match="not open"):
        _ = camera.shown


def test_numbers_go_on_counting_after_reopening(pictures: Path, clock: ManualClock) -> None:
    camera = FolderCamera(config(pictures), clock)
    camera.open()
    before = camera.latest(0, 1.0)
    camera.close()
    clock.advance(1.0)
    camera.open()
    after = camera.latest(0, 1.0)
    assert before is not None
    assert after is not None
    assert after.number > before.number
