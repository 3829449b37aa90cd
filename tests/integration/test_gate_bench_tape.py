"""Tapes: what passed on a wire, and a device that is made of one."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from devices.bench.recording import play, record, record_between
from devices.bench.tap import Taped
from devices.bench.tape import Piece, Tape, TapeError, TapeHead, TapeWriter, read_tape
from devices.clock import SystemClock
from devices.config import DevicesConfig, SignConfig, TagReaderConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.lane_io.driver import LaneIo
from devices.modbus import ModbusBus
from devices.readings import WeighbridgeReading
from devices.registry import open_tag_reader, open_weighbridge
from devices.sign.api import SignMessage, TextSign
from devices.sign.http import HttpSign
from devices.sign.opening import open_sign
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.line_host import line_host
from devices.sim.sign import SimHttpSign, SimLedBoard
from devices.sim.tag_reader import SimTagReader
from devices.tag_reader.api import TagReader
from devices.texts import Said
from hil_tests.rig import devices_at, free_ports

TAG = "E2003411B802011383258566"
CLOCK = SystemClock()


@pytest.fixture
def config(tmp_path: Path) -> DevicesConfig:
    return devices_at(tmp_path, *free_ports(2))


def test_a_tape_tells_every_byte_and_can_stand_in_for_the_indicator(
    config: DevicesConfig, tmp_path: Path
) -> None:
    path, said = tmp_path / "scale.tape", list[Said]()
    with Bench(config, CLOCK):
        digest = record(config, "weighbridge", path, 1.5, CLOCK, said.append)
    tape = read_tape(path)
    assert tape.sha256 == digest
    assert (tape.head.device, tape.head.driver) == ("weighbridge", "yaohua-continuous")
    assert (said[-1].en, said[-1].zh) == ("0 kg, ok", "0 kg，正常")
    assert b"\x02+0000" in b"".join(piece.payload for piece in tape.pieces)
    readings: list[WeighbridgeReading] = []
    ended = threading.Event()
    player = threading.Thread(
        target=play,
        args=(tape, config.weighbridge.port, CLOCK),
        kwargs={"times": 50, "is_over": ended.is_set},
    )
    player.start()
    scale = open_weighbridge(config.weighbridge, CLOCK)
    try:
        until_s = CLOCK.now().mono_s + 20
        while not Path(config.weighbridge.port).exists() and CLOCK.now().mono_s < until_s:
            CLOCK.sleep(0.05)
        scale.open()
        while not readings and CLOCK.now().mono_s < until_s:
            readings = scale.read(0.2)
    finally:
        scale.close()
        ended.set()
        player.join()
    assert readings[0].gross_kg == 0


def test_a_board_on_tape_answers_todays_requests(config: DevicesConfig, tmp_path: Path) -> None:
    path = tmp_path / "bus.tape"
    with Bench(config, CLOCK):
        record(config, "bus", path, 1.0, CLOCK)
    tape = read_tape(path)
    assert {piece.direction for piece in tape.pieces} == {"<", ">"}
    place = f"tcp://127.0.0.1:{config.bus.tcp_port}"
    ended = threading.Event()
    player = threading.Thread(
        target=play, args=(tape, place, CLOCK), kwargs={"is_over": ended.is_set}
    )
    player.start()
    bus = ModbusBus(config.bus, CLOCK)
    CLOCK.sleep(0.3)
    bus.open()
    try:
        assert LaneIo(bus, CLOCK).read().barrier_down
        assert LaneIo(bus, CLOCK).read().barrier_down
    finally:
        bus.close()
        ended.set()
        player.join()


HEAD = TapeHead(
    device="bus", driver="modbus-tcp", place="x", baud=1, wire="modbus-tcp", began="now"
)


def test_a_tape_that_was_changed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    with TapeWriter(path, HEAD, CLOCK) as tape:
        tape.note("<", b"\x02\x03")
    whole = path.read_bytes()
    assert read_tape(path).pieces[0].payload == b"\x02\x03"
    assert not read_tape(path).is_cut
    for broken, why in (
        (whole.replace(b"0203", b"0204"), "it was changed"),
        (whole[:-10] + b"\n", "is not a piece of a wire"),
        (b"", "not a tape"),
        (b"rubbish", "not a tape"),
        (b"rubbish\n", "line 1"),
    ):
        path.write_bytes(broken)
        with pytest.raises(TapeError, match=why):
            read_tape(path)
    with pytest.raises(TapeError, match="No such file"):
        read_tape(tmp_path / "none")


def test_a_tape_cut_by_a_power_cut_can_be_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    tape = TapeWriter(path, HEAD, CLOCK)
    tape.note("<", b"\x02\x03")
    tape.keep()
    tape.note(">", b"\x04\x05")
    living = path.read_bytes()  # as it lies there when the process is killed
    for left, payloads in (
        (living, [b"\x02\x03", b"\x04\x05"]),
        (living[:-3], [b"\x02\x03"]),
        (living + b"\x00" * 512, [b"\x02\x03", b"\x04\x05"]),
        (living + b"sha256 12", [b"\x02\x03", b"\x04\x05"]),
    ):
        (tmp_path / "left").write_bytes(left)
        cut = read_tape(tmp_path / "left")
        assert cut.is_cut
        assert [piece.payload for piece in cut.pieces] == payloads
    tape.close()
    assert not read_tape(path).is_cut


def test_a_tape_that_exists_is_not_overwritten(config: DevicesConfig, tmp_path: Path) -> None:
    path = tmp_path / "yesterday.tape"
    path.write_text("an hour of trucks")
    with pytest.raises(TapeError, match=r"yesterday\.tape: exists"), Bench(config, CLOCK):
        record(config, "weighbridge", path, 0.2, CLOCK)
    assert path.read_text() == "an hour of trucks"


def test_a_device_that_is_not_there_leaves_no_tape(config: DevicesConfig, tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    with pytest.raises(LinkDown):
        record(config, "weighbridge", path, 0.2, CLOCK)
    assert not path.exists()


@pytest.mark.parametrize(("device", "fault"), [("weighbridge", "scale"), ("bus", "board")])
def test_a_tape_goes_on_after_the_cable_was_out(
    device: Taped, fault: str, config: DevicesConfig, tmp_path: Path
) -> None:
    path, said = tmp_path / "x.tape", list[Said]()
    with Bench(config, CLOCK) as bench:
        faults = FaultSwitches(bench)
        pulled = threading.Timer(1.0, lambda: faults.turn(f"{fault}_unplugged", on=True))
        plugged = threading.Timer(1.8, faults.clear)
        for timer in (pulled, plugged):
            timer.start()
        record(config, device, path, 5.0, CLOCK, said.append)
        for timer in (pulled, plugged):
            timer.join()
    times_s = [piece.at_s for piece in read_tape(path).pieces]
    assert times_s[0] < 1.0
    assert times_s[-1] > 4.0
    assert any(later - before > 0.6 for before, later in itertools.pairwise(times_s))


def tape_of_a_scale() -> Tape:
    head = TapeHead(
        device="weighbridge", driver="x", place="x", baud=9_600, wire="serial", began="now"
    )
    return Tape(head=head, pieces=(Piece(0.0, "<", b"x"),), sha256="")


def lane_with(config: DevicesConfig, **tables: object) -> DevicesConfig:
    return msgspec.structs.replace(config, **tables)


@contextmanager
def played(tape: Tape, place: str, times: int = 1) -> Iterator[None]:
    ended = threading.Event()
    player = threading.Thread(
        target=play,
        args=(tape, place, CLOCK),
        kwargs={"times": times, "is_over": ended.is_set},
    )
    player.start()
    try:
        yield
    finally:
        ended.set()
        player.join()


def open_within(device: TagReader | TextSign, within_s: float = 10.0) -> None:
    until_s = CLOCK.now().mono_s + within_s
    while True:
        try:
            device.open()
        except LinkDown:
            assert CLOCK.now().mono_s < until_s
            CLOCK.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("place", ["a serial port", "a serial server"])
def test_a_tag_reader_is_taped_and_its_tape_names_the_same_tag(
    place: str, config: DevicesConfig, tmp_path: Path
) -> None:
    port = str(tmp_path / "tags")
    if place == "a serial server":
        port = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    table = TagReaderConfig(port=port, poll_s=0.05)
    lane, path, said = lane_with(config, tag_reader=table), tmp_path / "tags.tape", list[Said]()
    sim = SimTagReader(
        line_host("tag_reader", port, baud=57_600, clock=CLOCK), lambda: frozenset({TAG})
    )
    sim.start()
    record(lane, "tag_reader", path, 1.5, CLOCK, said.append)
    sim.stop()
    assert [each.en for each in said] == [f"tag {TAG}"]
    tape = read_tape(path)
    assert (tape.head.device, tape.head.driver) == ("tag_reader", "uhf-reader18")
    reader, tags = open_tag_reader(table, CLOCK), set[str]()
    with played(tape, port):
        open_within(reader)
        until_s = CLOCK.now().mono_s + 10
        while not tags and CLOCK.now().mono_s < until_s:
            tags |= {each.tag_id for each in reader.read(0.2)}
        reader.close()
    assert tags == {TAG}


def test_a_sign_on_a_line_is_taped_and_its_tape_takes_todays_words(
    config: DevicesConfig, tmp_path: Path
) -> None:
    table = SignConfig(driver="led-64ff", port=str(tmp_path / "sign"))
    lane, path = lane_with(config, sign=table), tmp_path / "sign.tape"
    sim = SimLedBoard(line_host("sign", table.port, baud=9_600, clock=CLOCK), table)
    sim.start()
    record(lane, "sign", path, 0.5, CLOCK)
    sim.stop()
    assert sim.lines == {0: "设备检测", 1: "DEVICE CHECK"}
    tape = read_tape(path)
    sent = b"".join(piece.payload for piece in tape.pieces)
    assert {piece.direction for piece in tape.pieces} == {">"}
    assert "设备检测".encode("gb18030") in sent
    sign = open_sign(table, CLOCK)
    with played(tape, table.port):
        open_within(sign)
        sign.show(SignMessage(code="x", lines=("请停车", "STOP"), spoken=""))
        sign.close()


def test_a_sign_over_http_is_taped_with_its_answers_and_answers_todays_messages(
    config: DevicesConfig, tmp_path: Path
) -> None:
    table = SignConfig(driver="http", url=f"http://127.0.0.1:{free_ports(1)[0]}/show?sign=1")
    lane, path, said = lane_with(config, sign=table), tmp_path / "sign.tape", list[Said]()
    sim = SimHttpSign(table)
    sim.start()
    record(lane, "sign", path, 0.5, CLOCK, said.append)
    sim.stop()
    assert "has shown 设备检测" in said[0].en
    tape = read_tape(path)
    assert tape.head.wire == "http"
    assert tape.pieces[0].payload.startswith(b"POST /show?sign=1 HTTP/1.1\r\n")
    assert b" 204 " in b"".join(piece.payload for piece in tape.pieces if piece.direction == "<")
    sign = HttpSign(table, CLOCK)
    sign.open()
    with played(tape, f"tcp://127.0.0.1:{urlsplit(table.url).port}"):
        CLOCK.sleep(0.3)
        message = SignMessage(code="x", lines=("much longer than it was on the tape",), spoken="")
        sign.show(message)
    assert sign.answered == 204


def test_a_sign_that_is_away_while_it_is_taped_is_a_failure_that_names_it(
    config: DevicesConfig, tmp_path: Path
) -> None:
    table = SignConfig(driver="http", url=f"http://127.0.0.1:{free_ports(1)[0]}/")
    with pytest.raises(LinkDown, match="sign: http://127"):
        record(lane_with(config, sign=table), "sign", tmp_path / "t", 0.5, CLOCK)


def test_what_cannot_be_taped_says_why(config: DevicesConfig, tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    with pytest.raises(DeviceConfigError, match=r"no \[devices.sign\] table"):
        record(config, "sign", path, 0.5, CLOCK)
    table = SignConfig(driver="http", url="https://127.0.0.1/")
    with pytest.raises(DeviceConfigError, match="under TLS cannot be taped"):
        record(lane_with(config, sign=table), "sign", path, 0.5, CLOCK)
    assert not path.exists()


@pytest.mark.parametrize("place", ["/dev/null", "/dev/kakou-has-no-such-port"])
def test_play_and_record_at_leave_a_real_port_alone(
    place: str, config: DevicesConfig, tmp_path: Path
) -> None:
    real = tmp_path / "by-udev"
    real.symlink_to(place)
    tape, path = tape_of_a_scale(), tmp_path / "x.tape"
    with pytest.raises(DeviceConfigError, match="by-udev: exists and is not a simulator's"):
        play(tape, str(real), CLOCK)
    with (
        Bench(config, CLOCK),
        pytest.raises(DeviceConfigError, match="by-udev: exists and is not a simulator's"),
    ):
        record_between(config, "weighbridge", path, str(real), CLOCK, lambda: True)
    assert real.readlink() == Path(place)
    assert not path.exists()
