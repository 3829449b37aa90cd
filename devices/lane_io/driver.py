"""The lane's switches and lamps on a Modbus board. See `devices/lane_io/api.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import RemoteProtocolError
from devices.lane_io.registers import (
    COIL_COUNT,
    DEFAULT_BOARD,
    INPUT_COUNT,
    BoardMap,
    decode_inputs,
    lamp_coil,
)
from devices.readings import Lamp

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.lane_io.api import Board
    from devices.readings import LaneInputs


class LaneIo:
    """Reads all inputs in one request and switches lamps; keeps nothing between calls."""

    def __init__(self, bus: Board, clock: Clock, board: BoardMap = DEFAULT_BOARD) -> None:
        self._bus = bus
        self._clock = clock
        self._board = board

    def read(self) -> LaneInputs:
        """Every input, stamped when the answer was complete. Raises `DeviceError`."""
        bits = self._bus.read_inputs(0, INPUT_COUNT)
        received_s = self._clock.now().mono_s
        try:
            return decode_inputs(bits, received_s=received_s, board=self._board)
        except ValueError as exc:
            raise RemoteProtocolError(str(exc)) from exc

    def set_lamp(self, lamp: Lamp, on: bool) -> None:  # noqa: FBT001 - a lamp is a switch
        """Switch one lamp or the sounder. Raises `DeviceError` if it was not confirmed."""
        self._bus.write_coil(lamp_coil(lamp, self._board), on)

    def all_lamps(self) -> dict[Lamp, bool]:
        """The lamps' relays as the board reports them now. Raises `DeviceError`."""
        coils = self._bus.read_coils(0, COIL_COUNT)
        return {lamp: coils[lamp_coil(lamp, self._board)] for lamp in Lamp}
