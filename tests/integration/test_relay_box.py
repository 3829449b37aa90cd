"""The box of relays that plays a truck: it follows the simulated one, and is never left closed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from devices.clock import SystemClock
from devices.config import BusConfig
from devices.errors import DeviceError
from devices.sim.bench import DEVICES, Bench
from devices.sim.modbus_host import ModbusHost
from hil_tests.lane_bench import relay_box
from hil_tests.lane_bench.bench_file import RelayBox, Wire
from hil_tests.lane_bench.relay_box import BoxDrive
from hil_tests.rig import HOST, devices_at, free_ports

CLOCK = SystemClock()
WIRES: dict[Wire, int] = {"entry_loop": 2, "front_beam": 5}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Never started: its sensors are set by hand."""
    ports = free_ports(2)
    simulated = set(DEVICES) - {"bus"}
    bench = Bench(devices_at(tmp_path, *ports), CLOCK, simulated=simulated)
    bench.world.tick(0.0)
    return bench


@pytest.fixture
def board() -> BusConfig:
    return BusConfig(host=HOST, tcp_port=free_ports(1)[0])


@pytest.fixture
def host(board: BusConfig) -> Iterator[ModbusHost]:
    host = ModbusHost(board, CLOCK)
    host.start()
    yield host
    host.stop()


def soon(is_so: Callable[[], bool]) -> bool:
    deadline_s = CLOCK.now().mono_s + 10.0
    while not is_so() and CLOCK.now().mono_s < deadline_s:
        CLOCK.sleep(0.01)
    return is_so()


def drive(board: BusConfig, bench: Bench, folder: Path) -> BoxDrive:
    return BoxDrive(RelayBox(board=board, wires=WIRES), bench, folder, CLOCK)


def test_its_relays_are_what_the_truck_occupies_and_all_drop_at_the_end(
    bench: Bench, board: BusConfig, host: ModbusHost, tmp_path: Path
) -> None:
    host.stick_coil(2, True)  # left closed by a run that was killed
    host.stick_coil(2, None)
    box = drive(board, bench, tmp_path)
    box.start()
    assert not any(host.coils())
    bench.world.hold_input("entry_loop", True)
    bench.world.tick(0.0)
    assert soon(lambda: host.coils()[:6] == (False, False, True, False, False, False))
    bench.world.hold_input("front_beam", True)
    bench.world.tick(0.0)
    assert soon(lambda: host.coil(5))
    host.power_cycle()
    assert soon(lambda: host.coil(2) and host.coil(5))  # told again without any change
    box.check()
    box.stop()
    assert not any(host.coils())


def test_a_box_that_goes_away_is_a_broken_bench_by_name(
    bench: Bench, board: BusConfig, host: ModbusHost, tmp_path: Path
) -> None:
    box = drive(board, bench, tmp_path)
    box.start()
    host.stop()

    def is_broken() -> bool:
        try:
            box.check()
        except DeviceError as exc:
            return str(board.tcp_port) in str(exc)
        return False

    assert soon(is_broken)
    box.stop()


def test_a_box_that_is_not_there_is_named_before_anything_begins(
    bench: Bench, board: BusConfig, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match=str(board.tcp_port)):
        drive(board, bench, tmp_path).start()


def test_a_bench_that_is_killed_leaves_no_relay_drawn_in_at_a_box_that_can_end_that_itself(
    bench: Bench,
    board: BusConfig,
    host: ModbusHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_box, "HOLD_S", 0.6)
    monkeypatch.setattr(relay_box, "REPEAT_S", 0.1)
    box = drive(board, bench, tmp_path)
    box.start()
    bench.world.hold_input("entry_loop", True)
    bench.world.tick(0.0)
    assert soon(lambda: host.coil(2))
    until_s = CLOCK.now().mono_s + 1.5
    while CLOCK.now().mono_s < until_s:
        assert host.coil(2)  # renewed all the time
        CLOCK.sleep(0.01)
    box._stopping.set()  # as if it were killed: nobody tells the box that it is over
    assert soon(lambda: not host.coil(2))
    box.stop()


def test_a_box_that_cannot_end_it_itself_is_switched_and_dropped_by_the_bench(
    bench: Bench, board: BusConfig, host: ModbusHost, tmp_path: Path
) -> None:
    box = drive(msgspec.structs.replace(board, flash_on=False), bench, tmp_path)
    box.start()
    bench.world.hold_input("entry_loop", True)
    bench.world.tick(0.0)
    assert soon(lambda: host.coil(2))
    box.stop()
    assert not any(host.coils())


def test_a_box_whose_link_broke_has_its_relays_dropped_over_another(
    bench: Bench, board: BusConfig, host: ModbusHost, tmp_path: Path
) -> None:
    box = drive(msgspec.structs.replace(board, flash_on=False), bench, tmp_path)
    box.start()
    bench.world.hold_input("entry_loop", True)
    bench.world.tick(0.0)
    assert soon(lambda: host.coil(2))
    box._bus.close()  # from here on each request is refused, until somebody opens it
    assert soon(lambda: box._failure is not None)
    assert host.coil(2)
    box.stop()
    assert not any(host.coils())
