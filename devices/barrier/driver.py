"""The boom's driver: contacts on a Modbus board, with interlocks.

Software is never the only protection under a boom. The barrier controller must have its own
safety loop and obstacle detection, wired to itself; what follows only adds to that. See
`devices/barrier/api.py` for the contract and `devices/barrier/state.py` for the positions.

A contact is pulsed for `pulse_s`. Before a pulse in one direction the contact of the other is
opened if its pulse may still be running: the controller never sees both. The lower contact is
opened first and the raise contact closed at once after it, on TCP about a millisecond later.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from devices.barrier.state import (
    BarrierState,
    Motion,
    command,
    lose,
    may_be_falling,
    observe,
)
from devices.errors import CommandRefused, DeviceError
from devices.lane_io.registers import DEFAULT_BOARD, BoardMap
from devices.readings import BarrierPosition

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import BarrierConfig
    from devices.lane_io.api import Board
    from devices.readings import LaneInputs, RelayStates

CONTACT_MARGIN_S = 0.7  # a board rounds its pulses up, and a bus ends them at its next request
REMEMBERED_COMMANDS = 256  # ids kept, so that a repeated command is known as repeated

_NOT_LOWERED_FROM = frozenset(
    {
        BarrierPosition.UNKNOWN,
        BarrierPosition.FAULT,
        BarrierPosition.FORCED,  # unless it stands fully up: somebody may be holding it
        BarrierPosition.OPENING,  # raise has priority
    }
)


class Barrier:
    """One boom on the lane's board. Belongs to the bus thread."""

    def __init__(
        self,
        bus: Board,
        clock: Clock,
        config: BarrierConfig,
        board: BoardMap = DEFAULT_BOARD,
    ) -> None:
        """Know nothing yet: the position is UNKNOWN until the first `observe`."""
        self._bus = bus
        self._clock = clock
        self._config = config
        self._board = board
        self._state = BarrierState(travel_max_s=config.travel_max_s)
        self._sent_s: OrderedDict[str, float] = OrderedDict()
        self._lower_pulse_until_s = float("-inf")
        self._raise_pulse_until_s = float("-inf")
        self._reversal_count = 0

    @property
    def position(self) -> BarrierPosition:
        """Where the boom is, as of the last observation or command."""
        return self._state.position

    @property
    def reversal_count(self) -> int:
        """How often the interlock raised a falling boom over an occupied exit loop."""
        return self._reversal_count

    def observe(self, inputs: LaneInputs) -> BarrierPosition:
        """Fold in one poll; raise again if the boom falls over an occupied exit loop."""
        self._state = observe(self._state, inputs, inputs.received_s)
        if inputs.exit_loop and may_be_falling(self._state, inputs):
            self._reverse()
        return self.position

    def lost(self) -> None:
        """The inputs could not be read: UNKNOWN."""
        self._state = lose(self._state)

    def raise_boom(self, command_id: str, valid_until_s: float) -> float:
        """Pulse the raise contact once for this id. See the contract."""
        if (sent_s := self._sent_s.get(command_id)) is not None:
            return sent_s
        now_s = self._clock.now().mono_s
        if now_s > valid_until_s:
            raise CommandRefused(
                f"barrier: raise {command_id} came {now_s - valid_until_s:.2f} s too late"
            )
        return self._remember(command_id, self._pulse_raise())

    def lower_boom(self, command_id: str, inputs: LaneInputs) -> float:
        """Pulse the lower contact once for this id, if nothing speaks against it."""
        if (sent_s := self._sent_s.get(command_id)) is not None:
            return sent_s
        if (objection := self._objection_to_lowering(inputs)) is not None:
            raise CommandRefused(f"barrier: lower {command_id} refused: {objection}")
        return self._remember(command_id, self._pulse_lower())

    def wrong_contact(self, relays: RelayStates) -> str | None:
        """A contact that is closed though no pulse of ours runs. See the contract."""
        contacts = (
            ("raise", relays.raise_closed, self._raise_pulse_until_s),
            ("lower", relays.lower_closed, self._lower_pulse_until_s),
            ("stop", relays.stop_closed, float("-inf")),
        )
        for name, is_closed, until_s in contacts:
            if is_closed and relays.read_s > until_s + CONTACT_MARGIN_S:
                return f"the {name} contact is closed and no pulse runs"
        return None

    def close(self) -> None:
        """Open all three contacts as far as the board can be reached."""
        for coil in self._board.contacts:
            with suppress(DeviceError):  # the board ends its own pulses; nothing more to do
                self._bus.write_coil(coil, False)  # noqa: FBT003 - a relay is a switch

    def _reverse(self) -> None:
        falling = self._state
        try:
            self._pulse_raise()
        except DeviceError:
            self._state = falling  # so that the next poll tries again
            raise
        self._reversal_count += 1

    def _objection_to_lowering(self, inputs: LaneInputs) -> str | None:
        age_s = self._clock.now().mono_s - inputs.received_s
        opened_by_others = self.position is BarrierPosition.FORCED and inputs.barrier_up
        may_not_move = self.position in _NOT_LOWERED_FROM and not opened_by_others
        objections = (
            (inputs.exit_loop, "exit loop occupied"),
            (inputs.front_beam, "front beam cut"),
            (inputs.emergency_stop, "emergency stop pressed"),
            (inputs.manual_switch, "manual switch on"),
            (age_s > self._config.inputs_fresh_s, f"inputs are {age_s:.2f} s old"),
            (may_not_move, f"boom is {self.position}"),
        )
        return next((why for applies, why in objections if applies), None)

    def _pulse_raise(self) -> float:
        """Open the lower contact if it may be closed, close the raise contact, note the time."""
        started_s = self._clock.now().mono_s
        if started_s <= self._lower_pulse_until_s:
            with suppress(DeviceError):  # raising matters more: try it in any case
                self._bus.write_coil(self._board.lower_coil, False)  # noqa: FBT003
        sent_s = self._pulse(Motion.RAISE, self._board.raise_coil, started_s)
        self._raise_pulse_until_s = sent_s + self._config.pulse_s
        self._lower_pulse_until_s = float("-inf")
        return sent_s

    def _pulse_lower(self) -> float:
        started_s = self._clock.now().mono_s
        if started_s <= self._raise_pulse_until_s:
            self._bus.write_coil(self._board.raise_coil, False)  # noqa: FBT003
        # Noted before the write: a time-out may hide a contact that did close.
        self._lower_pulse_until_s = started_s + self._config.pulse_s + 1.0
        return self._pulse(Motion.LOWER, self._board.lower_coil, started_s)

    def _pulse(self, motion: Motion, coil: int, started_s: float) -> float:
        try:
            self._bus.pulse_coil(coil, self._config.pulse_s)
        except DeviceError:
            self._state = command(self._state, motion, started_s, is_doubtful=True)
            raise
        sent_s = self._clock.now().mono_s
        self._state = command(self._state, motion, sent_s)
        return sent_s

    def _remember(self, command_id: str, sent_s: float) -> float:
        self._sent_s[command_id] = sent_s
        while len(self._sent_s) > REMEMBERED_COMMANDS:
            self._sent_s.popitem(last=False)
        return sent_s
