"""Readings of a camera that recognizes plates itself, into `PlateRead`s of a source of its own.

The lane never asks it; what it posts counts for the vehicle that is in the lane, and only if it
came after that vehicle had arrived: before, it may have been of the one before.
"""

from __future__ import annotations

import queue
from collections import deque
from typing import TYPE_CHECKING

from gate_agent.adapters.fitting import fitting
from gate_agent.clock import instant_of
from gate_agent.domain.events import PlateRead, PlateSource
from gate_agent.domain.evidence import FrameReading
from gate_agent.errors import StoreError

if TYPE_CHECKING:
    from devices.camera.api import PlateCamera
    from devices.clock import Clock
    from devices.readings import RecognizedPlate
    from gate_agent.adapters.plate_reader import PlateOrder
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log
    from gate_agent.store.picture_files import PictureFiles

IDLE_S = 0.2
RECENT_MAX = 8
TEXT_MAX = 16  # longer than any plate: what a camera says is not believed to be one


class PlateCameraAdapter:
    """Serves the listener behind which such a camera stands."""

    def __init__(
        self, camera: PlateCamera, pictures: PictureFiles, inbox: Inbox, clock: Clock, log: Log
    ) -> None:
        self._camera = camera
        self._pictures = pictures
        self._inbox = inbox
        self._clock = clock
        self._log = log
        self._orders: queue.Queue[PlateOrder] = queue.Queue()
        self._vehicle: PlateOrder | None = None  # of its first question
        self._recent: deque[RecognizedPlate] = deque(maxlen=RECENT_MAX)

    def order(self, order: PlateOrder) -> None:
        """The lane asks for a plate: this vehicle is in it. Any thread may call."""
        self._orders.put(order)

    def open(self) -> None:
        """Listen."""
        self._camera.open()

    def serve(self) -> bool:
        """Take what was posted and tell what belongs to the vehicle in the lane."""
        self._recent.extend(self._camera.read(IDLE_S))
        self._follow_orders()
        vehicle = self._vehicle
        if vehicle is not None:
            for plate in self._recent:
                if plate.received_s >= vehicle.asked_s:
                    self._send(vehicle, plate)
            self._recent.clear()
        return True

    def lost(self) -> None:
        """Nothing rests on its silence."""

    def close(self) -> None:
        """Stop listening."""
        self._camera.close()

    def _follow_orders(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            if self._vehicle is None or self._vehicle.passage_id != order.passage_id:
                self._vehicle = order

    def _send(self, vehicle: PlateOrder, plate: RecognizedPlate) -> None:
        said = plate.recognition
        text = said.text if len(said.text) <= TEXT_MAX else ""
        self._inbox.put(
            PlateRead(
                passage_id=vehicle.passage_id,
                attempt=0,
                text=text,
                plate_class="",
                confidence_permille=said.confidence_permille,
                frames_agreed=1 if text else 0,
                frames_seen=1,
                picture_id=self._keep(said.picture),
                plate_picture_id=self._keep(said.plate_picture),
                source=PlateSource.CAMERA,
                readings=(_reading(text, said.confidence_permille),) if text else (),
            ),
            instant_of(self._clock, plate.received_s),
        )

    def _keep(self, jpeg: bytes | None) -> str | None:
        """The lane's own camera raises the fault of a disk that keeps no pictures."""
        if jpeg is None:
            return None
        try:
            return self._pictures.keep(fitting(jpeg))
        except StoreError as exc:
            self._log.warning("picture_not_kept", detail=str(exc))
            return None


def _reading(text: str, permille: int) -> FrameReading:
    """Its one word. It tells neither frame nor place."""
    return FrameReading(frame=0, text=text, ppm=permille * 1000)
