"""The board: inputs into events, lamps and boom commands out. One thread owns the bus.

The boom's raise is the only thing here that opens for anybody, and it comes only as a
`RaiseBarrier` or `RaiseForEvacuation` that the lane has committed.
"""

from __future__ import annotations

import contextlib
import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.errors import CommandRefused, DeviceError
from devices.readings import BarrierPosition, Lamp, LaneInputs
from gate_agent.adapters.debounce import Debounce
from gate_agent.clock import instant, instant_of
from gate_agent.domain import effects
from gate_agent.domain.events import (
    BarrierCommandFailed,
    BarrierMoved,
    FaultCleared,
    FaultRaised,
    InputsChanged,
    RaiseSent,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier, CommandId, Instant

if TYPE_CHECKING:
    from devices.barrier.api import BoomControl
    from devices.clock import Clock
    from devices.lane_io.api import LaneSwitches
    from devices.modbus import ModbusBus
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log


@dataclass(frozen=True, slots=True)
class RaiseOrder:
    """Raise the boom, worthless after `valid_until_s` (monotonic)."""

    command_id: CommandId
    valid_until_s: float


@dataclass(frozen=True, slots=True)
class LowerOrder:
    """Lower the boom."""

    command_id: CommandId


@dataclass(frozen=True, slots=True)
class LampOrder:
    """Switch a lamp."""

    lamp: effects.Lamp
    on: bool


BoardOrder = RaiseOrder | LowerOrder | LampOrder

_STOP = (
    (Lamp.ENTRY_GREEN, False),
    (Lamp.EXIT_GREEN, False),
    (Lamp.EXIT_RED, True),
    (Lamp.SOUNDER, False),
    (Lamp.STROBE, False),
)
READ_BACK_S = 1.0
"""So often the board is asked what its relays are: lamps that it lost are switched again."""
_NOTHING_READ = InputsChanged(entry_loop=None, front_beam=None, rear_beam=None, exit_loop=None)


class LaneIoAdapter:
    """Serves the board with the loops, the lamps and the boom."""

    def __init__(
        self,
        bus: ModbusBus,
        switches: LaneSwitches,
        boom: BoomControl,
        poll_s: float,
        inbox: Inbox,
        clock: Clock,
        log: Log,
    ) -> None:
        self._bus = bus
        self._switches = switches
        self._boom = boom
        self._poll_s = poll_s
        self._inbox = inbox
        self._clock = clock
        self._log = log
        self._orders: queue.Queue[BoardOrder] = queue.Queue()
        self._debounce = Debounce()
        self._sent: InputsChanged | None = None
        self._position: BarrierPosition | None = None
        self._inputs: LaneInputs | None = None
        self._active: dict[FaultCode, bool] = {}
        self._lamps: dict[Lamp, bool] = {}  # as last ordered; empty: the lane has not said yet
        self._repaired: set[Lamp] = set()  # switched again after they were found wrong
        self._read_back_s = 0.0

    def order(self, order: BoardOrder) -> None:
        """Queue a command; any thread may call."""
        self._orders.put(order)

    def open(self) -> None:
        """Take the bus."""
        self._bus.open()

    def serve(self) -> bool:
        """Poll the inputs once, then carry out what is ordered until the next poll is due."""
        deadline_s = self._clock.now().mono_s + self._poll_s
        inputs = self._switches.read()
        self._inputs = inputs
        self._report(inputs)
        if inputs.received_s - self._read_back_s >= READ_BACK_S:
            self._read_back_s = inputs.received_s
            self._read_back()
        for _ in range(self._orders.qsize()):  # however long a slow line took for the inputs
            self._carry_out(self._orders.get_nowait())
        while (left_s := deadline_s - self._clock.now().mono_s) > 0:
            try:
                order = self._orders.get(timeout=left_s)
            except queue.Empty:
                break
            self._carry_out(order)
        return True

    def lost(self) -> None:
        """Nothing is known: no input is clear, the boom may be anywhere."""
        self._inputs = None
        self._lamps.clear()
        self._repaired.clear()
        self._boom.lost()
        at = instant(self._clock)
        if self._sent != _NOTHING_READ and self._inbox.put(_NOTHING_READ, at):
            self._sent = _NOTHING_READ
        self._report_position(BarrierPosition.UNKNOWN, at)
        self._fail_orders()

    def close(self) -> None:
        """Put the lamps to stop, open all contacts to the boom and give the bus back.

        An agent that is stopped must not leave its entry lamp green over a lane that nobody
        watches. When the link was only lost, the lane switches all lamps anew as it comes back.
        The contacts come first: a line that answers late must not keep one closed meanwhile.
        """
        self._boom.close()
        with contextlib.suppress(DeviceError):  # the first that fails: the board is away
            for lamp, on in _STOP:
                self._switches.set_lamp(lamp, on)
        self._bus.close(is_to_be_opened=self._inputs is None)

    def _fail_orders(self) -> None:
        """Orders that waited while the board was away are too old to be obeyed later."""
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            if not isinstance(order, LampOrder):
                self._fail(order.command_id, "the board does not answer")

    def _carry_out(self, order: BoardOrder) -> None:
        match order:
            case LampOrder():
                lamp = Lamp(order.lamp.value)
                if lamp in self._switches.lamps:
                    self._lamps[lamp] = order.on
                    self._switches.set_lamp(lamp, order.on)
            case RaiseOrder():
                self._raise(order)
            case LowerOrder():
                self._lower(order)

    def _raise(self, order: RaiseOrder) -> None:
        try:
            sent_s = self._boom.raise_boom(order.command_id, order.valid_until_s)
        except CommandRefused as exc:
            self._fail(order.command_id, str(exc))
        except DeviceError as exc:
            self._fail(order.command_id, str(exc))
            raise
        else:
            self._inbox.put(RaiseSent(command_id=order.command_id), instant_of(self._clock, sent_s))

    def _lower(self, order: LowerOrder) -> None:
        try:
            if self._inputs is None:
                raise CommandRefused("barrier: the inputs are not read")  # noqa: TRY301
            self._boom.lower_boom(order.command_id, self._inputs)
        except CommandRefused as exc:
            self._fail(order.command_id, str(exc))
        except DeviceError as exc:
            self._fail(order.command_id, str(exc))
            raise

    def _fail(self, command_id: CommandId, why: str) -> None:
        self._log.warning("barrier_command_failed", command_id=command_id, why=why)
        self._inbox.put(BarrierCommandFailed(command_id=command_id, why=why), instant(self._clock))

    def _read_back(self) -> None:
        """Compare the relays with what was ordered; one that is wrong is switched again."""
        relays = self._switches.relays()
        why = self._boom.open_wrong_contacts(relays)
        if why is not None:
            if not self._active.get(FaultCode.RELAYS, False):
                self._log.warning("contact_opened", detail=why)
            relays = self._switches.relays()
            why = self._boom.wrong_contact(relays)
        wrong = {lamp for lamp, on in self._lamps.items() if (lamp in relays.lamps) != on}
        for lamp in sorted(wrong):
            if lamp not in self._repaired:
                self._log.warning("lamp_switched_again", lamp=lamp.value, on=self._lamps[lamp])
            self._switches.set_lamp(lamp, self._lamps[lamp])
        stuck = wrong & self._repaired
        self._repaired = wrong
        if why is None and stuck:
            why = f"{', '.join(sorted(stuck))} cannot be switched"
        self._set_fault(FaultCode.RELAYS, on=why is not None, detail=why or "")

    def _report(self, inputs: LaneInputs) -> None:
        at = instant_of(self._clock, inputs.received_s)
        self._set_fault(FaultCode.EMERGENCY_STOP, on=inputs.emergency_stop)
        self._set_fault(FaultCode.MANUAL_SWITCH, on=inputs.manual_switch)
        position = self._boom.observe(inputs)
        self._set_fault(FaultCode.BARRIER_FAULT, on=position is BarrierPosition.FAULT)
        steady = self._debounce.feed(inputs)
        event = InputsChanged(
            entry_loop=steady.entry_loop,
            front_beam=steady.front_beam,
            rear_beam=steady.rear_beam,
            exit_loop=steady.exit_loop,
        )
        if event != self._sent and self._inbox.put(event, at):
            self._sent = event
        self._report_position(position, at)

    def _report_position(self, position: BarrierPosition, at: Instant) -> None:
        moved = BarrierMoved(position=Barrier(position.value))
        if position is not self._position and self._inbox.put(moved, at):
            self._position = position

    def _set_fault(self, code: FaultCode, *, on: bool, detail: str = "") -> None:
        if self._active.get(code, False) == on:
            return
        event = FaultRaised(code=code, detail=detail) if on else FaultCleared(code=code)
        if self._inbox.put(event, instant(self._clock)):
            self._active[code] = on
