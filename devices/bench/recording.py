"""`record` and `play`: a tape of a device that its driver reads; a device made of a tape."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
from typing import TYPE_CHECKING

from devices.bench.bring_up import configured
from devices.bench.check import check_message, said_of
from devices.bench.tap import moved, near_place, tapped, writer_of
from devices.bench.tape import Piece, Tape, TapeError
from devices.bench.wording import said, told_of
from devices.errors import DeviceError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import open_card_reader, open_tag_reader, open_weighbridge
from devices.sign.opening import open_sign
from devices.sim.line_host import line_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devices.bench.tap import Taped
    from devices.bench.tape import TapeWriter
    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.sim.line_host import LineHost
    from devices.texts import Said

    Say = Callable[[Said], None]
    Read = Callable[[], list[Said]]

_CONTENT_LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")

READ_S = 0.1
AGAIN_S = 0.3
ASKED_S = 10.0  # a driver that asks nothing for so long is not there
TOLD_S = 60.0  # a sign is told something whenever there is something to tell
SHOW_EVERY_S = 2.0
LONGEST_PAUSE_S = 2.0
NO_PACE = 4_000_000  # the tape has the times


def record(
    config: DevicesConfig,
    device: Taped,
    path: Path,
    duration_s: float,
    clock: Clock,
    say: Say = lambda _said: None,
) -> str:
    """Write a tape of `device` while its driver reads it; returns the tape's SHA-256.

    Raises:
        DeviceError: the device is not there, or the tape cannot be written.
    """
    near, folder = near_place(config, device)
    try:
        with writer_of(config, device, path, clock) as tape:
            with tapped(config, device, near, tape, clock):
                _drive(moved(config, device, near), device, duration_s, clock, say, tape)
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
        with tapped(config, device, near, tape, clock):
            while not is_over():
                clock.sleep(READ_S)
                tape.keep()
        return tape.close()


def _drive(
    config: DevicesConfig,
    device: Taped,
    duration_s: float,
    clock: Clock,
    say: Say,
    tape: TapeWriter,
) -> None:
    """Let the device's own driver read for a while. One that fails later on is opened again.

    Raises:
        DeviceError: it failed before it had read even once.
    """
    open_it = {
        "weighbridge": _scale,
        "card_reader": _card_reader,
        "bus": _board,
        "tag_reader": _tag_reader,
        "sign": _sign,
    }[device]
    until_s = clock.now().mono_s + duration_s
    has_read = is_away = False
    while clock.now().mono_s < until_s:
        try:
            with contextlib.ExitStack() as undo:
                read = open_it(config, clock, undo)
                while clock.now().mono_s < until_s:
                    for each in read():
                        say(each)
                    has_read, is_away = True, False
                    tape.keep()
        except TapeError:
            raise
        except DeviceError as exc:
            if not has_read:
                raise
            if not is_away:
                say(said("tape.away", why=told_of(exc)))
            is_away = True
            clock.sleep(AGAIN_S)


def _scale(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    scale = open_weighbridge(config.weighbridge, clock)
    undo.callback(scale.close)
    scale.open()

    def read() -> list[Said]:
        return [
            said(
                "tape.weight",
                gross_kg=newest.gross_kg,
                status=said(f"scale_status.{newest.status}"),
            )
            for newest in scale.read(READ_S)[-1:]
        ]

    return read


def _card_reader(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    reader = open_card_reader(config.card_reader, clock)
    undo.callback(reader.close)
    reader.open()
    return lambda: [said("tape.card", uid=card.uid) for card in reader.read(READ_S)]


def _board(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    bus = ModbusBus(config.bus, clock)
    undo.callback(bus.close)
    bus.open()
    switches = LaneIo(bus, clock, board_of(config.bus))

    def read() -> list[Said]:
        switches.read()
        clock.sleep(READ_S)
        return []

    return read


def _tag_reader(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    reader = open_tag_reader(configured(config.tag_reader, "tag_reader"), clock)
    undo.callback(reader.close)
    reader.open()
    return lambda: [said("tape.tag", tag=each.tag_id) for each in reader.read(READ_S)]


def _sign(config: DevicesConfig, clock: Clock, undo: contextlib.ExitStack) -> Read:
    """A sign says nothing by itself: it is shown a text, again and again."""
    table = configured(config.sign, "sign")
    sign, message = open_sign(table, clock), check_message(table)
    undo.callback(sign.close)
    sign.open()

    def show() -> list[Said]:
        sign.show(message)
        clock.sleep(SHOW_EVERY_S)
        return [said_of(table, message)]

    return show


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
    another value today. The answer then carries today's. An HTTP request is waited for until it is
    whole. Returns how many pieces were sent.

    Raises:
        TapeError: the driver asked for nothing when the tape waited for it.
    """
    host = line_host(tape.head.device, place, baud=NO_PACE, clock=clock)
    host.plug()
    try:
        return sum(_Player(tape, host, clock, is_over).run() for _ in range(times))
    finally:
        host.unplug()


def _whole(tape: Tape) -> Iterator[Piece]:
    """The pieces of a tape; of HTTP those that belong together in one."""
    if tape.head.wire != "http":
        yield from tape.pieces
        return
    for direction, pieces in itertools.groupby(tape.pieces, key=lambda piece: piece.direction):
        first, *others = pieces
        payload = b"".join(piece.payload for piece in (first, *others))
        yield Piece(first.at_s, direction, payload)


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
        for piece in _whole(self._tape):
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
        patience_s = TOLD_S if self._tape.head.device == "sign" else ASKED_S
        deadline_s = self._clock.now().mono_s + patience_s
        while len(self._heard) < (length := self._wanted(piece)):
            self._heard += self._host.read(READ_S)
            if self._is_over():
                return
            if self._clock.now().mono_s > deadline_s:
                device = self._tape.head.device
                raise TapeError(said("play.nobody_asks", device=device, for_s=patience_s))
        self._asked, self._heard = self._heard[:length], self._heard[length:]

    def _wanted(self, piece: Piece) -> int:
        """How long what is asked is: as on the tape; an HTTP request as it says itself."""
        if self._tape.head.wire != "http":
            return len(piece.payload)
        head, mark, _ = self._heard.partition(b"\r\n\r\n")
        if not mark:
            return len(self._heard) + 1
        length = _CONTENT_LENGTH.search(head)
        return len(head) + len(mark) + (int(length[1]) if length else 0)

    def _answer(self, piece: Piece) -> bytes:
        """As on the tape; a Modbus TCP answer with the number of the request it belongs to."""
        if self._tape.head.wire == "modbus-tcp" and len(self._asked) >= 2:  # noqa: PLR2004
            return self._asked[:2] + piece.payload[2:]
        return piece.payload
