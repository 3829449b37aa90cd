"""The lane's input/relay board: which terminal is which, and how its bits become facts. Pure.

How a kind of board is spoken to, and how many terminals it has, is in its map file
(`devices/boards`). Terminal numbers count from 0; many boards print them from 1. The usual wiring:

    input                                   relay
    0  entry loop                           0  raise pulse   (dry contact to the barrier)
    1  beam at the front of the platform    1  lower pulse
    2  beam at the rear of the platform     2  stop pulse
    3  exit loop, under the boom            3  exit lamp red
    4  boom up limit                        4  exit lamp green
    5  boom down limit                      5  entry lamp green (off is stop)
    6  barrier controller reports a fault   6  sounder
    7  emergency stop pressed               7  strobe, yellow

A map may wire a manual switch besides (a key in the cabinet: somebody works the barrier by hand)
and may leave out the barrier's fault output and the strobe. A contact that opens when the thing
happens (a normally closed emergency stop, a limit switch that breaks) is listed in
`normally_closed`: its bit is inverted, so that a cut wire reads as the dangerous state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from devices.boards.board_file import load_board
from devices.errors import DeviceConfigError
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


def _wired(terminals: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(terminal for terminal in terminals if terminal is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardMap:
    """Terminal numbers of one lane's board. None: not wired."""

    entry_loop: int = 0
    front_beam: int = 1
    rear_beam: int = 2
    exit_loop: int = 3
    barrier_up: int = 4
    barrier_down: int = 5
    barrier_fault: int | None = 6
    emergency_stop: int = 7
    raise_coil: int = 0
    lower_coil: int = 1
    stop_coil: int = 2
    exit_red_coil: int = 3
    exit_green_coil: int = 4
    entry_green_coil: int = 5
    sounder_coil: int = 6
    strobe_coil: int | None = 7
    manual_switch: int | None = None
    input_count: int = INPUT_COUNT
    coil_count: int = COIL_COUNT
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
            self.manual_switch,
        )
        coils = (
            self.raise_coil,
            self.lower_coil,
            self.stop_coil,
            self.exit_red_coil,
            self.exit_green_coil,
            self.entry_green_coil,
            self.sounder_coil,
            self.strobe_coil,
        )
        _check_terminals("input", _wired(inputs), self.input_count)
        _check_terminals("relay", _wired(coils), self.coil_count)

    @property
    def contacts(self) -> tuple[int, int, int]:
        """The coils that move the boom: raise, lower, stop."""
        return (self.raise_coil, self.lower_coil, self.stop_coil)


DEFAULT_BOARD = BoardMap()


def board_of(config: BusConfig) -> BoardMap:
    """The terminals of the board that a lane file names, with the lane file's own wiring.

    Raises:
        DeviceConfigError: the map file cannot be read or used, or `normally_closed` names a
            terminal that the board has not.
    """
    board = load_board(config.board)
    wired = board.wired()
    outside = [each for each in config.normally_closed if each >= board.inputs.count]
    if outside:
        raise DeviceConfigError(
            f"bus.normally_closed: no terminal {outside[0]} on a board of {board.inputs.count}"
        )
    inverted = {each.terminal for each in wired.values() if each.contact == "normally_closed"}
    fault, manual = wired.get("barrier_fault"), wired.get("manual_switch")
    contacts = board.contacts
    return BoardMap(
        entry_loop=wired["entry_loop"].terminal,
        front_beam=wired["front_beam"].terminal,
        rear_beam=wired["rear_beam"].terminal,
        exit_loop=wired["exit_loop"].terminal,
        barrier_up=wired["barrier_up"].terminal,
        barrier_down=wired["barrier_down"].terminal,
        barrier_fault=None if fault is None else fault.terminal,
        emergency_stop=wired["emergency_stop"].terminal,
        manual_switch=None if manual is None else manual.terminal,
        raise_coil=contacts.raise_boom,
        lower_coil=contacts.lower_boom,
        stop_coil=contacts.stop_boom,
        exit_red_coil=contacts.exit_red,
        exit_green_coil=contacts.exit_green,
        entry_green_coil=contacts.entry_green,
        sounder_coil=contacts.sounder,
        strobe_coil=contacts.strobe,
        input_count=board.inputs.count,
        coil_count=board.relays.count,
        normally_closed=frozenset(config.normally_closed) | inverted,
    )


def decode_inputs(
    bits: Sequence[bool], *, received_s: float, board: BoardMap = DEFAULT_BOARD
) -> LaneInputs:
    """Name the board's inputs. `bits[n]` is terminal n.

    Raises ValueError when there are not exactly as many as the board has: a short answer is no
    answer. A switch that is not wired is never made.
    """
    if len(bits) != board.input_count:
        raise ValueError(f"lane inputs: {len(bits)} bits instead of {board.input_count}")

    def state_of(terminal: int | None) -> bool:
        if terminal is None:
            return False
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
        manual_switch=state_of(board.manual_switch),
        received_s=received_s,
    )


def lamp_coil(lamp: Lamp, board: BoardMap = DEFAULT_BOARD) -> int | None:
    """The relay that feeds `lamp`; None: the lane is without."""
    match lamp:
        case Lamp.EXIT_RED:
            return board.exit_red_coil
        case Lamp.EXIT_GREEN:
            return board.exit_green_coil
        case Lamp.ENTRY_GREEN:
            return board.entry_green_coil
        case Lamp.SOUNDER:
            return board.sounder_coil
        case Lamp.STROBE:
            return board.strobe_coil
        case _:
            assert_never(lamp)


def lamp_coils(board: BoardMap = DEFAULT_BOARD) -> dict[Lamp, int]:
    """The relays of the lamps that the lane has."""
    coils = {lamp: lamp_coil(lamp, board) for lamp in Lamp}
    return {lamp: coil for lamp, coil in coils.items() if coil is not None}
