"""Lane monitoring: for every passage a clip from before the arrival to after the departure.

A camera of its own, or the plate camera's address a second time; it never stands in the way of a
plate. Its JPEGs are kept as they came, at a few a second, in bounded memory. When the lane sees the
vehicle leave it asks for the clip; it is written, named by its SHA-256, and its name goes back into
the lane, whose closing record carries it. Where the disk takes nothing the passage has no clip.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate_agent.adapters.fitting import fitting
from gate_agent.clock import instant
from gate_agent.domain.events import ClipKept
from gate_agent.errors import StoreError
from gate_agent.store.avi import ClipFrame, avi_of
from gate_agent.store.clip_ring import ClipRing

if TYPE_CHECKING:
    from devices.camera.api import JpegCamera
    from devices.clock import Clock
    from devices.config import LaneCameraConfig
    from gate_agent.domain.vocabulary import PassageId
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log
    from gate_agent.store.picture_files import ClipFiles, PictureFiles

AFTER_S = 0.25
"""So long a clip goes on after it was asked for; the lane closes an empty passage after 1 s."""
FRAME_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Began:
    """A vehicle came."""

    passage_id: PassageId


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict: a moment to keep a picture of."""

    passage_id: PassageId


@dataclass(frozen=True, slots=True)
class Keep:
    """It leaves: write the clip."""

    passage_id: PassageId


@dataclass(frozen=True, slots=True)
class Ended:
    """The passage is closed."""

    passage_id: PassageId


ClipOrder = Began | Judged | Keep | Ended


class LaneCameraAdapter:
    """Serves the lane camera."""

    def __init__(
        self,
        camera: JpegCamera,
        config: LaneCameraConfig,
        clips: ClipFiles,
        pictures: PictureFiles,
        inbox: Inbox,
        clock: Clock,
        log: Log,
    ) -> None:
        self._camera = camera
        self._config = config
        self._clips = clips
        self._pictures = pictures
        self._inbox = inbox
        self._clock = clock
        self._log = log
        self._orders: queue.Queue[ClipOrder] = queue.Queue()
        self._ring = ClipRing(before_s=config.before_s, max_bytes=config.memory_max_mb * 1_000_000)
        self._last_number = 0
        self._passage: PassageId | None = None
        self._moments_s: list[float] = []  # of which a picture is kept
        self._due_s: float | None = None  # when the clip that was asked for is written

    def order(self, order: ClipOrder) -> None:
        """Follow the passage; any thread may call."""
        self._orders.put(order)

    def open(self) -> None:
        """Take the camera. What is in memory stays: a clip may have a gap."""
        self._camera.open()

    def serve(self) -> bool:
        """Take one frame at the pace of `rate_fps`, and do what is due."""
        started_s = self._clock.now().mono_s
        frame = self._camera.latest_jpeg(self._last_number, FRAME_WAIT_S)
        if frame is not None:
            self._last_number = frame.number
            self._ring.add(ClipFrame(frame.received_s, frame.jpeg))
        self._follow()
        spent_s = self._clock.now().mono_s - started_s
        self._clock.sleep(1.0 / self._config.rate_fps - spent_s)
        return frame is not None

    def lost(self) -> None:
        """The passage goes on without pictures."""
        self._follow()

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()

    def _follow(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                break
            self._obey(order)
        if self._due_s is not None and self._clock.now().mono_s >= self._due_s:
            self._write()
        self._clips.trim_if_due()

    def _obey(self, order: ClipOrder) -> None:
        now_s = self._clock.now().mono_s
        if isinstance(order, Began):
            self._passage, self._moments_s, self._due_s = order.passage_id, [now_s], None
            self._ring.end(now_s)
            self._ring.begin(now_s)
        elif order.passage_id != self._passage:
            return
        elif isinstance(order, Judged):
            self._moments_s.append(now_s)
        elif isinstance(order, Keep):
            self._moments_s = [*self._moments_s[:2], now_s]
            self._due_s = now_s + AFTER_S
        else:
            if self._due_s is not None:
                self._write()
            self._ring.end(now_s)
            self._passage = None

    def _write(self) -> None:
        """Keep the clip and its pictures, and tell the lane; a full disk is told once a clip."""
        self._due_s = None
        frames, passage_id = self._ring.clip(), self._passage
        if not frames or passage_id is None:
            return
        try:
            clip = avi_of(frames, rate_fps=self._config.rate_fps, comment=str(passage_id))
            clip_id = self._clips.keep(*clip)
            seen = tuple(
                self._pictures.keep(fitting(jpeg)) for jpeg in _nearest(frames, self._moments_s)
            )
        except StoreError as exc:
            self._log.warning("clip_not_kept", passage_id=passage_id, detail=str(exc))
            return
        self._log.info("clip_kept", passage_id=passage_id, clip_id=clip_id, frames=len(frames))
        kept = ClipKept(
            passage_id=passage_id, clip_id=clip_id, frames=len(frames), picture_ids=seen
        )
        self._inbox.put(kept, instant(self._clock))


def _nearest(frames: tuple[ClipFrame, ...], moments_s: list[float]) -> list[bytes]:
    """The picture nearest to each moment, each once."""
    found = [min(frames, key=lambda frame: abs(frame.at_s - at_s)).jpeg for at_s in moments_s]
    return list(dict.fromkeys(found))
