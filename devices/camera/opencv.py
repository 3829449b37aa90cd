"""A stream camera through OpenCV: MJPEG over HTTP, RTSP, a video file, or a V4L2 device.

Theory of operation. One thread per open camera grabs without pause and keeps only the newest
picture, so no delay grows behind a slow reader. Where the stream is Motion JPEG over a network
the packets are kept as they came (OpenCV's raw mode) and decoded only when someone asks: 0.7 ms
of CPU per frame instead of 6 for 1280x720. H.264, H.265 and others must be decoded as they come,
because each picture builds on the one before. (Which codec it is shows only after opening, so
those are opened twice the first time.) What a stream piled up while it was being opened is dropped.

Streams that are decoded here
- are decoded by one thread: with more, FFmpeg hands a picture out only when as many newer ones have
  come (seven on eight cores, 0.9 s at 8 fps), and a picture would look newer than it is.
- `open` waits for the first picture, up to `open_timeout_s`: a camera may send no key picture
  before its group of pictures ends.
- FFmpeg knows that a picture is whole when the next one begins: every picture comes one late.
  Its `received_s` is the moment at which it began to come, which is when the one before was whole.
- a picture of which a part is missing, and all that build on it, are dropped up to the next key
  picture without a complaint of the decoder (`decoder_log.py`).

Dirt it survives: a camera that hangs (read time-out `stale_s`; OpenCV's own is 30 s), that hangs
up, that sends cut or damaged pictures (dropped; they do not count as frames). A video file plays
at its own rate, again and again.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2

from devices.addresses import without_password
from devices.camera import decoder_log
from devices.camera.feed import Feed
from devices.errors import LinkDown
from devices.readings import Frame, JpegFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.camera.feed import Picture
    from devices.clock import Clock
    from devices.config import CameraConfig

JPEG_QUALITY = 75
USUAL_FPS = 25.0  # of a file that does not say
SANE_FPS = (1.0, 240.0)

cv2.setNumThreads(1)  # the cores belong to the lanes
# Every failure below becomes one LinkDown: OpenCV and FFmpeg (which reads its level at first
# use) need not print it as well.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")  # seconds; its own is 10
# FFmpeg watches twenty frames to learn a stream's rate, and seven decoded ones for its delay, which
# nobody asks for: an RTSP camera would be open seconds later. OpenCV's own default, RTSP over TCP,
# must be repeated here.
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
PATIENT = "rtsp_transport;tcp|fpsprobesize;0"
BRISK = f"{PATIENT}|analyzeduration;100000"
os.environ.setdefault(OPTIONS, BRISK)
_patience = threading.Lock()


class StreamCamera:
    """See `devices.camera.api.Camera`."""

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._feed: Feed | None = None
        self._last_number = 0
        self._is_raw = self._is_network  # until it is known better: what it was the last time

    def open(self) -> None:
        """Connect within `open_timeout_s` and start grabbing; `LinkDown` names the source.

        A stream that is decoded here has its first picture then, or as much time again for it.
        """
        self.close()
        capture = self._capture()
        if not capture.isOpened():
            capture.release()
            raise LinkDown(f"camera: cannot open {self._place}")
        feed = self._feed = Feed(
            capture,
            self._clock,
            place=self._place,
            is_raw=self._is_raw,
            is_decoded_live=self._is_network and not self._is_raw,
            frame_s=0.0 if self._is_live else 1.0 / _rate_fps(capture),
            first_number=self._last_number + 1,
        )
        feed.start()
        if self._is_network and not self._is_raw:
            first_s = self._config.open_timeout_s
            try:
                feed.newest(self._last_number, first_s, stale_s=first_s)
            except LinkDown:
                self.close()
                raise

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

    def _open_feed(self) -> Feed:
        if self._feed is None:
            raise LinkDown(f"camera: not open: {self._place}")
        return self._feed

    def close(self) -> None:
        """End the grabbing thread; waits for a read in progress, at most about `stale_s`.

        Where the stream is decoded here a read may last `open_timeout_s`.
        """
        if self._feed is not None:
            self._last_number = self._feed.stop()
            self._feed = None

    def _capture(self) -> cv2.VideoCapture:
        """The capture, opened or not; `_is_raw` says then whether it gives packets as they came."""
        capture = self._opened()
        is_jpeg = self._is_network and _fourcc(capture) == "MJPG"
        if self._is_network and capture.isOpened() and is_jpeg != self._is_raw:
            self._is_raw = is_jpeg
            capture.release()
            capture = self._opened()
        if capture.isOpened() and not self._is_raw and not capture.get(cv2.CAP_PROP_FRAME_WIDTH):
            capture.release()
            capture = self._opened_patiently()
        if not self._is_raw:
            decoder_log.listen()
        return capture

    def _opened(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(self._config.source, cv2.CAP_FFMPEG, self._open_parameters())

    def _opened_patiently(self) -> cv2.VideoCapture:
        """For a camera that does not describe its pictures: FFmpeg must see one before it is open.

        OpenCV has no such option for a single stream. Another one that is opened meanwhile is
        opened patiently, too; where the variable is not ours it stays as it is.
        """
        if os.environ.get(OPTIONS) not in (BRISK, PATIENT):
            return self._opened()
        with _patience:
            os.environ[OPTIONS] = PATIENT
            try:
                return self._opened()
            finally:
                os.environ[OPTIONS] = BRISK

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

    def _open_parameters(self) -> list[int]:
        config = self._config
        # One read waits for the first key picture; after that `newest` minds `stale_s`.
        read_s = config.stale_s if self._is_raw else max(config.stale_s, config.open_timeout_s)
        parameters = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(config.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(read_s * 1000),
        ]
        how = [cv2.CAP_PROP_FORMAT, -1] if self._is_raw else [cv2.CAP_PROP_N_THREADS, 1]
        return parameters + how


class V4l2Camera(StreamCamera):
    """A camera at the machine itself, `/dev/video0` or `v4l2:///dev/video0`."""

    def _capture(self) -> cv2.VideoCapture:
        device = self._config.source.removeprefix("v4l2://")
        if not Path(device).is_char_device():  # else OpenCV would try it as a file's name
            raise LinkDown(f"camera: no video device: {device}")
        # One buffer: the driver itself must not pile up what nobody has fetched yet.
        return cv2.VideoCapture(device, cv2.CAP_V4L2, [cv2.CAP_PROP_BUFFERSIZE, 1])

    @property
    def _is_live(self) -> bool:
        return True

    @property
    def _is_network(self) -> bool:
        return False


def jpeg_of(image: npt.NDArray[np.uint8]) -> bytes:
    """A picture as a JPEG, at a quality that a person looks at."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _decode(picture: Picture) -> npt.NDArray[np.uint8] | None:
    if not picture.is_jpeg:
        return picture.pixels
    image = cv2.imdecode(picture.pixels, cv2.IMREAD_COLOR)
    return cast("npt.NDArray[np.uint8] | None", image)


def _fourcc(capture: cv2.VideoCapture) -> str:
    return int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin1")


def _rate_fps(capture: cv2.VideoCapture) -> float:
    rate_fps = capture.get(cv2.CAP_PROP_FPS)
    return rate_fps if SANE_FPS[0] <= rate_fps <= SANE_FPS[1] else USUAL_FPS
