"""A kind of input/relay board, as its map file describes it. No I/O but the reading of the file.

A map file says how terminals are read and switched on the wire (function, first address, values),
how the board ends a pulse by itself where it can, and which terminal is which switch or lamp of
the lane. Terminals count from 0 whatever the board prints and wherever its addresses begin.
`docs/reference/drivers.md` shows one with every key.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devices.errors import DeviceConfigError

SHIPPED = Path(__file__).parent
SUFFIX = ".toml"

Word = Annotated[int, Meta(ge=0, le=0xFFFF)]
Count = Annotated[int, Meta(ge=1, le=64)]
Terminal = Annotated[int, Meta(ge=0, le=63)]


class InputBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the inputs are read, all in one request.

    `function`: 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. Of registers
    `per_register` says how many inputs are in one: 16 bits, lowest first, or 1, on if not zero.
    """

    function: Literal[1, 2, 3, 4] = 2
    address: Word = 0  # of terminal 0
    count: Count = 8
    per_register: Literal[1, 16] = 16


class RelayBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the relays are read back and switched.

    `write`: 5 single coil, 6 single register. `on` and `off` are the values that it carries.
    """

    function: Literal[1, 3] = 1  # for reading back
    address: Word = 0  # of terminal 0, for both
    count: Count = 8
    per_register: Literal[1, 16] = 1
    write: Literal[5, 6] = 5
    on: Word = 0xFF00
    off: Word = 0x0000


class BusPulse(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="by", tag="bus"
):
    """The board cannot end a pulse: the bus opens the contact, which needs a living agent."""


class CoilPulse(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="by",
    tag="coil",
):
    """Function 5 at `address` + terminal; the value is the time in `unit_s`."""

    address: Word = 0x0200
    unit_s: Annotated[float, Meta(gt=0)] = 0.1


class RegisterPulse(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="by",
    tag="registers",
):
    """Function 16 with two registers at `address` + terminal x `step`: `mode`, then the time."""

    address: Word
    step: Annotated[int, Meta(ge=2, le=64)]
    mode: Word = 2
    unit_s: Annotated[float, Meta(gt=0)] = 0.1


Pulse = BusPulse | CoilPulse | RegisterPulse


class Wired(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input whose contact opens when the thing happens, or closes."""

    terminal: Terminal
    contact: Literal["normally_open", "normally_closed"] = "normally_open"


class Switches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which input is which. What a lane may do without can be left out: it is not wired then."""

    entry_loop: Terminal | Wired
    front_beam: Terminal | Wired
    rear_beam: Terminal | Wired
    exit_loop: Terminal | Wired
    barrier_up: Terminal | Wired
    barrier_down: Terminal | Wired
    emergency_stop: Terminal | Wired
    barrier_fault: Terminal | Wired | None = None
    manual_switch: Terminal | Wired | None = None


class Contacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which relay is which. The strobe may be left out."""

    raise_boom: Terminal
    lower_boom: Terminal
    stop_boom: Terminal
    exit_red: Terminal
    exit_green: Terminal
    entry_green: Terminal
    sounder: Terminal
    strobe: Terminal | None = None


class BoardFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One map file."""

    name: str
    source: str  # where its numbers come from
    inputs: InputBlock
    relays: RelayBlock
    pulse: Pulse
    switches: Switches
    contacts: Contacts

    def wired(self) -> dict[str, Wired]:
        """The inputs that are wired, by name."""
        named = {name: getattr(self.switches, name) for name in self.switches.__struct_fields__}
        return {
            name: wired if isinstance(wired, Wired) else Wired(terminal=wired)
            for name, wired in named.items()
            if wired is not None
        }


def shipped_boards() -> tuple[str, ...]:
    """The words that a lane file may use for `bus.board`."""
    return tuple(sorted(path.stem for path in SHIPPED.glob(f"*{SUFFIX}")))


def load_board(board: str) -> BoardFile:
    """The map that `board` names: one of `shipped_boards`, or the path of a file.

    Raises:
        DeviceConfigError: no such word or file, or something in the file is unknown, missing or
            wrong; the message names the file and the field.
    """
    path = Path(board) if board.endswith(SUFFIX) else SHIPPED / f"{board}{SUFFIX}"
    if not board.endswith(SUFFIX) and board not in shipped_boards():
        known = ", ".join(shipped_boards())
        raise DeviceConfigError(f"bus.board: unknown board {board!r}; known are {known}, or a path")
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), BoardFile)
    except OSError as exc:
        raise DeviceConfigError(f"bus.board: {path}: {exc.strerror or exc}") from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise DeviceConfigError(f"bus.board: {path}: {exc}") from exc
    _check(found, path)
    return found


def _check(board: BoardFile, path: Path) -> None:
    inputs = {name: wired.terminal for name, wired in board.wired().items()}
    named = {name: getattr(board.contacts, name) for name in board.contacts.__struct_fields__}
    relays = {name: terminal for name, terminal in named.items() if terminal is not None}
    _check_terminals(inputs, board.inputs.count, f"{path}: switches")
    _check_terminals(relays, board.relays.count, f"{path}: contacts")
    if board.relays.write == 6 and isinstance(board.pulse, CoilPulse):  # noqa: PLR2004 - function
        raise DeviceConfigError(
            f'bus.board: {path}: pulse.by: "coil" does not go with relays.write = 6'
        )


def _check_terminals(terminals: dict[str, int], count: int, where: str) -> None:
    taken: dict[int, str] = {}
    for name, terminal in terminals.items():
        if terminal >= count:
            raise DeviceConfigError(
                f"bus.board: {where}.{name}: terminal {terminal} of a board of {count}"
            )
        if terminal in taken:
            raise DeviceConfigError(
                f"bus.board: {where}.{name}: terminal {terminal} is {taken[terminal]} already"
            )
        taken[terminal] = name
