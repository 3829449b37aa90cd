"""A folder of pictures as a camera: in name order, each shown for a while or until told.

Every picture is delivered as a stream of frames at ten per second, as a real camera in front of
a standing truck would. A file that cannot be read as a picture is skipped and logged once, with
its name and the reason, and kept in `skipped`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import structlog

from devices.camera.opencv import jpeg_of
from devices.errors import LinkDown
from devices.readings import Frame, JpegFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.clock import Clock
    from devices.config import CameraConfig

FRAME_S = 0.1
SHOW_S = 3.0
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")

log = structlog.get_logger(__name__)


class FolderCamera:
    """See `devices.camera.api.Camera`.

    `show_s` is how long each picture is shown; None shows one until `advance` is called. After
    the last picture comes the first.
    """

    def __init__(
        self, config: CameraConfig, clock: Clock, *, show_s: float | None = SHOW_S
    ) -> None:
        self.skipped: dict[str, str] = {}
        self._folder = Path(config.source)
        self._clock = clock
        self._show_s = show_s
        self._paths: list[Path] = []
        self._index = 0
        self._image: npt.NDArray[np.uint8] | None = None
        self._shown_since_s = 0.0
        self._epoch_s = clock.now().mono_s

    @property
    def shown(self) -> Path:
        """The picture in front of the camera now. Raises `LinkDown` when not open."""
        if self._image is None:
            raise LinkDown(f"camera: not open: {self._folder}")
        return self._paths[self._index]

    def open(self) -> None:
        """List the folder and show its first readable picture; `LinkDown` when there is none."""
        self.close()
        if not self._folder.is_dir():
            raise LinkDown(f"camera: no such folder: {self._folder}")
        self._paths = sorted(
            path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES
        )
        self._show(0)

    def advance(self) -> Path:
        """Show the next readable picture now; returns its path."""
        self._show(self._index + 1)
        return self.shown

    def latest(self, newer_than: int, timeout_s: float) -> Frame | None:
        """A frame of the picture shown; see the contract in `devices.camera.api`."""
        if self._image is None:
            raise LinkDown(f"camera: not open: {self._folder}")
        number = self._number_now()
        if number <= newer_than:
            wait_s = self._epoch_s + newer_than * FRAME_S - self._clock.now().mono_s
            self._clock.sleep(min(wait_s + 1e-3, timeout_s))
            number = self._number_now()
            if number <= newer_than:
                return None
        now_s = self._clock.now().mono_s
        while self._show_s is not None and now_s >= self._shown_since_s + self._show_s:
            due_s = self._shown_since_s + self._show_s
            self._show(self._index + 1)
            self._shown_since_s = max(due_s, now_s - self._show_s)
        image = self._image
        if image is None:
            raise LinkDown(f"camera: closed: {self._folder}")
        return Frame(image=image, number=number, received_s=now_s)

    def latest_jpeg(self, newer_than: int, timeout_s: float) -> JpegFrame | None:
        """The picture shown, encoded; see the contract in `devices.camera.api`."""
        frame = self.latest(newer_than, timeout_s)
        if frame is None:
            return None
        jpeg = jpeg_of(frame.image)
        return JpegFrame(jpeg=jpeg, number=frame.number, received_s=frame.received_s)

    def close(self) -> None:
        """Show nothing any more."""
        self._image = None

    def _number_now(self) -> int:
        return 1 + int((self._clock.now().mono_s - self._epoch_s) / FRAME_S)

    def _show(self, first: int) -> None:
        """Show the first readable picture from index `first` on, going round once."""
        for step in range(len(self._paths)):
            index = (first + step) % len(self._paths)
            image = self._read(self._paths[index])
            if image is not None:
                self._index, self._image = index, image
                self._shown_since_s = self._clock.now().mono_s
                return
        self._image = None
        raise LinkDown(
            f"camera: no readable picture in {self._folder} ({len(self.skipped)} skipped)"
        )

    def _read(self, path: Path) -> npt.NDArray[np.uint8] | None:
        try:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            reason = "not a picture that OpenCV can decode"
        except cv2.error as exc:
            image, reason = None, str(exc)
        if image is not None:
            return cast("npt.NDArray[np.uint8]", image)
        if path.name not in self.skipped:
            self.skipped[path.name] = reason
            log.warning("picture_skipped", path=str(path), reason=reason)
        return None
