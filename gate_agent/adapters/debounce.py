"""Loops and beams without chatter: occupied at once, clear only after a moment of being clear.

Both directions err to the strict side: a bounce shows as occupied.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.readings import LaneInputs

CLEAR_S = 0.06
"""Longer than a relay contact bounces (30 ms), shorter than anything a truck does."""

_SENSORS = ("entry_loop", "front_beam", "rear_beam", "exit_loop")


class Debounce:
    """Remembers when each sensor was last seen occupied."""

    def __init__(self) -> None:
        self._occupied_s: dict[str, float] = {}

    def feed(self, inputs: LaneInputs) -> LaneInputs:
        """The inputs with every sensor occupied that was so within the last `CLEAR_S`."""
        steady = inputs
        for sensor in _SENSORS:
            if getattr(inputs, sensor):
                self._occupied_s[sensor] = inputs.received_s
            elif inputs.received_s - self._occupied_s.get(sensor, float("-inf")) < CLEAR_S:
                steady = replace(steady, **{sensor: True})
        return steady
