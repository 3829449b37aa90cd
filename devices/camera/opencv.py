"""A stream camera through OpenCV: MJPEG over HTTP, RTSP, a video file, or a V4L2 device.

Theory of operation. One thread per open camera grabs without pause and keeps only the newest
picture, so no delay grows behind a slow reader. Where the stream is Motion JPEG over a network
the packets are kept as they came (OpenCV's raw mode) and decoded only when someone asks: 0.7 ms
of CPU per frame instead of 6 for 1280x720. Other codecs must be decoded as they come, because
each picture builds on the one before. (Which codec it is shows only after opening, so those are
opened twice.) What a stream piled up while it was being opened is dropped.

Dirt it survives: a camera that hangs (read time-out `stale_s`; OpenCV's own is 30 s), that hangs
up, that sends cut or damaged JPEGs (dropped; they do not count as frames). A video file plays at
its own rate, again and again.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2

from devices.addresses import without_password
from devices.errors import LinkDown
from devices.readings import Frame, JpegFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.clock import Clock
    from devices.config import CameraConfig

JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
JPEG_QUALITY = 75
JPEG_PADDING = b"\x00\r\n"
USUAL_FPS = 25.0  # of a file that does not say
SANE_FPS = (1.0, 240.0)
BACKLOG_GRAB_S = 0.012  # a frame that was there already takes no longer, decoding included
BACKLOG_LIMIT_S = 0.5

cv2.setNumThreads(1)  # the cores belong to the lanes
# Every failure below becomes one LinkDown: OpenCV and FFmpeg (which reads its level at first
# use) need not print it as well.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")  # seconds; its own is 10
# FFmpeg watches twenty frames to learn a stream's rate, which nobody asks for: at 8 fps an RTSP
# camera would be open 2.5 s later. OpenCV's own default, RTSP over TCP, must be repeated here.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|fpsprobesize;0")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """What came last: BGR pixels, or one JPEG as a flat array when `is_jpeg`."""

    pixels: npt.NDArray[np.uint8]
    is_jpeg: bool
    number: int
    received_s: float


class StreamCamera:
    """See `devices.camera.api.Camera`."""

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._feed: _Feed | None = None
        self._last_number = 0

    def open(self) -> None:
        """Connect within `open_timeout_s` and start grabbing; `LinkDown` names the source."""
        self.close()
        capture, is_raw = self._capture()
        if not capture.isOpened():
            capture.release()
            raise LinkDown(f"camera: cannot open {self._place}")
        self._feed = _Feed(
            capture,
            self._clock,
            place=self._place,
            is_raw=is_raw,
            frame_s=0.0 if self._is_live else 1.0 / _rate_fps(capture),
            first_number=self._last_number + 1,
        )
        self._feed.start()

    def latest(self, newer_than: int, timeout_s: float) -> Frame | None:
        """The newest frame; see the contract in `devices.camera.api`."""
        feed = self._open_feed()
        deadline_s = self._clock.now().mono_s + timeout_s
        while True:
            wait_s = deadline_s - self._clock.now().mono_s
            picture = feed.newest(newer_than, wait_s, stale_s=self._config.stale_s)
            if picture is None:
                return None
            image = _decode(picture)
            if image is not None:
                return Frame(image=image, number=picture.number, received_s=picture.received_s)
            newer_than = picture.number

    def latest_jpeg(self, newer_than: int, timeout_s: float) -> JpegFrame | None:
        """The newest frame as it came, or encoded where the stream is not of JPEGs."""
        picture = self._open_feed().newest(newer_than, timeout_s, stale_s=self._config.stale_s)
        if picture is None:
            return None
        jpeg = picture.pixels.tobytes() if picture.is_jpeg else jpeg_of(picture.pixels)
        return JpegFrame(jpeg=jpeg, number=picture.number, received_s=picture.received_s)

    def _open_feed(self) -> _Feed:
        if self._feed is None:
            raise LinkDown(f"camera: not open: {self._place}")
        return self._feed

    def close(self) -> None:
        """End the grabbing thread; waits for a read in progress, at most about `stale_s`."""
        if self._feed is not None:
            self._last_number = self._feed.stop()
            self._feed = None

    def _capture(self) -> tuple[cv2.VideoCapture, bool]:
        """The capture, opened or not, and whether it gives packets as they came."""
        source, is_network = self._config.source, self._is_network
        parameters = self._open_parameters(is_raw=is_network)
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, parameters)
        is_raw = is_network and _fourcc(capture) == "MJPG"
        if is_network and capture.isOpened() and not is_raw:
            capture.release()
            parameters = self._open_parameters(is_raw=False)
            capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, parameters)
        return capture, is_raw

    @property
    def _is_live(self) -> bool:
        """Whether it runs by itself; a file is played at its own rate."""
        return self._is_network

    @property
    def _is_network(self) -> bool:
        return "://" in self._config.source

    @property
    def _place(self) -> str:
        return without_password(self._config.source)

    def _open_parameters(self, *, is_raw: bool) -> list[int]:
        parameters = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(self._config.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(self._config.stale_s * 1000),
        ]
        return [*parameters, cv2.CAP_PROP_FORMAT, -1] if is_raw else parameters


class V4l2Camera(StreamCamera):
    """A camera at the machine itself, `/dev/video0` or `v4l2:///dev/video0`."""

    def _capture(self) -> tuple[cv2.VideoCapture, bool]:
        device = self._config.source.removeprefix("v4l2://")
        if not Path(device).is_char_device():  # else OpenCV would try it as a file's name
            raise LinkDown(f"camera: no video device: {device}")
        # One buffer: the driver itself must not pile up what nobody has fetched yet.
        return cv2.VideoCapture(device, cv2.CAP_V4L2, [cv2.CAP_PROP_BUFFERSIZE, 1]), False

    @property
    def _is_live(self) -> bool:
        return True


class _Feed:
    """The grabbing thread of one open capture, and the newest picture."""

    def __init__(
        self,
        capture: cv2.VideoCapture,
        clock: Clock,
        *,
        place: str,
        is_raw: bool,
        frame_s: float,
        first_number: int,
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._place = place
        self._is_raw = is_raw
        self._frame_s = frame_s
        self._next_number = first_number
        self._changed = threading.Condition()
        self._picture: _Picture | None = None
        self._arrived_s = clock.now().mono_s
        self._ended = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera-grab", daemon=True)

    def start(self) -> None:
        # A thread inside OpenCV when the interpreter ends would abort the whole process.
        atexit.register(self.stop)
        self._thread.start()

    def stop(self) -> int:
        """End the thread; returns the number of the last frame."""
        self._stopping.set()
        self._thread.join()
        atexit.unregister(self.stop)
        return self._next_number - 1

    def newest(self, newer_than: int, wait_s: float, *, stale_s: float) -> _Picture | None:
        """The newest picture beyond `newer_than`, or None; `LinkDown` when the camera is dead."""

        def is_news() -> bool:
            return bool(self._ended) or (
                self._picture is not None and self._picture.number > newer_than
            )

        with self._changed:
            has_news = self._changed.wait_for(is_news, max(0.0, wait_s))
            if self._ended:
                raise LinkDown(self._ended)
            silent_s = self._clock.now().mono_s - self._arrived_s
            if silent_s > stale_s:
                raise LinkDown(f"camera: no frame for {silent_s:.1f} s from {self._place}")
            return self._picture if has_news else None

    def _run(self) -> None:
        ended = f"camera: stopped: {self._place}"
        try:
            ended = self._grab_until_end()
        except cv2.error as exc:
            ended = f"camera: {self._place}: {exc}"
        finally:
            self._capture.release()
            with self._changed:
                self._ended = ended
                self._changed.notify_all()

    def _grab_until_end(self) -> str:
        """Returns why the stream ended."""
        if not self._frame_s:
            self._skip_backlog()
        due_s = self._clock.now().mono_s
        while not self._stopping.is_set():
            if not self._capture.grab() and not self._rewind():
                return f"camera: the stream ended or fell silent: {self._place}"
            received_s = self._clock.now().mono_s
            is_read, pixels = self._capture.retrieve()
            if is_read:
                self._keep(cast("npt.NDArray[np.uint8]", pixels), received_s)
            if self._frame_s:
                due_s = max(due_s + self._frame_s, received_s - self._frame_s)
                self._stopping.wait(due_s - received_s)
        return f"camera: closed: {self._place}"

    def _skip_backlog(self) -> None:
        """Drop what the stream piled up while it was being opened: it is older than it looks.

        A picture that has to be waited for is the first of the present.
        """
        opened_s = before_s = self._clock.now().mono_s
        while not self._stopping.is_set() and before_s - opened_s < BACKLOG_LIMIT_S:
            if not self._capture.grab():
                return
            now_s = self._clock.now().mono_s
            if now_s - before_s > BACKLOG_GRAB_S:
                return
            before_s = now_s

    def _keep(self, pixels: npt.NDArray[np.uint8], received_s: float) -> None:
        if self._is_raw and not _is_whole_jpeg(pixels):
            return
        with self._changed:
            self._picture = _Picture(
                pixels=pixels,
                is_jpeg=self._is_raw,
                number=self._next_number,
                received_s=received_s,
            )
            self._next_number += 1
            self._arrived_s = received_s
            self._changed.notify_all()

    def _rewind(self) -> bool:
        """A file begins again; a network stream does not."""
        return bool(
            self._frame_s
            and self._next_number > 1
            and self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            and self._capture.grab()
        )


def jpeg_of(image: npt.NDArray[np.uint8]) -> bytes:
    """A picture as a JPEG, at a quality that a person looks at."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _is_whole_jpeg(packet: npt.NDArray[np.uint8]) -> bool:
    """Cheap test for cut pictures: a JPEG ends with its end marker, whatever pads it."""
    flat = packet.reshape(-1)
    return flat[:2].tobytes() == JPEG_START and flat[-64:].tobytes().rstrip(JPEG_PADDING).endswith(
        JPEG_END
    )


def _decode(picture: _Picture) -> npt.NDArray[np.uint8] | None:
    if not picture.is_jpeg:
        return picture.pixels
    image = cv2.imdecode(picture.pixels, cv2.IMREAD_COLOR)
    return cast("npt.NDArray[np.uint8] | None", image)


def _fourcc(capture: cv2.VideoCapture) -> str:
    return int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin1")


def _rate_fps(capture: cv2.VideoCapture) -> float:
    rate_fps = capture.get(cv2.CAP_PROP_FPS)
    return rate_fps if SANE_FPS[0] <= rate_fps <= SANE_FPS[1] else USUAL_FPS
