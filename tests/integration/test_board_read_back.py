"""The agent asks the board what its relays are, and believes that rather than its own orders."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from devices.barrier.driver import Barrier
from devices.clock import SystemClock
from devices.config import BarrierConfig, BusConfig
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.sim.modbus_host import ModbusHost
from gate_agent.adapters.lane_io import READ_BACK_S, LampOrder, LaneIoAdapter, RaiseOrder
from gate_agent.domain.effects import Lamp
from gate_agent.domain.events import Event, FaultCleared, FaultRaised
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.vocabulary import CommandId
from gate_agent.inbox import Inbox
from tests.agent_rig import quiet_log
from tests.modbus_bench import bus_config

CLOCK = SystemClock()
WITH_MANUAL_SWITCH = (
    (Path(__file__).parents[2] / "devices" / "boards" / "waveshare.toml")
    .read_text(encoding="utf-8")
    .replace("barrier_fault = 6", "manual_switch = 6")
)


class Lane:
    """A simulated board and the adapter that serves it, turned by hand."""

    def __init__(self, config: BusConfig) -> None:
        self.host = ModbusHost(config, CLOCK)
        self.host.set_input(5, on=True)  # boom down
        self.host.start()
        bus = ModbusBus(config, CLOCK)
        board = board_of(config)
        self.inbox = Inbox()
        self.adapter = LaneIoAdapter(
            bus,
            LaneIo(bus, CLOCK, board),
            Barrier(bus, CLOCK, BarrierConfig(), board),
            0.05,
            self.inbox,
            CLOCK,
            quiet_log(),
        )
        self.adapter.open()
        self.heard: list[Event] = []

    def serve_until(self, condition: Callable[[], bool], within_s: float = 8.0) -> None:
        deadline_s = CLOCK.now().mono_s + within_s
        while not condition():
            assert CLOCK.now().mono_s < deadline_s, self.heard
            self.adapter.serve()
            while (stamped := self.inbox.take(0.0)) is not None:
                self.heard.append(stamped.event)

    def has_heard(self, kind: type[FaultRaised] | type[FaultCleared], code: FaultCode) -> bool:
        return any(isinstance(event, kind) and event.code is code for event in self.heard)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    map_file = tmp_path / "manual.toml"
    map_file.write_text(WITH_MANUAL_SWITCH, encoding="utf-8")
    lane = Lane(msgspec.structs.replace(bus_config("tcp", tmp_path), board=str(map_file)))
    yield lane
    lane.adapter.close()
    lane.host.stop()


def test_lamps_that_a_board_lost_with_its_supply_shine_again(lane: Lane) -> None:
    lane.adapter.order(LampOrder(Lamp.EXIT_RED, True))
    lane.serve_until(lambda: lane.host.coil(3))
    lane.host.power_cycle()
    assert not lane.host.coil(3)
    lane.serve_until(lambda: lane.host.coil(3))
    assert not lane.has_heard(FaultRaised, FaultCode.RELAYS)


def test_a_lamp_that_cannot_be_switched_is_a_fault_until_it_can(lane: Lane) -> None:
    lane.host.stick_coil(4, on=True)
    lane.adapter.order(LampOrder(Lamp.EXIT_GREEN, False))
    lane.serve_until(lambda: lane.has_heard(FaultRaised, FaultCode.RELAYS))
    lane.host.stick_coil(4, None)
    lane.serve_until(lambda: lane.has_heard(FaultCleared, FaultCode.RELAYS))
    assert prevents_release(FaultCode.RELAYS)


def test_a_welded_boom_contact_is_a_fault_and_a_pulse_is_none(lane: Lane) -> None:
    lane.adapter.order(RaiseOrder(CommandId("one"), CLOCK.now().mono_s + 5.0))
    lane.serve_until(lambda: lane.host.coil(0))
    lane.serve_until(lambda: not lane.host.coil(0))
    assert not lane.has_heard(FaultRaised, FaultCode.RELAYS)
    lane.host.stick_coil(1, on=True)
    lane.serve_until(lambda: lane.has_heard(FaultRaised, FaultCode.RELAYS))
    raised = next(event for event in lane.heard if isinstance(event, FaultRaised))
    assert raised.detail == "the lower contact is closed and no pulse runs"


def test_a_contact_that_a_killed_agent_left_closed_is_opened_at_the_first_look(lane: Lane) -> None:
    lane.adapter._bus.write_coil(1, True)  # as one that ends its pulses itself, and was killed
    lane.serve_until(lambda: not lane.host.coil(1), within_s=1.0)
    assert not lane.has_heard(FaultRaised, FaultCode.RELAYS)


def test_a_barrier_that_somebody_works_by_hand_releases_nobody(lane: Lane) -> None:
    lane.host.set_input(6, on=True)
    lane.serve_until(lambda: lane.has_heard(FaultRaised, FaultCode.MANUAL_SWITCH))
    lane.host.set_input(6, on=False)
    lane.serve_until(lambda: lane.has_heard(FaultCleared, FaultCode.MANUAL_SWITCH))
    assert prevents_release(FaultCode.MANUAL_SWITCH)


def test_a_strobe_that_is_not_wired_is_no_lamp_that_cannot_be_switched(tmp_path: Path) -> None:
    map_file = tmp_path / "without.toml"
    map_file.write_text(WITH_MANUAL_SWITCH.replace("strobe = 7\n", ""), encoding="utf-8")
    lane = Lane(msgspec.structs.replace(bus_config("tcp", tmp_path), board=str(map_file)))
    lane.adapter.order(LampOrder(Lamp.STROBE, True))
    lane.adapter.order(LampOrder(Lamp.EXIT_RED, True))
    lane.serve_until(lambda: lane.host.coil(3))
    read_until_s = CLOCK.now().mono_s + 2.5 * READ_BACK_S
    lane.serve_until(lambda: CLOCK.now().mono_s > read_until_s)
    assert not lane.has_heard(FaultRaised, FaultCode.RELAYS)
    assert not lane.host.coil(7)
    lane.adapter.close()
    lane.host.stop()
