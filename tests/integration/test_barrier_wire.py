"""The boom's driver against a moving boom, over real Modbus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.barrier.driver import Barrier
from devices.clock import SystemClock
from devices.config import BarrierConfig
from devices.errors import CommandRefused, DeviceError, LinkDown
from devices.lane_io.driver import LaneIo
from devices.modbus import ModbusBus
from devices.readings import BarrierPosition, Lamp, LaneInputs
from devices.sim.boom import BoomContact, SimBoom
from devices.sim.modbus_host import ModbusHost
from tests.modbus_bench import bus_config

CLOCK = SystemClock()
CONTACTS = (BoomContact.RAISE, BoomContact.LOWER, BoomContact.STOP)
EXIT_LOOP, UP, DOWN, FAULT, EMERGENCY_STOP = 3, 4, 5, 6, 7


class Bench:
    """A lane's board, boom and drivers, polled by the test."""

    def __init__(self, transport: str, folder: Path, *, flash_on: bool = True) -> None:
        config = bus_config(transport, folder, timeout_s=0.5, flash_on=flash_on)
        self.boom = SimBoom(travel_s=0.3)
        self.controller_loop_works = True
        self.changes: list[tuple[int, float]] = []  # relay, when
        self.host = ModbusHost(config, CLOCK, on_coil=self._on_coil)
        self.host.start()
        self.bus = ModbusBus(config, CLOCK)
        self.lane_io = LaneIo(self.bus, CLOCK)
        self.barrier = Barrier(self.bus, CLOCK, BarrierConfig(pulse_s=0.1, travel_max_s=1.5))
        self.exit_loop = False
        self.bus.open()

    def _on_coil(self, address: int, on: bool, at_s: float) -> None:  # noqa: FBT001
        self.changes.append((address, at_s))
        if address < len(CONTACTS):
            self.boom.contact(CONTACTS[address], on, at_s)

    def poll(self) -> LaneInputs:
        self.boom.advance(
            CLOCK.now().mono_s, safety_occupied=self.exit_loop and self.controller_loop_works
        )
        self.host.set_input(EXIT_LOOP, self.exit_loop)
        self.host.set_input(UP, self.boom.up_limit)
        self.host.set_input(DOWN, self.boom.down_limit)
        self.host.set_input(FAULT, self.boom.fault_output)
        inputs = self.lane_io.read()
        self.barrier.observe(inputs)
        CLOCK.sleep(0.005)
        return inputs

    def wait(self, position: BarrierPosition, within_s: float = 8.0) -> LaneInputs:
        deadline_s = CLOCK.now().mono_s + within_s
        while True:
            inputs = self.poll()
            if self.barrier.position is position:
                return inputs
            assert CLOCK.now().mono_s < deadline_s, f"{self.barrier.position}, not {position}"

    def stop(self) -> None:
        self.barrier.close()
        self.bus.close()
        self.host.stop()


@pytest.fixture(params=["tcp", "rtu"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(request.param, tmp_path)
    yield bench
    bench.stop()


def open_boom(bench: Bench) -> LaneInputs:
    bench.wait(BarrierPosition.CLOSED)
    bench.barrier.raise_boom("p1", CLOCK.now().mono_s + 5.0)
    return bench.wait(BarrierPosition.OPEN)


def test_a_boom_is_raised_and_lowered_and_its_stamps_agree(bench: Bench) -> None:
    bench.wait(BarrierPosition.CLOSED)
    asked_s = CLOCK.now().mono_s
    sent_s = bench.barrier.raise_boom("p1", asked_s + 5.0)
    assert bench.barrier.position is BarrierPosition.OPENING
    inputs = bench.wait(BarrierPosition.OPEN)
    assert bench.boom.raise_contact_s is not None
    assert asked_s <= bench.boom.raise_contact_s <= sent_s
    assert bench.boom.up_limit_s == pytest.approx(bench.boom.raise_contact_s + 0.3)
    bench.barrier.lower_boom("d1", inputs)
    assert bench.wait(BarrierPosition.CLOSED).barrier_down
    assert (bench.boom.raise_count, bench.boom.lower_count) == (1, 1)


def test_a_repeated_raise_closes_the_contact_once(bench: Bench) -> None:
    open_boom(bench)
    for _ in range(3):
        bench.barrier.raise_boom("p1", CLOCK.now().mono_s + 5.0)
    bench.poll()
    assert bench.boom.raise_count == 1


def test_an_occupied_exit_loop_keeps_the_boom_up(bench: Bench) -> None:
    open_boom(bench)
    bench.exit_loop = True
    with pytest.raises(CommandRefused, match="exit loop occupied"):
        bench.barrier.lower_boom("d1", bench.poll())
    assert bench.boom.lower_count == 0


@pytest.mark.parametrize("controller_loop", ["works", "is cut"])
def test_a_person_under_a_closing_boom_makes_it_rise(bench: Bench, controller_loop: str) -> None:
    bench.controller_loop_works = controller_loop == "works"
    bench.barrier.lower_boom("d1", open_boom(bench))
    while bench.boom.position > 0.9:
        bench.poll()
    bench.exit_loop = True
    bench.wait(BarrierPosition.OPEN)
    assert bench.barrier.reversal_count == 1
    assert bench.boom.auto_reverse_count == int(bench.controller_loop_works)
    assert bench.boom.down_limit_s is None


def test_a_boom_that_jams_half_way_is_a_fault(bench: Bench) -> None:
    bench.wait(BarrierPosition.CLOSED)
    bench.boom.faults.jam_at = 0.5
    bench.barrier.raise_boom("p1", CLOCK.now().mono_s + 5.0)
    bench.wait(BarrierPosition.FAULT)
    with pytest.raises(CommandRefused, match="boom is fault"):
        bench.barrier.lower_boom("d1", bench.poll())
    bench.boom.faults.jam_at = None
    bench.barrier.raise_boom("p2", CLOCK.now().mono_s + 5.0)
    bench.wait(BarrierPosition.OPEN)


def test_a_boom_lifted_by_hand_is_seen_as_forced(bench: Bench) -> None:
    bench.wait(BarrierPosition.CLOSED)
    bench.boom.push_to(0.6)
    bench.wait(BarrierPosition.FORCED)
    bench.boom.push_to(0.0)
    bench.wait(BarrierPosition.CLOSED)


def test_both_limits_and_the_fault_relay_are_faults_that_pass(bench: Bench) -> None:
    bench.wait(BarrierPosition.CLOSED)
    bench.boom.faults.up_switch = True
    bench.wait(BarrierPosition.FAULT)
    bench.boom.faults.up_switch = None
    bench.wait(BarrierPosition.CLOSED)
    bench.boom.faults.fault_output = True
    bench.wait(BarrierPosition.FAULT)
    bench.boom.faults.fault_output = False
    bench.wait(BarrierPosition.CLOSED)


def test_an_unplugged_board_leaves_the_boom_unknown_until_it_is_back(bench: Bench) -> None:
    inputs = open_boom(bench)
    bench.host.unplug()
    with pytest.raises(DeviceError):
        bench.poll()
    bench.barrier.lost()
    with pytest.raises(CommandRefused, match="boom is unknown"):
        bench.barrier.lower_boom("d1", inputs)
    bench.bus.close()
    with pytest.raises(LinkDown):
        bench.barrier.raise_boom("p2", CLOCK.now().mono_s + 5.0)
    with pytest.raises(LinkDown):
        bench.bus.open()
    CLOCK.sleep(1.0)
    bench.host.plug()
    bench.bus.open()
    inputs = bench.wait(BarrierPosition.OPEN)
    bench.barrier.lower_boom("d2", inputs)
    bench.wait(BarrierPosition.CLOSED)


def test_a_lamp_shines_when_its_relay_says_so(bench: Bench) -> None:
    bench.lane_io.set_lamp(Lamp.EXIT_GREEN, True)
    assert bench.host.coil(4)
    assert bench.lane_io.relays().lamps == {Lamp.EXIT_GREEN}


def test_stopping_the_agent_leaves_no_contact_closed(bench: Bench) -> None:
    bench.wait(BarrierPosition.CLOSED)
    bench.barrier.raise_boom("p1", CLOCK.now().mono_s + 5.0)
    bench.barrier.close()
    wait_until_open(bench)


def wait_until_open(bench: Bench) -> None:
    deadline_s = CLOCK.now().mono_s + 5.0
    while any(bench.host.coils()[:3]):
        assert CLOCK.now().mono_s < deadline_s, bench.host.coils()
        CLOCK.sleep(0.005)


@pytest.mark.parametrize("ends_pulses", ["board", "bus"])
def test_one_wrong_answer_cuts_no_raise_that_frees_the_loop_and_leaves_no_contact_closed(
    ends_pulses: str, tmp_path: Path
) -> None:
    """What a service does where a poll fails: lost, close, and open again."""
    bench = Bench("tcp", tmp_path, flash_on=ends_pulses == "board")
    bench.controller_loop_works = False
    try:
        bench.boom.travel_s = 0.6
        bench.barrier.lower_boom("d1", open_boom(bench))
        while bench.boom.position > 0.9:
            bench.poll()
        bench.changes.clear()
        bench.exit_loop = True
        bench.poll()
        bench.host.answer_exception(4)
        with pytest.raises(DeviceError):
            bench.poll()
        bench.host.answer_exception(None)
        bench.barrier.lost()
        bench.barrier.close()
        bench.bus.close()
        bench.bus.open()
        bench.wait(BarrierPosition.OPEN)
        wait_until_open_by_polls(bench)
    finally:
        bench.stop()
    closed_s, opened_s = (at_s for coil, at_s in bench.changes if coil == 0)
    assert opened_s - closed_s > 0.08  # of the 0.1 s
    assert bench.boom.down_limit_s is None


def wait_until_open_by_polls(bench: Bench) -> None:
    while any(bench.host.coils()[:3]):
        bench.poll()


def test_an_emergency_stop_that_is_wired_to_the_board_alone_stops_a_falling_boom(
    bench: Bench,
) -> None:
    bench.barrier.lower_boom("d1", open_boom(bench))
    while bench.boom.position > 0.9:
        bench.poll()
    bench.host.set_input(EMERGENCY_STOP, True)
    bench.wait(BarrierPosition.STOPPED_MID)
    bench.poll()  # the boom moved on between the poll and the contact
    stopped_at = bench.boom.position
    until_s = CLOCK.now().mono_s + 0.5
    while CLOCK.now().mono_s < until_s:
        bench.poll()
    assert bench.boom.position == stopped_at > 0
    assert not any(bench.host.coils()[:3])
