"""What the lane's switches and lamps are, whatever board carries them.

Contract. An answer is what the board says now: there is no last known value, and what cannot be
read raises. A relay is what the board reads back, never what was ordered. An answer that belongs
to an earlier request, or has another length than was asked for, is none. A contact of the boom
opens by the board's own clock where the board has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devices.readings import Lamp, LaneInputs, RelayStates


class Board(Protocol):
    """The input/relay board, as its drivers see it: `devices.modbus.ModbusBus` is one.

    One thread uses it; every call is a round trip on the wire and may raise `LinkDown`,
    `DeviceTimeout` or `RemoteProtocolError`. A call that raised may or may not have reached the
    board.
    """

    def read_inputs(self, address: int, count: int) -> tuple[bool, ...]:
        """`count` inputs from `address` on, exactly that many."""
        ...

    def read_coils(self, address: int, count: int) -> tuple[bool, ...]:
        """The present state of `count` relays from `address` on."""
        ...

    def write_coil(self, address: int, on: bool) -> None:  # noqa: FBT001 - a relay is a switch
        """Switch one relay; returns when the board has confirmed it."""
        ...

    def pulse_coil(self, address: int, pulse_s: float) -> None:
        """Close one relay for about `pulse_s` seconds; returns when the board has closed it."""
        ...


class LaneSwitches(Protocol):
    """Loops, beams, limit switches and the emergency stop in; lamps and the sounder out.

    All calls come from the one thread that owns the bus.
    """

    def read(self) -> LaneInputs:
        """Every input at this moment.

        Raises a `DeviceError` when the board does not answer. There is no last known value: who
        cannot read must treat every loop as occupied and the boom as anywhere.
        """
        ...

    @property
    def lamps(self) -> frozenset[Lamp]:
        """The lamps that are wired. Only these are ever read back as lit."""
        ...

    def set_lamp(self, lamp: Lamp, on: bool) -> None:  # noqa: FBT001 - a lamp is a switch
        """Switch a lamp or the sounder; raises a `DeviceError` if the board did not confirm.

        One that is not wired is passed over.

        Exit red and exit green are two lamps: switch the one off before the other on.
        """
        ...

    def relays(self) -> RelayStates:
        """What the board itself says about its relays now (after a power cut: all open).

        Raises a `DeviceError` when it does not answer.
        """
        ...
