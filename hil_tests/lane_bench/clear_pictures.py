"""Pictures of trucks whose plate is clear: what "clear" means is asked of the reader itself.

A faultless truck must be released, so its plate must not be one of the few that the reader is in
doubt about: that rate is measured elsewhere (`make bench`), and is nothing a bench could judge.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gate_agent.adapters.plate_candidates import SURE
from hil_tests.rig import picture_of_plate
from models.lpr.opening import open_plate_reader
from models.pictures import decode_picture

if TYPE_CHECKING:
    from models.lpr.api import PlateReader

TRIES = 12
ANOTHER = 10_007  # between the seeds of two drawings of one truck


class ClearPictures:
    """Draws trucks until the reader has no doubt. Any thread may use it."""

    def __init__(self) -> None:
        self._reader: PlateReader | None = None
        self._lock = threading.Lock()

    def of_plate(self, plate: str, *, seed: int) -> bytes:
        """A drawn photograph, JPEG, in which this plate is read without doubt.

        The last drawing where twelve were doubtful: then the lane holds, and somebody looks.
        """
        for attempt in range(TRIES):
            jpeg = picture_of_plate(plate, seed=seed + ANOTHER * attempt)
            if self._is_clear(jpeg, plate):
                break
        return jpeg

    def _is_clear(self, jpeg: bytes, plate: str) -> bool:
        with self._lock:
            if self._reader is None:
                self._reader = open_plate_reader()
            readings = self._reader.read(decode_picture(jpeg, "drawn truck"))
        best = readings[0] if readings else None
        return best is not None and best.text == plate and best.confidence >= SURE
