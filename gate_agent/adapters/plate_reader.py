"""`RequestPlate` into `PlateRead`: a few fresh frames, each read, one vote, two pictures kept.

The camera stays open between vehicles, so that its newest frame is always at hand; frames are
decoded and read only when a plate was asked for.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import cv2
import numpy as np

from devices.errors import DeviceTimeout
from gate_agent.adapters.fitting import fitting
from gate_agent.adapters.plate_candidates import NOT_WEIGHED, SURE, Weighed, others_of
from gate_agent.clock import instant
from gate_agent.domain.events import FaultCleared, FaultRaised, PlateRead
from gate_agent.domain.faults import FaultCode
from gate_agent.errors import StoreError
from gate_agent.plate_vote import permille, recorded
from models.lpr.vote import PlateVote, vote, vote_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.camera.api import Camera
    from devices.clock import Clock
    from devices.readings import Frame
    from gate_agent.adapters.plate_candidates import PlateCandidates
    from gate_agent.domain.evidence import FrameReading
    from gate_agent.domain.vocabulary import PassageId
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log
    from gate_agent.store.picture_files import PictureFiles
    from models.lpr.api import PlateReader
    from models.lpr.plates import Corners, PlateReading

FRAMES_MAX = 3
AGREEING = 2
FRAME_WAIT_S = 1.0
IDLE_S = 0.5
"""Between two vehicles one frame in so long shows that the camera is alive; a question is
answered at once."""
OVERVIEW_WIDTH_PX = 960
JPEG_QUALITY = 80
PLATE_MARGIN = 0.35
PATIENCE_S = 3.0
"""A question waits so long for a lost camera; then it is answered with nothing."""


@runtime_checkable
class NamesItsModel(Protocol):
    """A reader that says with which weights it reads: names and SHA-256s, for the dossier."""

    model_id: str


@dataclass(frozen=True, slots=True)
class PlateOrder:
    """Read the plate of the vehicle in view."""

    passage_id: PassageId
    attempt: int
    asked_s: float  # monotonic; a picture from before shows somebody else
    card_uid: str | None = None  # of the card that was presented by then


@dataclass(frozen=True, slots=True)
class _Seen:
    """The frames of one answer and what was read in each."""

    frames: list[Frame]
    readings: list[list[PlateReading]]

    def each(self) -> Iterator[tuple[Frame, list[PlateReading]]]:
        return zip(self.frames, self.readings, strict=True)

    def best(self, found: PlateVote | None) -> Frame | None:
        """The frame that shows the plate best; None: there is no frame."""
        if found is not None:
            for frame in self.frames:
                if frame.number == found.best.frame_number:
                    return frame
        return self.frames[-1] if self.frames else None

    def recorded(self, found: PlateVote | None) -> tuple[FrameReading, ...]:
        """The single readings as they enter the record."""
        if not self.frames:
            return ()
        frames = [(frame.number, readings) for frame, readings in self.each()]
        return recorded(frames, found, _overview_scale(self.frames[-1]))


_NOTHING_SEEN = _Seen([], [])


class PlateAdapter:
    """Serves the plate camera and the reader behind it."""

    def __init__(
        self,
        camera: Camera,
        open_reader: Callable[[], PlateReader],
        pictures: PictureFiles,
        inbox: Inbox,
        clock: Clock,
        log: Log,
        candidates: PlateCandidates,
    ) -> None:
        self._camera = camera
        self._open_reader = open_reader
        self._reader: PlateReader | None = None
        self._pictures = pictures
        self._inbox = inbox
        self._clock = clock
        self._log = log
        self._candidates = candidates
        self._orders: queue.Queue[PlateOrder] = queue.Queue()
        self._pending: PlateOrder | None = None
        self._last_number = 0
        self._is_reader_broken = False
        self._are_pictures_lost = False

    def order(self, order: PlateOrder) -> None:
        """Queue a request; any thread may call."""
        self._orders.put(order)

    def open(self) -> None:
        """Load the reader once, on the thread that reads, then open the camera."""
        if self._reader is None:
            self._reader = self._open_reader()
            self._candidates.open()
        self._camera.open()

    def serve(self) -> bool:
        """Answer the newest request, or make sure that the camera is alive."""
        order = self._newest_order(IDLE_S)
        if order is None:
            frame = self._camera.latest(self._last_number, IDLE_S)
        else:
            frame = self._answer(order)
        if frame is not None:
            self._last_number = frame.number
        return frame is not None

    def lost(self) -> None:
        """No picture is to be had: a request that has waited long is answered with nothing."""
        order = self._newest_order(0.0)
        if order is not None and self._clock.now().mono_s - order.asked_s > PATIENCE_S:
            self._pending = None
            self._send(order, _NOTHING_SEEN, [], NOT_WEIGHED)

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()

    def _newest_order(self, wait_s: float) -> PlateOrder | None:
        """What is asked now; a newer question replaces one that is not yet answered."""
        try:
            if self._pending is None and wait_s > 0:
                self._pending = self._orders.get(timeout=wait_s)
            while True:
                self._pending = self._orders.get_nowait()
        except queue.Empty:
            return self._pending

    def _answer(self, order: PlateOrder) -> Frame | None:
        """Read up to `FRAMES_MAX` frames; stop early when enough of them agree and are sure."""
        frames: list[Frame] = []
        readings: list[list[PlateReading]] = []
        number = self._last_number
        while len(frames) < FRAMES_MAX:
            frame = self._camera.latest(number, FRAME_WAIT_S)
            if frame is None:
                break
            number = frame.number
            if frame.received_s < order.asked_s:
                continue
            frames.append(frame)
            readings.append(self._read(frame))
            found = vote(readings)
            if found is not None and found.frames_agreed >= AGREEING and found.confidence >= SURE:
                break
        if not frames:
            raise DeviceTimeout(f"camera: no frame for {FRAME_WAIT_S} s")
        seen = _Seen(frames, readings)
        votes = self._vehicles_first(vote_all(readings))
        weighed = self._weigh(order, seen, votes)
        self._pending = None
        self._send(order, seen, votes, weighed)
        return frames[-1]

    def _vehicles_first(self, votes: list[PlateVote]) -> list[PlateVote]:
        """Where the camera saw the trailer better, the vehicle's own plate is still its plate."""
        try:
            return self._candidates.vehicles_first(votes)
        except StoreError as exc:
            self._log.warning("plates_not_weighed", detail=str(exc))
            return votes

    def _weigh(self, order: PlateOrder, seen: _Seen, votes: list[PlateVote]) -> Weighed:
        """Hold the plate against the declared ones; what fails here leaves the reading as it is."""
        if self._reader is None or not votes:
            return NOT_WEIGHED
        pictures = [(frame.image, found) for frame, found in seen.each()]
        try:
            return self._candidates.weigh(self._reader, pictures, votes[0], order.card_uid)
        except StoreError as exc:
            self._log.warning("plates_not_weighed", detail=str(exc))
        except Exception as exc:  # noqa: BLE001 - a reader that fails is a fault, not a crash
            self._set_reader_fault(detail=repr(exc))
        return NOT_WEIGHED

    def _read(self, frame: Frame) -> list[PlateReading]:
        if self._reader is None:
            return []
        try:
            readings = self._reader.read(frame.image, frame_number=frame.number)
        except Exception as exc:  # noqa: BLE001 - a reader that fails is a fault, not a crash
            self._set_reader_fault(detail=repr(exc))
            return []
        self._set_reader_fault(detail=None)
        return readings

    def _set_reader_fault(self, *, detail: str | None) -> None:
        if (detail is not None) == self._is_reader_broken:
            return
        self._is_reader_broken = detail is not None
        event: FaultRaised | FaultCleared = FaultCleared(code=FaultCode.PLATE_READER)
        if detail is not None:
            self._log.error("plate_reader_failed", detail=detail)
            event = FaultRaised(code=FaultCode.PLATE_READER, detail=detail)
        self._inbox.put(event, instant(self._clock))

    def _send(
        self, order: PlateOrder, seen: _Seen, votes: list[PlateVote], weighed: Weighed
    ) -> None:
        found = votes[0] if votes else None
        # The vote is what the decision waits for; the pictures are kept before it is told, so
        # that the record never names a picture that does not exist.
        overview, plate = self._keep_pictures(seen.best(found), found)
        self._inbox.put(
            PlateRead(
                passage_id=order.passage_id,
                attempt=order.attempt,
                text=found.text if found else "",
                plate_class=found.plate_class.value if found else "",
                confidence_permille=permille(found.confidence) if found else 0,
                frames_agreed=found.frames_agreed if found else 0,
                frames_seen=len(seen.frames),
                picture_id=overview,
                plate_picture_id=plate,
                model_id=self._reader.model_id if isinstance(self._reader, NamesItsModel) else "",
                candidates=weighed.candidates,
                none_milli_nats=weighed.none_milli_nats,
                others=others_of(votes),
                readings=seen.recorded(found),
            ),
            instant(self._clock),
        )

    def _keep_pictures(
        self, best: Frame | None, found: PlateVote | None
    ) -> tuple[str | None, str | None]:
        if best is None:
            return None, None
        try:
            overview = self._pictures.keep(_overview_jpeg(best))
            plate = self._pictures.keep(_plate_jpeg(best, found.best.corners)) if found else None
        except StoreError as exc:
            if not self._are_pictures_lost:
                self._are_pictures_lost = True
                self._log.error("pictures_lost", detail=str(exc))
                fault = FaultRaised(code=FaultCode.STORE_PICTURES, detail=str(exc))
                self._inbox.put(fault, instant(self._clock))
            return None, None
        if self._are_pictures_lost:
            self._are_pictures_lost = False
            self._inbox.put(FaultCleared(code=FaultCode.STORE_PICTURES), instant(self._clock))
        return overview, plate


def _overview_jpeg(frame: Frame) -> bytes:
    height_px, width_px = frame.image.shape[:2]
    image: cv2.typing.MatLike = frame.image
    if width_px > OVERVIEW_WIDTH_PX:
        size = (OVERVIEW_WIDTH_PX, round(height_px * _overview_scale(frame)))
        image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return _jpeg(image)


def _overview_scale(frame: Frame) -> float:
    width_px: int = frame.image.shape[1]
    return min(1.0, OVERVIEW_WIDTH_PX / width_px)


def _plate_jpeg(frame: Frame, corners: Corners) -> bytes:
    points = np.asarray(corners, dtype=np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = (high - low) * PLATE_MARGIN
    height_px, width_px = frame.image.shape[:2]
    corner = np.clip(low - margin, 0, (width_px - 1, height_px - 1))
    left, top = np.floor(corner).astype(int)
    right, bottom = np.ceil(np.minimum(high + margin, (width_px, height_px))).astype(int)
    return _jpeg(frame.image[top : max(bottom, top + 1), left : max(right, left + 1)])


def _jpeg(image: cv2.typing.MatLike) -> bytes:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return fitting(encoded.tobytes())
