"""Tapes: what passed on a wire, and a device that is made of one."""

import threading
from pathlib import Path

import pytest

from devices.bench.recording import play, record
from devices.bench.tape import TapeError, TapeHead, TapeWriter, read_tape
from devices.clock import SystemClock
from devices.config import DevicesConfig
from devices.lane_io.driver import LaneIo
from devices.modbus import ModbusBus
from devices.readings import WeighbridgeReading
from devices.registry import open_weighbridge
from devices.sim.bench import Bench
from hil_tests.rig import devices_at, free_ports

CLOCK = SystemClock()


@pytest.fixture
def config(tmp_path: Path) -> DevicesConfig:
    return devices_at(tmp_path, *free_ports(2))


def test_a_tape_tells_every_byte_and_can_stand_in_for_the_indicator(
    config: DevicesConfig, tmp_path: Path
) -> None:
    path, said = tmp_path / "scale.tape", list[str]()
    with Bench(config, CLOCK):
        digest = record(config, "weighbridge", path, 1.5, CLOCK, said.append)
    tape = read_tape(path)
    assert tape.sha256 == digest
    assert (tape.head.device, tape.head.driver) == ("weighbridge", "yaohua-continuous")
    assert said[-1] == "0 kg, ok"
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


def test_a_tape_that_was_cut_or_changed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    head = TapeHead(
        device="bus", driver="modbus-tcp", place="x", baud=1, wire="modbus-tcp", began="now"
    )
    with TapeWriter(path, head, CLOCK) as tape:
        tape.note("<", b"\x02\x03")
    whole = path.read_bytes()
    assert read_tape(path).pieces[0].payload == b"\x02\x03"
    for broken in (whole[:-10], whole.replace(b"0203", b"0204"), b"", b"rubbish"):
        path.write_bytes(broken)
        with pytest.raises(TapeError, match="not a whole tape"):
            read_tape(path)
    with pytest.raises(TapeError, match="No such file"):
        read_tape(tmp_path / "none")
