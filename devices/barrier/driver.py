"""The boom's driver: contacts on a Modbus board, with interlocks.

Software is never the only protection under a boom. The barrier controller must have its own
safety loop and obstacle detection, wired to itself; what follows only adds to that. See
`devices/barrier/api.py` for the contract and `devices/barrier/state.py` for the positions.

A contact is pulsed for `pulse_s`. Before a pulse in one direction the contact of the other is
opened if its pulse may still be running: the controller never sees both. The lower contact is
opened first and the raise contact closed at once after it, on TCP about a millisecond later. It
is opened too as long as the board has not been seen to have it open: an agent that was killed
may have left it closed.

A pulse that raises or stops is never cut, not where the link is lost and not where the agent ends:
it may be what saves somebody. The board ends it, or the bus when it has lasted.
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
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import BarrierConfig
    from devices.lane_io.api import Board
    from devices.readings import LaneInputs, RelayStates

CONTACT_MARGIN_S = 0.7  # a board rounds its pulses up, and a bus ends them at its next request
DOUBT_S = 1.0  # so much later than was thought may a pulse begin that was not confirmed
RAISE_GAP_S = 0.2
"""So long after a pulse the raise contact is closed again: a controller acts on its closing, and a
board rounds a pulse up by a tenth of a second at most."""
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
        self._until_s = dict.fromkeys(board.contacts, float("-inf"))  # when pulses are over
        self._raise_again_s = float("-inf")  # when a raise that did not help is repeated
        self._is_lower_known = False  # whether the lower contact was seen open since the start
        self._is_stop_sent = False  # for the emergency stop that is pressed now
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
        """Fold in one poll; raise or stop a boom that falls where it must not."""
        before = self._state
        self._state = observe(before, inputs, inputs.received_s)
        is_falling = may_be_falling(self._state, inputs)
        if not inputs.emergency_stop:
            self._is_stop_sent = False
        if inputs.exit_loop and is_falling:
            self._reverse()
        elif inputs.emergency_stop and not self._is_stop_sent:
            fell_by_itself = is_falling and self._state.motion is None
            if before.motion is Motion.LOWER or fell_by_itself:
                self._stop(before)
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
        wrong = next(iter(self._wrong(relays).values()), None)
        return None if wrong is None else f"the {wrong} contact is closed and no pulse runs"

    def open_wrong_contacts(self, relays: RelayStates) -> str | None:
        """Open what is closed though no pulse of ours runs. See the contract."""
        self._is_lower_known = self._is_lower_known or not relays.lower_closed
        for coil in self._wrong(relays):
            self._open(coil)
        return self.wrong_contact(relays)

    def close(self) -> None:
        """Open all three contacts as far as the board can be reached, but cut no pulse that saves.

        Only the lower contact is opened in the middle of its pulse.
        """
        now_s = self._clock.now().mono_s
        for coil in self._board.contacts:
            if coil != self._board.lower_coil and now_s <= self._until_s[coil]:
                continue
            with suppress(DeviceError):  # the board ends its own pulses; nothing more to do
                self._open(coil)

    def _wrong(self, relays: RelayStates) -> dict[int, str]:
        """The contacts that are closed though no pulse runs, with their names."""
        states = (
            ("raise", relays.raise_closed),
            ("lower", relays.lower_closed),
            ("stop", relays.stop_closed),
        )
        return {
            coil: name
            for coil, (name, is_closed) in zip(self._board.contacts, states, strict=True)
            if is_closed and relays.read_s > self._until_s[coil] + CONTACT_MARGIN_S
        }

    def _reverse(self) -> None:
        """Raise a falling boom; one that was told to rise and is not up yet is told again."""
        raise_coil = self._board.raise_coil
        if self._state.motion is Motion.RAISE:
            if self._clock.now().mono_s >= self._raise_again_s:
                self._open_against_raise()
                self._close_for_a_pulse(raise_coil)
            return
        falling = self._state
        try:
            self._twice(self._pulse_raise)
        except DeviceError:
            self._state = falling  # so that the next poll tries again
            raise
        self._reversal_count += 1

    def _stop(self, falling: BarrierState) -> None:
        """Tell the controller of an emergency stop: it may be wired to the board alone."""
        try:
            with suppress(DeviceError):  # stopping matters more: try it in any case
                self._open_lower_if_closed()
            self._twice(lambda: self._close_for_a_pulse(self._board.stop_coil))
        except DeviceError:
            self._state = falling  # so that the next poll tries again
            raise
        self._is_stop_sent = True

    def _twice(self, pulse: Callable[[], float]) -> None:
        """One garbled answer costs a link and with it tenths of a second: not over somebody."""
        try:
            pulse()
        except DeviceError:
            pulse()

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
        """Open the contacts against it if they may be closed, close its own, note the time."""
        self._open_against_raise()
        return self._pulse(Motion.RAISE, self._board.raise_coil)

    def _open_against_raise(self) -> None:
        with suppress(DeviceError):  # raising matters more: try it in any case
            self._open_lower_if_closed()
        with suppress(DeviceError):
            self._open_if_pulsed(self._board.stop_coil)

    def _pulse_lower(self) -> float:
        for coil in (self._board.raise_coil, self._board.stop_coil):
            self._open_if_pulsed(coil, within_s=CONTACT_MARGIN_S)
        return self._pulse(Motion.LOWER, self._board.lower_coil)

    def _pulse(self, motion: Motion, coil: int) -> float:
        started_s = self._clock.now().mono_s
        try:
            sent_s = self._close_for_a_pulse(coil)
        except DeviceError:
            self._state = command(self._state, motion, started_s, is_doubtful=True)
            raise
        self._state = command(self._state, motion, sent_s)
        return sent_s

    def _close_for_a_pulse(self, coil: int) -> float:
        """Returns when the board had confirmed it."""
        pulse_s = self._config.pulse_s
        # Noted before the write: a time-out may hide a contact that did close.
        self._until_s[coil] = self._clock.now().mono_s + pulse_s + DOUBT_S
        self._raise_again_s = float("-inf")
        self._bus.pulse_coil(coil, pulse_s)
        sent_s = self._clock.now().mono_s
        self._raise_again_s = sent_s + pulse_s + RAISE_GAP_S
        if coil != self._board.lower_coil:  # that one is opened again rather too often
            self._until_s[coil] = sent_s + pulse_s
        return sent_s

    def _open_lower_if_closed(self) -> None:
        if self._is_lower_known:
            self._open_if_pulsed(self._board.lower_coil)
        else:
            self._open(self._board.lower_coil)

    def _open_if_pulsed(self, coil: int, *, within_s: float = 0.0) -> None:
        if self._clock.now().mono_s <= self._until_s[coil] + within_s:
            self._open(coil)

    def _open(self, coil: int) -> None:
        self._bus.write_coil(coil, False)  # noqa: FBT003 - a relay is a switch
        self._until_s[coil] = float("-inf")
        if coil == self._board.lower_coil:
            self._is_lower_known = True

    def _remember(self, command_id: str, sent_s: float) -> float:
        self._sent_s[command_id] = sent_s
        while len(self._sent_s) > REMEMBERED_COMMANDS:
            self._sent_s.popitem(last=False)
        return sent_s
