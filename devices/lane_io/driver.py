"""The lane's switches and lamps on a Modbus board. See `devices/lane_io/api.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import RemoteProtocolError
from devices.lane_io.registers import (
    DEFAULT_BOARD,
    BoardMap,
    decode_inputs,
    lamp_coils,
)
from devices.readings import Lamp, RelayStates

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
        self._lamps = lamp_coils(board)

    @property
    def lamps(self) -> frozenset[Lamp]:
        """The lamps that are wired."""
        return frozenset(self._lamps)

    def read(self) -> LaneInputs:
        """Every input, stamped when the answer was complete. Raises `DeviceError`."""
        bits = self._bus.read_inputs(0, self._board.input_count)
        received_s = self._clock.now().mono_s
        try:
            return decode_inputs(bits, received_s=received_s, board=self._board)
        except ValueError as exc:
            raise RemoteProtocolError(str(exc)) from exc

    def set_lamp(self, lamp: Lamp, on: bool) -> None:  # noqa: FBT001 - a lamp is a switch
        """Switch a lamp or the sounder if it is wired. Raises `DeviceError` if not confirmed."""
        if (coil := self._lamps.get(lamp)) is not None:
            self._bus.write_coil(coil, on)

    def relays(self) -> RelayStates:
        """The relays as the board reports them now. Raises `DeviceError`."""
        coils = self._bus.read_coils(0, self._board.coil_count)
        read_s = self._clock.now().mono_s
        board = self._board
        return RelayStates(
            lamps=frozenset(lamp for lamp, coil in self._lamps.items() if coils[coil]),
            raise_closed=coils[board.raise_coil],
            lower_closed=coils[board.lower_coil],
            stop_closed=coils[board.stop_coil],
            read_s=read_s,
        )
