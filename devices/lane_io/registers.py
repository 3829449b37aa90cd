"""The lane's input/relay board: which terminal is which, and how its bits become facts. Pure.

The board is the common 8-input, 8-relay Modbus kind (discrete inputs 0-7 by function 2, coils
0-7 by function 1, 5 and 15). Terminal numbers are protocol addresses, counted from 0; many
boards print them from 1.

    input                                   relay
    0  entry loop                           0  raise pulse   (dry contact to the barrier)
    1  beam at the front of the platform    1  lower pulse
    2  beam at the rear of the platform     2  stop pulse
    3  exit loop, under the boom            3  exit lamp red
    4  boom up limit                        4  exit lamp green
    5  boom down limit                      5  entry lamp green (off is stop)
    6  barrier controller reports a fault   6  sounder
    7  emergency stop pressed               7  spare

A contact that opens when the thing happens (a normally closed emergency stop, a limit switch
that breaks) is listed in `normally_closed`: its bit is inverted, so that a cut wire reads as
the dangerous state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from devices.readings import Lamp, LaneInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.config import BusConfig

INPUT_COUNT = 8
COIL_COUNT = 8


def _check_terminals(kind: str, terminals: tuple[int, ...], count: int) -> None:
    if len(set(terminals)) != len(terminals):
        raise ValueError(f"board map: two {kind}s on one terminal: {terminals}")
    if outside := [terminal for terminal in terminals if not 0 <= terminal < count]:
        raise ValueError(f"board map: no {kind} terminal {outside[0]} on a board of {count}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardMap:
    """Terminal numbers of one lane's board, 0..7 each."""

    entry_loop: int = 0
    front_beam: int = 1
    rear_beam: int = 2
    exit_loop: int = 3
    barrier_up: int = 4
    barrier_down: int = 5
    barrier_fault: int = 6
    emergency_stop: int = 7
    raise_coil: int = 0
    lower_coil: int = 1
    stop_coil: int = 2
    exit_red_coil: int = 3
    exit_green_coil: int = 4
    entry_green_coil: int = 5
    sounder_coil: int = 6
    normally_closed: frozenset[int] = frozenset()  # inputs whose bit is inverted

    def __post_init__(self) -> None:
        inputs = (
            self.entry_loop,
            self.front_beam,
            self.rear_beam,
            self.exit_loop,
            self.barrier_up,
            self.barrier_down,
            self.barrier_fault,
            self.emergency_stop,
        )
        coils = (
            self.raise_coil,
            self.lower_coil,
            self.stop_coil,
            self.exit_red_coil,
            self.exit_green_coil,
            self.entry_green_coil,
            self.sounder_coil,
        )
        _check_terminals("input", inputs, INPUT_COUNT)
        _check_terminals("relay", coils, COIL_COUNT)

    @property
    def contacts(self) -> tuple[int, int, int]:
        """The coils that move the boom: raise, lower, stop."""
        return (self.raise_coil, self.lower_coil, self.stop_coil)


DEFAULT_BOARD = BoardMap()


def board_of(config: BusConfig) -> BoardMap:
    """The board that a lane file describes."""
    return BoardMap(normally_closed=frozenset(config.normally_closed))


def decode_inputs(
    bits: Sequence[bool], *, received_s: float, board: BoardMap = DEFAULT_BOARD
) -> LaneInputs:
    """Name the board's eight inputs. `bits[n]` is terminal n.

    Raises ValueError when there are not exactly eight: a short answer is no answer.
    """
    if len(bits) != INPUT_COUNT:
        raise ValueError(f"lane inputs: {len(bits)} bits instead of {INPUT_COUNT}")

    def state_of(terminal: int) -> bool:
        return bool(bits[terminal]) != (terminal in board.normally_closed)

    return LaneInputs(
        entry_loop=state_of(board.entry_loop),
        front_beam=state_of(board.front_beam),
        rear_beam=state_of(board.rear_beam),
        exit_loop=state_of(board.exit_loop),
        barrier_up=state_of(board.barrier_up),
        barrier_down=state_of(board.barrier_down),
        barrier_fault=state_of(board.barrier_fault),
        emergency_stop=state_of(board.emergency_stop),
        received_s=received_s,
    )


def lamp_coil(lamp: Lamp, board: BoardMap = DEFAULT_BOARD) -> int:
    """The relay that feeds `lamp`."""
    match lamp:
        case Lamp.EXIT_RED:
            return board.exit_red_coil
        case Lamp.EXIT_GREEN:
            return board.exit_green_coil
        case Lamp.ENTRY_GREEN:
            return board.entry_green_coil
        case Lamp.SOUNDER:
            return board.sounder_coil
        case _:
            assert_never(lamp)
