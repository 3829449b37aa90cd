"""A weighbridge that shows what it is told, reading by reading. Fulfills `api.Weighbridge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.readings import WeighbridgeReading, WeightStatus

if TYPE_CHECKING:
    from devices.clock import Clock


class FedScale:
    """Readings wait here until the adapter reads them; the bytes before them are others' tests."""

    good_frames = 0
    discarded_bytes = 0

    def __init__(self, clock: Clock, division_kg: int = 20) -> None:
        self._clock = clock
        self._division_kg = division_kg
        self._waiting: list[WeighbridgeReading] = []

    def shows(self, weight_kg: float) -> None:
        """The next reading: what the platform feels, rounded to the division."""
        self._waiting.append(
            WeighbridgeReading(
                gross_kg=round(weight_kg / self._division_kg) * self._division_kg,
                status=WeightStatus.OK,
                motion=None,
                received_s=self._clock.now().mono_s,
            )
        )

    def open(self) -> None:
        """Nothing to take."""

    def read(self, timeout_s: float) -> list[WeighbridgeReading]:
        """What was shown since the last time."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def close(self) -> None:
        """Nothing to give back."""
