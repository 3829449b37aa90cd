"""Boards by map files: shipped ones, a site's own, and their simulator, on real wires."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from devices.barrier.driver import Barrier
from devices.boards.board_file import SHIPPED, load_board, shipped_boards
from devices.clock import SystemClock
from devices.config import BarrierConfig, BusConfig
from devices.errors import DeviceConfigError, DeviceError, RemoteProtocolError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.readings import Lamp
from devices.sim.modbus_host import ModbusHost
from tests.modbus_bench import bus_config, scripted_server

CLOCK = SystemClock()

REGISTER_BOARD = """
name = "relays and inputs as registers, numbered from 1"
source = "laid out for this test"
[inputs]
function = 4
address = 0x81
count = 10
[relays]
function = 3
address = 1
per_register = 1
write = 6
on = 0x0100
off = 0x0200
[pulse]
by = "bus"
[switches]
entry_loop = 9
front_beam = { terminal = 1, contact = "normally_closed" }
rear_beam = 2
exit_loop = 3
barrier_up = 4
barrier_down = 5
emergency_stop = { terminal = 7, contact = "normally_closed" }
manual_switch = 8
[contacts]
raise_boom = 7
lower_boom = 6
stop_boom = 5
exit_red = 3
exit_green = 4
entry_green = 2
sounder = 1
"""


@pytest.fixture(params=[*shipped_boards(), "register.toml"], ids=[*shipped_boards(), "map-file"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param != "register.toml":
        return str(request.param)
    path = tmp_path / "register.toml"
    path.write_text(REGISTER_BOARD)
    return str(path)


@pytest.fixture(params=["tcp", "rtu"])
def config(request: pytest.FixtureRequest, board: str, tmp_path: Path) -> BusConfig:
    return msgspec.structs.replace(bus_config(request.param, tmp_path), board=board)


@contextmanager
def line_of(config: BusConfig) -> Iterator[tuple[ModbusHost, ModbusBus]]:
    host = ModbusHost(config, CLOCK)
    host.start()
    bus = ModbusBus(config, CLOCK)
    bus.open()
    try:
        yield host, bus
    finally:
        bus.close()
        host.stop()


def test_every_board_reads_its_switches_and_switches_its_lamps(config: BusConfig) -> None:
    board = board_of(config)
    with line_of(config) as (host, bus):
        lane_io = LaneIo(bus, CLOCK, board)
        for name in ("entry_loop", "front_beam", "exit_loop", "barrier_up", "emergency_stop"):
            terminal = getattr(board, name)
            host.set_inputs([each in board.normally_closed for each in range(board.input_count)])
            assert not getattr(lane_io.read(), name)
            host.set_input(terminal, terminal not in board.normally_closed)
            assert getattr(lane_io.read(), name), name
        for lamp in lane_io.lamps:
            lane_io.set_lamp(lamp, True)
            assert lane_io.relays().lamps == {lamp}
            lane_io.set_lamp(lamp, False)
        assert not any(host.coils())


def test_every_board_opens_the_contact_again_after_a_pulse(config: BusConfig) -> None:
    board = board_of(config)
    with line_of(config) as (host, bus):
        barrier = Barrier(bus, CLOCK, BarrierConfig(pulse_s=0.2), board)
        lane_io = LaneIo(bus, CLOCK, board)
        barrier.raise_boom("one", CLOCK.now().mono_s + 5.0)
        assert host.coil(board.raise_coil)
        assert lane_io.relays().raise_closed
        assert barrier.wrong_contact(lane_io.relays()) is None
        deadline_s = CLOCK.now().mono_s + 5.0
        while host.coil(board.raise_coil) and CLOCK.now().mono_s < deadline_s:
            lane_io.read()
        assert not host.coil(board.raise_coil)


def test_every_board_works_on_after_a_pulled_cable_without_a_restart(config: BusConfig) -> None:
    board = board_of(config)
    with line_of(config) as (host, bus):
        lane_io = LaneIo(bus, CLOCK, board)
        for is_occupied in (True, False):
            host.unplug()
            with pytest.raises(DeviceError):
                lane_io.read()
            at_rest = board.entry_loop in board.normally_closed
            host.set_input(board.entry_loop, is_occupied is not at_rest)
            host.plug()
            bus.open()
            assert lane_io.read().entry_loop is is_occupied
            lane_io.set_lamp(Lamp.EXIT_RED, is_occupied)
            assert (Lamp.EXIT_RED in lane_io.relays().lamps) is is_occupied


def test_every_board_that_does_not_answer_gives_no_inputs(config: BusConfig) -> None:
    with line_of(config) as (host, bus):
        lane_io = LaneIo(bus, CLOCK, board_of(config))
        assert lane_io.read()
        host.silence()
        with pytest.raises(DeviceError):
            lane_io.read()
        with pytest.raises(DeviceError):
            lane_io.relays()


def test_a_welded_lower_contact_is_told_apart_from_a_pulse(config: BusConfig) -> None:
    board = board_of(config)
    with line_of(config) as (host, bus):
        barrier = Barrier(bus, CLOCK, BarrierConfig(), board)
        host.stick_coil(board.lower_coil, on=True)
        said = barrier.wrong_contact(LaneIo(bus, CLOCK, board).relays())
        assert said == "the lower contact is closed and no pulse runs"


def test_the_pulse_of_an_lc_board_is_two_registers_of_its_relay() -> None:
    heard: list[bytes] = []

    def confirm(request: bytes) -> bytes:
        heard.append(request)
        return request[:4] + b"\x00\x06" + request[6:12]

    with scripted_server(confirm) as (config, _):
        bus = ModbusBus(msgspec.structs.replace(config, board="lc", device_id=255), CLOCK)
        bus.open()
        bus.pulse_coil(1, 0.3)
        bus.close()
    # relay 2 of the board: registers 3 + 5, flash-on, 0.3 s; laid out by hand
    assert heard[0].hex(" ") == "00 01 00 00 00 0b ff 10 00 08 00 02 04 00 02 00 03"


def test_a_board_that_confirms_other_registers_has_not_confirmed() -> None:
    def other(request: bytes) -> bytes:
        return request[:4] + b"\x00\x06" + request[6:8] + b"\x00\x03\x00\x02"

    with scripted_server(other) as (config, _):
        bus = ModbusBus(msgspec.structs.replace(config, board="lc"), CLOCK)
        bus.open()
        with pytest.raises(RemoteProtocolError, match="registers 0x0008"):
            bus.pulse_coil(1, 0.3)
        bus.close()


@pytest.mark.parametrize("late_s", [0.15, 0.25, 0.35, 0.5, 0.7])
def test_however_late_an_answer_comes_it_never_passes_for_another(
    late_s: float, tmp_path: Path
) -> None:
    config = bus_config("rtu", tmp_path, timeout_s=0.1)
    host = ModbusHost(config, CLOCK)
    host.start()
    bus = ModbusBus(config, CLOCK)
    bus.open()
    host.set_input(3, True)
    host.delay_answers(late_s)
    with pytest.raises(DeviceError):
        bus.read_inputs(0, 8)  # its late answer will say: exit loop occupied
    host.set_input(3, False)
    host.delay_answers(0.0)
    bus.close()
    bus.open()  # what a service does after any failure; the board's answer is still under way
    told: list[str] = []
    answered = 0
    while answered < 20:
        try:
            assert bus.read_inputs(0, 8) == (False,) * 8
            answered += 1
        except DeviceError as exc:
            told.append(str(exc))
            assert len(told) < 10
            if not bus.is_open:
                bus.open()
    bus.close()
    host.stop()
    assert all("late answer" in each or "no answer" in each for each in told), told


def test_a_late_answer_is_named_as_one_and_an_exception_as_another(tmp_path: Path) -> None:
    config = bus_config("rtu", tmp_path, timeout_s=0.2)
    with line_of(config) as (host, bus):
        host.delay_answers(0.4)
        with pytest.raises(DeviceError, match="no answer"):
            bus.read_inputs(0, 8)
        with pytest.raises(RemoteProtocolError, match="late answer to an earlier request"):
            bus.read_inputs(0, 8)
        host.delay_answers(0.0)
        CLOCK.sleep(0.5)
        host.answer_exception(2)
        with pytest.raises(RemoteProtocolError, match=r"exception 2 \(illegal address\)"):
            bus.read_inputs(0, 8)


WRONG = [
    ("[inputs]\nfunction = 4", "[inputs]\nfunction = 5", r"\$\.inputs\.function"),
    ("per_register = 1", "per_register = 8", r"\$\.relays\.per_register"),
    ('by = "bus"', 'by = "magic"', r"\$\.pulse\.by"),
    ("exit_loop = 3\n", "", r"missing required field `exit_loop` - at `\$\.switches`"),
    ("rear_beam = 2", "rear_beam = 3", r"exit_loop: terminal 3 is rear_beam already"),
    ("entry_loop = 9", "entry_loop = 10", r"entry_loop: terminal 10 of a board of 10"),
    ("sounder = 1", "sounder = 8", r"sounder: terminal 8 of a board of 8"),
    ('by = "bus"', 'by = "coil"', r"pulse\.by"),
    ("stop_boom = 5", "stop_boom = 5\nbeacon = 0", r"unknown field `beacon`"),
    ("name =", "name", "at line 2"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG)
def test_a_wrong_map_file_is_named_with_its_field(
    right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    assert right in REGISTER_BOARD
    path.write_text(REGISTER_BOARD.replace(right, wrong, 1))
    with pytest.raises(DeviceConfigError, match=said) as failed:
        load_board(str(path))
    assert str(path) in str(failed.value)


def test_a_board_that_nobody_knows_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match="known are lc, waveshare"):
        load_board("hikvision")
    with pytest.raises(DeviceConfigError, match=r"none\.toml: No such file"):
        load_board(str(tmp_path / "none.toml"))
    with pytest.raises(DeviceConfigError, match="no terminal 8 on a board of 8"):
        board_of(BusConfig(normally_closed=(8,)))


def test_every_shipped_map_says_where_its_numbers_come_from() -> None:
    for word in shipped_boards():
        table = tomllib.loads((SHIPPED / f"{word}.toml").read_text(encoding="utf-8"))
        assert table["name"]
        assert table["source"]
