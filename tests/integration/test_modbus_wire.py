"""The bus and the simulated board over real TCP and over RTU on a pty."""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.config import BusConfig
from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError
from devices.modbus import SILENT_LIMIT, ModbusBus
from devices.sim.modbus_host import ModbusHost
from tests.modbus_bench import bus_config, free_port, scripted_server

CLOCK = SystemClock()
Change = tuple[int, bool, float]


@dataclass
class Line:
    """A started board and an open bus to it."""

    config: BusConfig
    host: ModbusHost
    bus: ModbusBus
    changes: list[Change] = field(default_factory=list)


def make_line(config: BusConfig) -> Line:
    changes: list[Change] = []
    host = ModbusHost(config, CLOCK, on_coil=lambda *change: changes.append(change))
    host.start()
    bus = ModbusBus(config, CLOCK)
    bus.open()
    return Line(config, host, bus, changes)


@pytest.fixture(params=["tcp", "rtu"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def line(transport: str, tmp_path: Path) -> Iterator[Line]:
    line = make_line(bus_config(transport, tmp_path))
    yield line
    line.bus.close()
    line.host.stop()


def wait_until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline_s = CLOCK.now().mono_s + within_s
    while not condition():
        assert CLOCK.now().mono_s < deadline_s, "did not happen in time"
        time.sleep(0.005)


def test_inputs_and_relays_travel_as_they_are(line: Line) -> None:
    line.host.set_inputs([True, False, True, False, False, True, False, False])
    assert line.bus.read_inputs(0, 8) == (True, False, True, False, False, True, False, False)
    assert line.bus.read_inputs(2, 3) == (True, False, False)
    line.bus.write_coil(4, True)
    assert line.bus.read_coils(0, 8) == line.host.coils()
    assert line.host.coil(4)
    line.bus.write_coil(4, False)
    assert not any(line.bus.read_coils(0, 8))


def test_a_contact_opens_by_itself_even_if_the_agent_dies(line: Line) -> None:
    line.bus.pulse_coil(0, 0.3)
    assert line.host.coil(0)
    line.bus.close()  # nobody is left to open it
    wait_until(lambda: not line.host.coil(0))
    (_, on, on_s), (_, off, off_s) = line.changes
    assert (on, off) == (True, False)
    assert off_s - on_s >= 0.29


def test_a_pulse_can_be_ended_early(line: Line) -> None:
    line.bus.pulse_coil(1, 5.0)
    line.bus.write_coil(1, False)
    assert not line.host.coil(1)
    line.bus.write_coil(1, True)  # and the old pulse does not end a later command
    assert line.host.coil(1)


def test_without_flash_on_the_next_poll_after_the_pulse_opens_the_contact(
    transport: str, tmp_path: Path
) -> None:
    line = make_line(bus_config(transport, tmp_path, flash_on=False))
    line.bus.pulse_coil(0, 0.2)

    def is_open_after_a_poll() -> bool:
        line.bus.read_inputs(0, 8)
        return not line.host.coil(0)

    line.bus.read_inputs(0, 8)
    assert line.host.coil(0)
    wait_until(is_open_after_a_poll)
    line.bus.close()
    line.host.stop()


def test_a_bus_that_ends_its_pulses_itself_closes_when_they_have_lasted(
    transport: str, tmp_path: Path
) -> None:
    line = make_line(bus_config(transport, tmp_path, flash_on=False))
    line.bus.pulse_coil(0, 0.3)
    line.bus.pulse_coil(1, 30.0)
    line.bus.write_coil(1, False)  # who wants it open at once says so
    line.bus.close()  # a stop in the middle of a pulse
    assert not line.host.coil(0)
    changed_s = [at_s for address, _, at_s in line.changes if address == 0]
    assert 0.25 < changed_s[1] - changed_s[0] < 5.0
    line.host.stop()


def test_a_bus_that_is_to_be_opened_again_neither_waits_for_a_pulse_nor_cuts_it(
    transport: str, tmp_path: Path
) -> None:
    line = make_line(bus_config(transport, tmp_path, flash_on=False))
    line.bus.pulse_coil(0, 1.0)
    line.bus.close(is_to_be_opened=True)
    line.bus.open()
    line.bus.read_inputs(0, 8)
    assert line.host.coil(0)
    wait_until(lambda: bool(line.bus.read_inputs(0, 8)) and not line.host.coil(0))
    (_, _, closed_s), (_, _, opened_s) = line.changes
    assert opened_s - closed_s >= 0.99
    line.bus.close()
    line.host.stop()


def test_a_contact_whose_opening_was_not_confirmed_is_opened_by_the_closing_of_the_bus(
    transport: str, tmp_path: Path
) -> None:
    line = make_line(bus_config(transport, tmp_path, flash_on=False))
    line.bus.pulse_coil(1, 30.0)
    line.host.answer_exception(6)
    with pytest.raises(RemoteProtocolError, match="exception 6"):
        line.bus.write_coil(1, False)
    assert line.host.coil(1)
    line.host.answer_exception(None)
    line.bus.close()
    assert not line.host.coil(1)
    line.host.stop()


def test_an_exception_answer_is_raised_with_its_meaning(line: Line) -> None:
    line.host.answer_exception(4)
    with pytest.raises(RemoteProtocolError, match=r"exception 4 \(device failure\)"):
        line.bus.read_inputs(0, 8)
    with pytest.raises(RemoteProtocolError, match="exception 4"):
        line.bus.pulse_coil(0, 0.3)
    assert not line.host.coil(0)
    line.host.answer_exception(None)
    assert line.bus.read_inputs(0, 8) == (False,) * 8


def test_a_terminal_that_the_board_lacks_is_an_error(line: Line) -> None:
    with pytest.raises(RemoteProtocolError, match=r"exception 2 \(illegal address\)"):
        line.bus.read_inputs(4, 8)
    with pytest.raises(RemoteProtocolError, match="exception 2"):
        line.bus.write_coil(8, True)


def test_a_silent_board_times_out_and_is_then_given_up(line: Line) -> None:
    line.host.silence()
    for _ in range(SILENT_LIMIT - 1):
        with pytest.raises(DeviceTimeout, match=r"no answer for 0\.2 s"):
            line.bus.read_inputs(0, 8)
    with pytest.raises(LinkDown, match="3 requests unanswered"):
        line.bus.read_inputs(0, 8)
    line.host.silence(False)
    with pytest.raises(LinkDown, match="not open"):
        line.bus.read_inputs(0, 8)
    line.bus.open()
    assert line.bus.read_inputs(0, 8) == (False,) * 8


def test_one_lost_answer_is_not_a_lost_link(line: Line) -> None:
    for _ in range(SILENT_LIMIT + 1):
        line.host.silence()
        with pytest.raises(DeviceTimeout):
            line.bus.read_inputs(0, 8)
        line.host.silence(False)
        assert line.bus.read_inputs(0, 8) == (False,) * 8


def test_a_wall_clock_set_back_does_not_stall_the_bus(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours_back = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 1.8e9 - 3600.0 * next(hours_back))
    assert line.bus.read_inputs(0, 8) == (False,) * 8
    line.host.silence()
    started_s = CLOCK.now().mono_s
    with pytest.raises(DeviceTimeout):
        line.bus.read_inputs(0, 8)
    assert CLOCK.now().mono_s - started_s < 5.0


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_one(
    transport: str, tmp_path: Path
) -> None:
    line = make_line(bus_config(transport, tmp_path, timeout_s=0.2))
    line.host.set_input(3, True)
    line.host.delay_answers(0.25)
    with pytest.raises(DeviceTimeout):
        line.bus.read_inputs(0, 8)  # its answer says: exit loop occupied
    line.host.delay_answers(0.0)
    line.host.set_input(3, False)
    for _ in range(20):
        assert line.bus.read_inputs(0, 8) == (False,) * 8
    line.bus.close()
    line.host.stop()


def test_a_pulled_cable_is_a_lost_link_until_somebody_opens_it_again(line: Line) -> None:
    line.host.set_input(5, True)
    assert line.bus.read_inputs(0, 8)[5]
    line.host.unplug()
    with pytest.raises(LinkDown, match=line.bus.place):
        line.bus.read_inputs(0, 8)
    for _ in range(3):
        with pytest.raises(LinkDown, match=line.bus.place):
            line.bus.open()
    line.host.plug()
    with pytest.raises(LinkDown, match="not open"):  # no silent reconnection
        line.bus.read_inputs(0, 8)
    line.bus.open()
    assert line.bus.read_inputs(0, 8)[5]


def test_a_cable_may_be_pulled_again_and_again(line: Line) -> None:
    for _ in range(5):
        line.host.unplug()
        with pytest.raises(DeviceError):
            line.bus.read_inputs(0, 8)
        line.host.plug()
        line.bus.open()
        assert line.bus.read_inputs(0, 8) == (False,) * 8


def test_a_closed_bus_stays_closed(line: Line) -> None:
    line.bus.close()
    line.bus.close()
    for call in (
        lambda: line.bus.read_inputs(0, 8),
        lambda: line.bus.write_coil(0, True),
        lambda: line.bus.pulse_coil(0, 0.3),
    ):
        with pytest.raises(LinkDown, match="not open"):
            call()
    assert line.changes == []


def test_a_welded_relay_shows_in_what_the_board_says(line: Line) -> None:
    line.host.stick_coil(3, True)
    line.bus.write_coil(3, False)
    assert line.bus.read_coils(0, 8)[3]
    line.host.stick_coil(3, None)
    line.bus.write_coil(3, False)
    assert not line.bus.read_coils(0, 8)[3]


def test_a_bouncing_input_is_seen_to_bounce(line: Line) -> None:
    line.host.bounce_input(0, 0.5)
    seen: set[bool] = set()

    def has_seen_both() -> bool:
        seen.add(line.bus.read_inputs(0, 8)[0])
        return len(seen) == 2

    wait_until(has_seen_both)


def test_after_a_power_cut_all_relays_are_off(line: Line) -> None:
    line.bus.write_coil(4, True)
    line.host.power_cycle()
    assert not any(line.bus.read_coils(0, 8))


def test_a_board_with_another_device_id_does_not_answer(line: Line) -> None:
    other = ModbusBus(
        BusConfig(
            transport=line.config.transport,
            tcp_port=line.config.tcp_port,
            serial_port=line.config.serial_port,
            device_id=7,
        ),
        CLOCK,
    )
    line.bus.close()
    other.open()
    with pytest.raises(DeviceTimeout):
        other.read_inputs(0, 8)
    other.close()


def test_opening_nothing_names_the_place(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(LinkDown, match=f"127.0.0.1:{port}: Connection refused"):
        ModbusBus(BusConfig(tcp_port=port), CLOCK).open()
    missing = tmp_path / "ttyS9"
    with pytest.raises(LinkDown, match="ttyS9: no such port"):
        ModbusBus(BusConfig(transport="rtu", serial_port=str(missing)), CLOCK).open()
    missing.symlink_to("/dev/pts/does-not-exist")
    with pytest.raises(LinkDown, match="ttyS9: no such port"):
        ModbusBus(BusConfig(transport="rtu", serial_port=str(missing)), CLOCK).open()


def test_a_simulator_does_not_take_the_place_of_a_real_port(tmp_path: Path) -> None:
    real = tmp_path / "ttyS1"
    real.write_text("a real device node")
    host = ModbusHost(BusConfig(transport="rtu", serial_port=str(real)), CLOCK)
    with pytest.raises(LinkDown, match="ttyS1"):
        host.start()
    assert real.read_text() == "a real device node"


def test_a_simulator_says_when_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = ModbusHost(BusConfig(tcp_port=port), CLOCK)
        with pytest.raises(LinkDown, match=f"127.0.0.1:{port}"):
            host.start()


def mbap(request: bytes, pdu: bytes, *, number: int | None = None) -> bytes:
    number_bytes = request[:2] if number is None else number.to_bytes(2, "big")
    return number_bytes + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("another function", lambda q: mbap(q, bytes.fromhex("01 01 05"))),
        ("an unknown function", lambda q: mbap(q, bytes.fromhex("63 01 05"))),
        ("too many bits", lambda q: mbap(q, bytes.fromhex("02 02 05 05"))),
        ("no bits", lambda q: mbap(q, bytes.fromhex("02 00"))),
        ("a stranger's number", lambda q: mbap(q, bytes.fromhex("02 01 05"), number=999)),
        ("half a frame", lambda q: mbap(q, bytes.fromhex("02 01 05"))[:-1]),
        ("noise", lambda _: bytes.fromhex("ee ff 00 17 a5") * 9),
        ("another protocol", lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ],
)
def test_a_wrong_answer_gives_no_inputs(name: str, answer: Callable[[bytes], bytes]) -> None:
    with scripted_server(answer) as (config, _):
        bus = ModbusBus(config, CLOCK)
        bus.open()
        with pytest.raises(DeviceError, match=bus.place):
            bus.read_inputs(0, 8)
        bus.close()
    assert name


def test_an_echo_that_differs_from_the_command_is_no_confirmation() -> None:
    def for_another_relay(request: bytes) -> bytes:
        return mbap(request, bytes.fromhex("05 02 03 00 03"))

    with scripted_server(for_another_relay) as (config, _):
        bus = ModbusBus(config, CLOCK)
        bus.open()
        with pytest.raises(RemoteProtocolError, match="relay command 0x0200=0x0003"):
            bus.pulse_coil(0, 0.3)
        bus.close()


def test_an_answer_in_pieces_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bus = ModbusBus(BusConfig(tcp_port=listener.getsockname()[1], timeout_s=5), CLOCK)
        bus.open()
        client, _ = listener.accept()
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in bytes.fromhex("00 01 00 00 00 04 01 02 01 05"):
                client.sendall(bytes([byte]))  # before the question: the wire keeps it
            assert bus.read_inputs(0, 8) == (True, False, True) + (False,) * 5
        bus.close()


def test_the_bytes_on_tcp_are_those_of_the_boards_manual() -> None:
    with scripted_server(lambda request: request) as (config, heard):
        bus = ModbusBus(config, CLOCK)
        bus.open()
        bus.pulse_coil(0, 0.7)
        bus.write_coil(0, True)
        bus.pulse_coil(2, 0.25)
        bus.close()
    assert [request.hex(" ") for request in heard] == [
        "00 01 00 00 00 06 01 05 02 00 00 07",
        "00 02 00 00 00 06 01 05 00 00 ff 00",
        "00 03 00 00 00 06 01 05 02 02 00 03",
    ]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("01 05 00 00 ff 00 8c 3a", "01 05 00 00 ff 00 8c 3a"),
        ("01 05 00 00 00 00 cd ca", "01 05 00 00 00 00 cd ca"),
        ("01 05 02 00 00 07 8d b0", "01 05 02 00 00 07 8d b0"),
        ("01 05 00 00 55 00 f2 9a", "01 05 00 00 55 00 f2 9a"),
        ("01 02 00 00 00 08 79 cc", "01 02 01 05 61 8b"),
        ("01 0f 00 00 00 08 01 05 3e 96", "01 0f 00 00 00 08 54 0d"),
        ("01 05 00 09 ff 00 5c 38", "01 85 02 c3 51"),
    ],
)
def test_the_bytes_on_rtu_are_those_of_the_boards_manual(
    question: str, answer: str, tmp_path: Path
) -> None:
    config = bus_config("rtu", tmp_path)
    host = ModbusHost(config, CLOCK)
    host.set_inputs([True, False, True, False, False, False, False, False])
    host.start()
    expected = bytes.fromhex(answer)
    with Path(config.serial_port).open("r+b", buffering=0) as port:
        port.write(b"\x01\x05\x00")  # the rest of some other frame, and then silence
        time.sleep(0.1)
        port.write(bytes.fromhex(question))
        heard = b""
        while len(heard) < len(expected):
            heard += port.read(len(expected) - len(heard))
    host.stop()
    assert heard == expected
