"""The demonstration's lane on a serial line instead of TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.clock import SystemClock
from devices.config import load_devices
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.sim.bench import Bench
from hil_tests.demo.places import free_port, prepare

if TYPE_CHECKING:
    from pathlib import Path


def test_the_board_moves_from_tcp_to_rtu_by_changing_one_line(tmp_path: Path) -> None:
    clock = SystemClock()
    places = prepare(tmp_path, free_port(), 1, clock)
    lane_file = places.lanes[0].config
    lines = lane_file.read_text(encoding="utf-8").splitlines()
    (line,) = (number for number, text in enumerate(lines) if text.startswith("transport ="))
    lines[line] = 'transport = "rtu"'
    lane_file.write_text("\n".join(lines), encoding="utf-8")
    config = load_devices(lane_file)

    with Bench(config, clock):
        bus = ModbusBus(config.bus, clock)
        bus.open()
        inputs = LaneIo(bus, clock, board_of(config.bus)).read()
        bus.close()

    places.lock.close()
    assert (inputs.barrier_down, inputs.barrier_up, inputs.entry_loop) == (True, False, False)
