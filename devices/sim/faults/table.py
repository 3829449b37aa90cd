"""The library of faults: one table, each with what a lane must do about it.

A fault is switched on and off in a running `Bench`; what one is stands in `fault.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.faults.fault import Allows, Fault, FaultError
from devices.sim.faults.of_lane import (
    BOARD_FAULTS,
    BOOM_FAULTS,
    CAMERA_FAULTS,
    CONTAINER_CAMERA_FAULTS,
    LANE_CAMERA_FAULTS,
    PLATE_CAMERA_FAULTS,
    SIGN_FAULTS,
)
from devices.sim.faults.of_lines import CARD_FAULTS, SCALE_FAULTS, TAG_FAULTS

if TYPE_CHECKING:
    from devices.sim.bench import Bench

__all__ = ["FAULTS", "Allows", "Fault", "FaultError", "FaultSwitches", "fault_named"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for faults in (
        SCALE_FAULTS,
        CARD_FAULTS,
        TAG_FAULTS,
        BOARD_FAULTS,
        BOOM_FAULTS,
        CAMERA_FAULTS,
        LANE_CAMERA_FAULTS,
        PLATE_CAMERA_FAULTS,
        CONTAINER_CAMERA_FAULTS,
        SIGN_FAULTS,
    )
    for fault in faults
}


class FaultSwitches:
    """The faults of one bench. From one thread at a time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._on: dict[str, Fault] = {}

    @property
    def active(self) -> tuple[str, ...]:
        """The faults that are on."""
        return tuple(self._on)

    def turn(self, name: str, *, on: bool) -> Fault:
        """Switch one on or off.

        Raises:
            FaultError: no such fault, or this bench cannot have it.
        """
        fault = fault_named(name)
        if on and (refused := fault.refusal(self._bench)):
            raise FaultError(refused.en)
        if on:
            self._on[name] = fault
        else:
            self._on.pop(name, None)
        fault.turn(self._bench, on)
        return fault

    def clear(self) -> None:
        """Switch off whatever is on."""
        for name in tuple(self._on):
            self.turn(name, on=False)


def fault_named(name: str) -> Fault:
    """The fault of that name. Raises `FaultError` naming those there are."""
    if name not in FAULTS:
        raise FaultError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return FAULTS[name]
