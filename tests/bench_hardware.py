"""Hardware that a bench does not own, as a process of its own: `python -m tests.bench_hardware`.

A relay box on Modbus TCP, and what its relays are wired to: the inputs of a board on a serial line
(a pty) with a barrier on its relays, and a weighbridge behind a serial server whose load the box
puts on and takes off. Nothing of it is asked or told anything but through its wires.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from devices.clock import SystemClock
from devices.config import BusConfig
from devices.lane_io.registers import board_of
from devices.sim.bench import plain_picture
from devices.sim.boom import SimBoom
from devices.sim.lane_world import LaneWorld
from devices.sim.line_host import line_host
from devices.sim.modbus_host import ModbusHost
from devices.sim.weighbridge import SimWeighbridge
from devices.stop_signals import StopSignals
from devices.weighbridge.protocols import protocol_named
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE

if TYPE_CHECKING:
    from devices.clock import Clock

WIRES = {"entry_loop": 0, "rear_beam": 1, "front_beam": 2, "exit_loop": 3}
LOAD_RELAY = 4
LOAD_KG = 18_240
NORMALLY_CLOSED = (1, 2, 6, 7)
SCALE_DRIVER = "toledo-continuous-checksum"


class Hardware:
    """A box, and a board and a scale that it is wired to. Opened by `start`."""

    def __init__(self, box_port: int, board_path: str, scale_port: int, clock: Clock) -> None:
        board = BusConfig(transport="rtu", serial_port=board_path, normally_closed=NORMALLY_CLOSED)
        self._map = board_of(board)
        self._board = ModbusHost(board, clock, on_coil=self._on_board_relay)
        self._barrier = LaneWorld(  # no truck ever comes: its boom, its limit switches
            SHORT_LANE,
            clock,
            SimBoom(travel_s=BOOM_TRAVEL_S),
            set_input=self._board.set_input,
            present_card=lambda _uid: None,
            empty_picture=plain_picture(),
            board=self._map,
        )
        self._box = ModbusHost(
            BusConfig(host=HOST, tcp_port=box_port), clock, on_coil=self._on_box_relay
        )
        self._load_kg = 0.0
        line = line_host("weighbridge", f"tcp://{HOST}:{scale_port}", baud=9_600, clock=clock)
        self._scale = SimWeighbridge(
            line, lambda: self._load_kg, clock, protocol=protocol_named(SCALE_DRIVER)
        )

    def start(self) -> None:
        """Power on."""
        self._barrier.tick(0.0)
        for device in (self._board, self._box, self._scale, self._barrier):
            device.start()

    def stop(self) -> None:
        """Power off."""
        for device in (self._barrier, self._scale, self._box, self._board):
            device.stop()

    def _on_board_relay(self, relay: int, on: bool, at_s: float) -> None:  # noqa: FBT001 - a relay
        self._barrier.on_coil(relay, on, at_s)

    def _on_box_relay(self, relay: int, on: bool, _at_s: float) -> None:  # noqa: FBT001 - a relay
        if relay == LOAD_RELAY:
            self._load_kg = LOAD_KG if on else 0.0
        for wire, wired in WIRES.items():
            if relay == wired:
                terminal: int = getattr(self._map, wire)
                self._board.set_input(terminal, on != (terminal in self._map.normally_closed))


def main() -> None:
    """Be there until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--box-port", type=int, required=True)
    parser.add_argument("--board", required=True)
    parser.add_argument("--scale-port", type=int, required=True)
    options = parser.parse_args()
    stopped = StopSignals()
    hardware = Hardware(options.box_port, options.board, options.scale_port, SystemClock())
    hardware.start()
    stopped.wait(None)
    hardware.stop()


if __name__ == "__main__":
    main()
