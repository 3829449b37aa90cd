"""How soon a lane hears a loop over RTU: one measure, for `make bench` and the acceptance report.

The board hangs on a pty, which has no speed of its own: its answers are held back for as long as
question and answer take at 19200 baud, silences included, and 5 ms for the board.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from devices.barrier.driver import Barrier
from devices.config import BarrierConfig, BusConfig
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.sim.modbus_host import ModbusHost
from gate_agent.adapters.lane_io import LaneIoAdapter
from gate_agent.adapters.service import Service
from gate_agent.domain.events import InputsChanged
from gate_agent.domain.faults import FaultCode
from gate_agent.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.clock import Clock
    from gate_agent.adapters.service import Served
    from gate_agent.logs import Log

BAUD = 19_200
BAR_MS = 60.0
BYTE_S = 11 / BAUD
WIRE_S = (8 + 6) * BYTE_S + 2 * 3.5 * BYTE_S + 0.005  # question, answer, two silences, the board
EDGES = 150
HEARD_S = 5.0


def edges_ms(clock: Clock) -> list[float]:
    """From the entry loop's contact to the lane's inbox, milliseconds, `EDGES` times.

    Only the edge that occupies the loop: clear is told later, by intent. An edge that is not heard
    counts as `HEARD_S`. Raises a `DeviceError` when the board's place is taken.
    """
    chance, taken_ms = random.Random(7), []
    with tempfile.TemporaryDirectory(prefix="kakou-board-") as folder:
        config = BusConfig(transport="rtu", serial_port=f"{folder}/bus", baud=BAUD)
        loop = board_of(config).entry_loop
        inbox, host = Inbox(), ModbusHost(config, clock)
        host.start()
        host.delay_answers(WIRE_S)
        try:
            with served(_board_adapter(config, inbox, clock), inbox, clock):
                for number in range(2 * EDGES):
                    is_on = number % 2 == 0
                    clock.sleep(chance.uniform(0.08, 0.15))  # at any moment of the poll
                    edge_s = clock.now().mono_s
                    host.set_input(loop, is_on)
                    _wait_for_loop(inbox, is_on=is_on)
                    if is_on:
                        taken_ms.append((clock.now().mono_s - edge_s) * 1000)
        finally:
            host.stop()
    return taken_ms


@contextmanager
def served(adapter: Served, inbox: Inbox, clock: Clock) -> Iterator[None]:
    """Turn an adapter as the agent does; what it reports of its link is nobody's."""
    service = Service("bench", adapter, FaultCode.BUS_LINK, inbox, clock, silent_log())
    service.start()
    try:
        yield
    finally:
        service.stop()
        service.join(HEARD_S)


def silent_log() -> Log:
    """A log that nobody reads."""
    log: Log = structlog.wrap_logger(None, processors=[_drop])
    return log


def _drop(*_: object) -> str:
    raise structlog.DropEvent


def _board_adapter(config: BusConfig, inbox: Inbox, clock: Clock) -> LaneIoAdapter:
    board, bus = board_of(config), ModbusBus(config, clock)
    boom = Barrier(bus, clock, BarrierConfig(), board)
    switches = LaneIo(bus, clock, board)
    return LaneIoAdapter(bus, switches, boom, config.poll_s, inbox, clock, silent_log())


def _wait_for_loop(inbox: Inbox, *, is_on: bool) -> None:
    while (stamped := inbox.take(HEARD_S)) is not None:
        event = stamped.event
        if isinstance(event, InputsChanged) and event.entry_loop is is_on:
            return
