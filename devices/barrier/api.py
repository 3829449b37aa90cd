"""What a barrier is, whatever moves it.

Contract. `raise_boom` is the only way to open: it carries the id of the command that the lane
committed and the moment until which it may be obeyed, and it pulses once for one id, however
often it is repeated. Raising is never blocked by an occupied loop or an emergency stop.
`lower_boom` is refused unless fresh inputs show nobody under the boom. While the boom closes, an
occupied exit loop makes the driver raise it again at once, without asking anybody, and again until
the up limit is made or a travel is over. An emergency stop while it closes makes the driver pulse
the stop contact; raising goes before that where the boom closes unasked, or in fault.

None of this is the safety of people under the boom. That is the barrier controller's own loop
and the switches wired to it; the driver's interlock stands behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devices.readings import BarrierPosition, LaneInputs, RelayStates


class BoomControl(Protocol):
    """A boom. All calls come from the one thread that owns the bus."""

    @property
    def position(self) -> BarrierPosition:
        """Where the boom is, as of the last `observe`, `lost` or command."""
        ...

    @property
    def reversal_count(self) -> int:
        """How often the driver raised a closing boom again because the exit loop was occupied."""
        ...

    def observe(self, inputs: LaneInputs) -> BarrierPosition:
        """Take one poll of the inputs; call it for every poll.

        Raises the boom again (and counts it in `reversal_count`) when it closes over an occupied
        exit loop, stops it when it closes under an emergency stop; if that write fails its
        `DeviceError` is raised, and the next call tries again.
        """
        ...

    def lost(self) -> None:
        """The inputs could not be read: the position is UNKNOWN until the next `observe`."""
        ...

    def raise_boom(self, command_id: str, valid_until_s: float) -> float:
        """Pulse the raise contact; returns monotonic seconds when the board had confirmed it.

        A repeated `command_id` does nothing and returns the first time, even when expired since.
        Raises `CommandRefused` after `valid_until_s`, a `DeviceError` when the write failed (the
        boom may move all the same; the same id may then be tried again).
        """
        ...

    def lower_boom(self, command_id: str, inputs: LaneInputs) -> float:
        """Pulse the lower contact; returns monotonic seconds when the board had confirmed it.

        Raises `CommandRefused`, saying why, when the exit loop is occupied, the front beam is
        cut, the inputs are older than `inputs_fresh_s`, the emergency stop is pressed, the manual
        switch is on, or the position is UNKNOWN, FAULT, OPENING, or FORCED without the upper
        limit made. A repeated `command_id` does nothing and returns the first time.
        """
        ...

    def wrong_contact(self, relays: RelayStates) -> str | None:
        """A contact that the board reports closed although no pulse runs, in words; None: none.

        A welded lower contact pulls the boom down against every raise.
        """
        ...

    def open_wrong_contacts(self, relays: RelayStates) -> str | None:
        """Open what `wrong_contact` would name, and say what that was; None: nothing was wrong.

        An agent that was killed in the middle of a pulse may have left it closed. Call it with
        every reading of the relays. Raises a `DeviceError` when the board does not answer.
        """
        ...

    def close(self) -> None:
        """Open all contacts to the boom; a pulse that raises or stops it runs out by itself.

        Never raises; may be called twice.
        """
        ...
