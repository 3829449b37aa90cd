"""H.264 and H.265 over RTSP, seen through the lane's own driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from devices.camera import decoder_log
from devices.camera.opencv import StreamCamera
from devices.clock import SystemClock
from devices.config import CameraConfig
from devices.errors import LinkDown
from devices.readings import Frame
from devices.sim.rtp_nal import CodedPicture, VideoCodec
from devices.sim.rtsp_camera import RtpPicture

if TYPE_CHECKING:
    from devices.sim.video_camera import ParameterSets, VideoCamera

pytestmark = pytest.mark.needs("video-encoder")

CLOCK = SystemClock()
WIDTH_PX, HEIGHT_PX = 320, 240
BLOCK_PX = 16
RATE_FPS = 20.0
WRONG = 40  # levels by which a pixel differs that shows something else
Image = npt.NDArray[np.uint8]


class Scene:
    """A ground that fades, a vehicle that drives, a sensor's noise; and each picture's number."""

    def __init__(self) -> None:
        self.number = 0
        self.size_px = (WIDTH_PX, HEIGHT_PX)
        self.shown: dict[int, Image] = {}
        self._random = np.random.default_rng(7)
        self._ground = np.repeat(np.linspace(60, 140, HEIGHT_PX), WIDTH_PX * 3)
        coarse = self._random.integers(0, 255, (14, 10, 3), dtype=np.uint8)
        self._vehicle = cv2.resize(coarse, (120, 160), interpolation=cv2.INTER_CUBIC)

    def __call__(self) -> bytes:
        self.number += 1
        noise = self._random.normal(0, 4, (HEIGHT_PX, WIDTH_PX, 1))
        drawn = self._ground.reshape(HEIGHT_PX, WIDTH_PX, 3).copy()
        left = self.number * 5 % (WIDTH_PX - 120)
        drawn[60:220, left : left + 120] = self._vehicle
        image: Image = np.clip(drawn + noise, 0, 255).astype(np.uint8)
        for bit in range(WIDTH_PX // BLOCK_PX):
            shade = 255 if self.number >> bit & 1 else 0
            image[:BLOCK_PX, bit * BLOCK_PX : (bit + 1) * BLOCK_PX] = shade
        self.shown[self.number] = image
        if self.size_px != (WIDTH_PX, HEIGHT_PX):
            image = cv2.resize(image, self.size_px).astype(np.uint8)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def number_in(image: Image) -> int:
    middles = image[BLOCK_PX // 2, BLOCK_PX // 2 :: BLOCK_PX, 0]
    return sum(1 << bit for bit, shade in enumerate(middles) if shade > 127)


Make = Callable[..., "VideoCamera"]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def make(scene: Scene) -> Iterator[Make]:
    from devices.sim.video_camera import VideoCamera  # noqa: PLC0415 - its encoder is an extra

    made: list[VideoCamera] = []

    def make(
        codec: VideoCodec = VideoCodec.H264,
        *,
        group_s: float = 0.5,
        parameter_sets: ParameterSets = "both",
    ) -> VideoCamera:
        camera = VideoCamera(
            "127.0.0.1",
            0,
            scene,
            CLOCK,
            rate_fps=RATE_FPS,
            codec=codec,
            group_s=group_s,
            parameter_sets=parameter_sets,
        )
        made.append(camera)
        camera.start()
        return camera

    yield make
    for camera in made:
        camera.stop()


@pytest.fixture
def watch() -> Iterator[Callable[..., StreamCamera]]:
    opened: list[StreamCamera] = []

    def watch(camera: VideoCamera, stale_s: float = 3.0) -> StreamCamera:
        config = CameraConfig(source=camera.url, stale_s=stale_s, open_timeout_s=4.0)
        driver = StreamCamera(config, CLOCK)
        opened.append(driver)
        driver.open()
        return driver

    yield watch
    for driver in opened:
        driver.close()


Watch = Callable[..., StreamCamera]


def frames_of(driver: StreamCamera, count: int, after: int = 0) -> list[Frame]:
    frames: list[Frame] = []
    while len(frames) < count:
        frame = driver.latest(frames[-1].number if frames else after, 10.0)
        assert frame is not None
        frames.append(frame)
    return frames


def wrong_share(frame: Frame, scene: Scene) -> float:
    """Of the pixels of a frame, those that show something else than stood before the camera."""
    shown = scene.shown.get(number_in(frame.image))
    if shown is None:
        return 1.0
    off = np.abs(frame.image.astype(int) - shown).mean(axis=2)
    return float((off > WRONG).mean())


@pytest.mark.parametrize("codec", VideoCodec)
@pytest.mark.parametrize("sets", ["described", "in_band", "both"])
def test_the_driver_sees_what_stands_before_the_camera_at_most_a_picture_late(
    make: Make, watch: Watch, scene: Scene, codec: VideoCodec, sets: str
) -> None:
    camera = make(codec, parameter_sets=sets)
    driver = watch(camera)
    late = []
    frame: Frame | None = None
    for _ in range(20):
        frame = driver.latest(frame.number if frame else 0, 10.0)
        assert frame is not None
        late.append(camera.newest - number_in(frame.image))
        assert wrong_share(frame, scene) < 0.01
    # One, since FFmpeg sees that a picture is whole when the next begins; a busy machine adds more.
    assert min(late) <= 1
    assert late[-1] <= min(late) + 3


def test_a_picture_is_stamped_when_it_came_and_not_when_the_decoder_gave_it_out(
    make: Make, watch: Watch, scene: Scene
) -> None:
    taken_s: dict[int, float] = {}
    shown = scene.__call__

    camera = make()
    camera._picture = lambda: (taken_s.setdefault(scene.number + 1, CLOCK.now().mono_s), shown())[1]
    driver = watch(camera)
    lags = [
        frame.received_s - taken_s[number_in(frame.image)]
        for frame in frames_of(driver, 20)
        if number_in(frame.image) in taken_s
    ]
    assert min(abs(lag) for lag in lags) < 0.8 / RATE_FPS
    assert np.median(lags) < 0.3


def test_a_camera_whose_group_is_longer_than_a_silence_may_be_is_opened(
    make: Make, watch: Watch, scene: Scene
) -> None:
    camera = make(group_s=2.5)
    frames_of(watch(camera), 1)  # so that the next one begins in the middle of a group
    driver = watch(camera, stale_s=0.5)
    assert wrong_share(frames_of(driver, 3)[-1], scene) < 0.01


def test_two_viewers_see_one_encoding(make: Make, watch: Watch, scene: Scene) -> None:
    camera = make()
    for driver in (watch(camera), watch(camera)):
        frames_of(driver, 3)
    assert camera.viewers == 2
    assert scene.number <= camera.newest + 1


# --- damage ---------------------------------------------------------------------------------------


def strike(
    camera: VideoCamera, damage: Callable[[CodedPicture, RtpPicture], RtpPicture | None]
) -> None:
    """Send the pictures as `damage` makes them."""
    whole = camera.packets_of

    def struck(coded: CodedPicture) -> RtpPicture | None:
        picture = whole(coded)
        return None if picture is None else damage(coded, picture)

    camera.packets_of = struck  # type: ignore[method-assign]


def without_middle(picture: RtpPicture) -> RtpPicture:
    assert len(picture.pieces) > 2
    return replace(picture, lost=frozenset({len(picture.pieces) // 2}))


@pytest.mark.parametrize("what", ["key", "other", "key gone", "other gone"])
def test_no_damaged_picture_of_h264_nor_one_that_builds_on_it_is_handed_out(
    make: Make, watch: Watch, scene: Scene, what: str
) -> None:
    assert decoder_log.listen(), "the OpenCV wheel has no libavutil where it had one"
    camera = make()
    camera.coarseness = 16  # so that every picture has many packets
    is_key, is_gone = what.startswith("key"), what.endswith("gone")
    may_strike, struck = threading.Event(), [0, 0]

    def damage(coded: CodedPicture, picture: RtpPicture) -> RtpPicture | None:
        if coded.is_key != is_key or not may_strike.is_set():
            return picture
        struck[0] += 1
        if struck[0] % (2 if is_key else 23):  # in between there are whole groups
            return picture
        struck[1] += 1
        return None if is_gone else without_middle(picture)

    strike(camera, damage)
    driver = watch(camera)
    may_strike.set()
    frames = frames_of(driver, 45)
    assert struck[1] > 0
    assert max(wrong_share(frame, scene) for frame in frames) < 0.01


def test_missing_pictures_of_h265_give_no_damaged_ones(
    make: Make, watch: Watch, scene: Scene
) -> None:
    camera = make(VideoCodec.H265)
    strike(camera, lambda coded, picture: None if coded.number % 23 == 0 else picture)
    frames = frames_of(watch(camera), 50)
    assert max(wrong_share(frame, scene) for frame in frames) < 0.01


@pytest.mark.parametrize("fault", ["cut_short", "stalled", "loses_keys", "flips_bits"])
def test_a_stream_that_stays_damaged_or_silent_is_a_camera_that_is_down(
    make: Make, watch: Watch, scene: Scene, fault: str
) -> None:
    camera = make()
    driver = watch(camera, stale_s=1.0)
    last = frames_of(driver, 3)[-1]
    setattr(camera, fault, 1 if fault == "flips_bits" else True)
    with pytest.raises(LinkDown, match=r"camera: .*rtsp://127"):  # noqa: PT012
        while (frame := driver.latest(last.number, 10.0)) is not None:
            assert wrong_share(frame, scene) < 0.01
            last = frame


def test_its_cable_is_pulled_and_it_is_back_within_3_s_at_a_group_of_2_s(
    make: Make, watch: Watch, scene: Scene
) -> None:
    camera = make(group_s=2.0)
    driver = watch(camera)
    last = frames_of(driver, 3)[-1]
    camera.unplug()
    with pytest.raises(LinkDown):  # noqa: PT012
        while (frame := driver.latest(last.number, 10.0)) is not None:
            last = frame
    driver.close()
    camera.plug()
    back_s = CLOCK.now().mono_s
    driver.open()
    assert wrong_share(frames_of(driver, 1, after=last.number)[0], scene) < 0.01
    assert CLOCK.now().mono_s - back_s < 3.0


def test_a_camera_that_is_set_anew_while_it_runs_goes_on_being_seen(
    make: Make, watch: Watch, scene: Scene
) -> None:
    camera = make()
    driver = watch(camera)
    last = frames_of(driver, 3)[-1]
    camera.coarseness = 12  # several times as many bits
    last = frames_of(driver, 20, after=last.number)[-1]
    assert wrong_share(last, scene) < 0.01
    for size_px in ((2 * WIDTH_PX, 2 * HEIGHT_PX), (WIDTH_PX // 2, HEIGHT_PX // 2)):
        scene.size_px = size_px
        last = frames_of(driver, 20, after=last.number)[-1]
        # OpenCV scales each picture to the size that the stream had when it was opened.
        assert last.image.shape == (HEIGHT_PX, WIDTH_PX, 3)
        assert wrong_share(last, scene) < 0.1


def test_the_pictures_of_a_clip_are_jpegs_made_of_the_stream(make: Make, watch: Watch) -> None:
    driver = watch(make())
    frame = driver.latest_jpeg(0, 10.0)
    assert frame is not None
    image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)
