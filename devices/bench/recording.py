"""`record` and `play`: a tape of a device that its driver reads; a device made of a tape."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from devices.bench.tap import Tap, moved, near_place, writer_of
from devices.bench.tape import Piece, Tape, TapeError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import open_card_reader, open_weighbridge
from devices.sim.line_host import line_host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.bench.tap import Taped
    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.sim.line_host import LineHost

    Read = Callable[[], list[str]]

READ_S = 0.1
ASKED_S = 10.0  # a driver that asks nothing for so long is not there
LONGEST_PAUSE_S = 2.0
NO_PACE = 4_000_000  # the tape has the times


def record(
    config: DevicesConfig,
    device: Taped,
    path: Path,
    duration_s: float,
    clock: Clock,
    say: Callable[[str], None] = lambda _line: None,
) -> str:
    """Write a tape of `device` while its driver reads it; returns the tape's SHA-256.

    Raises:
        DeviceError: the device is not there, or the tape cannot be written.
    """
    near, folder = near_place(config, device)
    try:
        with writer_of(config, device, path, clock) as tape:
            with Tap(config, device, near, tape, clock):
                _drive(moved(config, device, near), device, duration_s, clock, say)
            return tape.close()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def record_between(
    config: DevicesConfig,
    device: Taped,
    path: Path,
    near: str,
    clock: Clock,
    is_over: Callable[[], bool],
) -> str:
    """Write a tape of what passes between the device and whoever opens `near`, until `is_over`."""
    with writer_of(config, device, path, clock) as tape:
        with Tap(config, device, near, tape, clock):
            while not is_over():
                clock.sleep(READ_S)
        return tape.close()


def _drive(
    config: DevicesConfig,
    device: Taped,
    duration_s: float,
    clock: Clock,
    say: Callable[[str], None],
) -> None:
    """Let the device's own driver read for a while."""
    open_it = {"weighbridge": _scale, "card_reader": _card_reader, "bus": _board}[device]
    until_s = clock.now().mono_s + duration_s
    with contextlib.ExitStack() as undo:
        read = open_it(config, clock, undo)
        while clock.now().mono_s < until_s:
            for line in read():
                say(line)


def _scale(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    scale = open_weighbridge(config.weighbridge, clock)
    undo.callback(scale.close)
    scale.open()
    return lambda: [f"{each.gross_kg} kg, {each.status}" for each in scale.read(READ_S)[-1:]]


def _card_reader(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    reader = open_card_reader(config.card_reader, clock)
    undo.callback(reader.close)
    reader.open()
    return lambda: [f"card {card.uid}" for card in reader.read(READ_S)]


def _board(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    bus = ModbusBus(config.bus, clock)
    undo.callback(bus.close)
    bus.open()
    switches = LaneIo(bus, clock, board_of(config.bus))

    def read() -> list[str]:
        switches.read()
        clock.sleep(READ_S)
        return []

    return read


def play(
    tape: Tape,
    place: str,
    clock: Clock,
    *,
    times: int = 1,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Be the device of a tape at `place`: send what it sent when it sent it, wait to be asked.

    What the driver asks is waited for by its length, not by its words: a counter in it may have
    another value today. The answer then carries today's. Returns how many pieces were sent.

    Raises:
        TapeError: the driver asked for nothing when the tape waited for it.
    """
    host = line_host(tape.head.device, place, baud=NO_PACE, clock=clock)
    host.plug()
    try:
        return sum(_Player(tape, host, clock, is_over).run() for _ in range(times))
    finally:
        host.unplug()


class _Player:
    """One time through a tape."""

    def __init__(
        self, tape: Tape, host: LineHost, clock: Clock, is_over: Callable[[], bool]
    ) -> None:
        self._tape = tape
        self._host = host
        self._clock = clock
        self._is_over = is_over
        self._heard = b""
        self._asked = b""

    def run(self) -> int:
        sent, last_s = 0, 0.0
        for piece in self._tape.pieces:
            if self._is_over():
                break
            if piece.direction == ">":
                self._wait_asked(piece)
            else:
                self._clock.sleep(min(LONGEST_PAUSE_S, max(0.0, piece.at_s - last_s)))
                self._host.write(self._answer(piece))
                sent += 1
            last_s = piece.at_s
        return sent

    def _wait_asked(self, piece: Piece) -> None:
        deadline_s = self._clock.now().mono_s + ASKED_S
        while len(self._heard) < len(piece.payload):
            self._heard += self._host.read(READ_S)
            if self._is_over():
                return
            if self._clock.now().mono_s > deadline_s:
                raise TapeError(f"{self._tape.head.device}: nobody asked for {ASKED_S:g} s")
        self._asked = self._heard[: len(piece.payload)]
        self._heard = self._heard[len(piece.payload) :]

    def _answer(self, piece: Piece) -> bytes:
        """As on the tape; a Modbus TCP answer with the number of the request it belongs to."""
        if self._tape.head.wire == "modbus-tcp" and len(self._asked) >= 2:  # noqa: PLR2004
            return self._asked[:2] + piece.payload[2:]
        return piece.payload
