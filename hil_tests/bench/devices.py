"""How soon a loop is heard over RTU, and what the lane camera costs.

The board hangs on a pty, which has no speed of its own: its answers are held back for as long as
question and answer take at 19200 baud, and 5 ms for the board. The lane camera's stream comes from
another process, so that only what the lane spends is counted.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import structlog

from devices.barrier.driver import Barrier
from devices.camera.opening import open_camera
from devices.config import BarrierConfig, BusConfig, LaneCameraConfig
from devices.errors import LinkDown
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.sim.camera import MjpegServer
from devices.sim.modbus_host import ModbusHost
from gate_agent.adapters.lane_camera import Began, Keep, LaneCameraAdapter
from gate_agent.adapters.lane_io import LaneIoAdapter
from gate_agent.adapters.service import Service
from gate_agent.domain.events import ClipKept, InputsChanged
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import PassageId
from gate_agent.inbox import Inbox
from gate_agent.store.picture_files import ClipFiles, PictureFiles
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.rig import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.clock import Clock
    from gate_agent.adapters.service import Served
    from gate_agent.logs import Log

BAUD = 19_200
BYTE_S = 11 / BAUD
WIRE_S = (8 + 6) * BYTE_S + 2 * 3.5 * BYTE_S + 0.005  # question, answer, two silences, the board
EDGE_BAR_MS = 60.0
EDGES = 150
HEARD_S = 5.0
START_TRIES = 40
PASSAGE_S = 20.0
FILM_FPS = 8.0
ENTRY_LOOP = 0
COMMAND = "python -m hil_tests.bench --only devices"


def measure(clock: Clock, *, say: Callable[[str], None]) -> Iterator[Part]:
    """Both. Raises a `DeviceError` when a place is taken."""
    say("watching a loop over RTU")
    yield _edges(clock)
    say("filming a lane")
    yield _film(clock)


def _edges(clock: Clock) -> Part:
    chance, taken_ms = random.Random(7), []
    with tempfile.TemporaryDirectory(prefix="kakou-board-") as folder:
        config = BusConfig(transport="rtu", serial_port=f"{folder}/bus", baud=BAUD)
        inbox, host = Inbox(), ModbusHost(config, clock)
        host.start()
        host.delay_answers(WIRE_S)
        try:
            with _served(_board_adapter(config, inbox, clock), inbox, clock):
                for number in range(2 * EDGES):
                    is_on = number % 2 == 0
                    clock.sleep(chance.uniform(0.08, 0.15))  # at any moment of the poll
                    edge_s = clock.now().mono_s
                    host.set_input(ENTRY_LOOP, is_on)
                    _wait_for_loop(inbox, is_on=is_on)
                    if is_on:  # clear is told later, by intent
                        taken_ms.append((clock.now().mono_s - edge_s) * 1000)
        finally:
            host.stop()
    return Part(
        title=f"entry loop over RTU at {BAUD} baud, relays read back once a second",
        command=COMMAND,
        figures=percentiles("loop edge to event", taken_ms, "ms", (50, 99), bars={99: EDGE_BAR_MS}),
    )


def _board_adapter(config: BusConfig, inbox: Inbox, clock: Clock) -> LaneIoAdapter:
    board, bus = board_of(config), ModbusBus(config, clock)
    boom = Barrier(bus, clock, BarrierConfig(), board)
    switches = LaneIo(bus, clock, board)
    return LaneIoAdapter(bus, switches, boom, config.poll_s, inbox, clock, _log())


@contextmanager
def _served(adapter: Served, inbox: Inbox, clock: Clock) -> Iterator[None]:
    """Turn an adapter as the agent does; what it reports of its link is nobody's."""
    service = Service("bench", adapter, FaultCode.BUS_LINK, inbox, clock, _log())
    service.start()
    try:
        yield
    finally:
        service.stop()
        service.join(HEARD_S)


def _wait_for_loop(inbox: Inbox, *, is_on: bool) -> None:
    while (stamped := inbox.take(HEARD_S)) is not None:
        event = stamped.event
        if isinstance(event, InputsChanged) and event.entry_loop is is_on:
            return


def _film(clock: Clock) -> Part:
    (port,) = free_ports(1)
    camera = multiprocessing.get_context("spawn").Process(target=_show, args=(port,), daemon=True)
    camera.start()
    try:
        return _filmed(clock, port)
    finally:
        camera.terminate()
        camera.join()


def _show(port: int) -> None:
    """A 1280x720 camera with a busy picture, until the process is ended."""
    image = np.random.default_rng(7).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    large = cv2.resize(image, (1280, 720), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    server = MjpegServer(HOST, port, lambda: jpeg, path="/", rate_fps=FILM_FPS)
    server.start()
    threading.Event().wait()


def _filmed(clock: Clock, port: int) -> Part:
    config = LaneCameraConfig(source=f"http://{HOST}:{port}/")
    with tempfile.TemporaryDirectory(prefix="kakou-film-") as folder:
        clips = ClipFiles(Path(folder, "clips"), max_bytes=10**9, max_days=1, clock=clock)
        pictures = PictureFiles(Path(folder, "pictures"), max_bytes=10**9)
        inbox, film = Inbox(), open_camera(config, clock)
        adapter = LaneCameraAdapter(film, config, clips, pictures, inbox, clock, _log())
        _wait_for_camera(config, clock)
        before_mb = _peak_mb()
        with _served(adapter, inbox, clock):
            clock.sleep(config.before_s)
            adapter.order(Began(PassageId("bench")))
            spent_s, began_s = _spent_s(), clock.now().mono_s
            clock.sleep(PASSAGE_S)
            asked_s = clock.now().mono_s
            adapter.order(Keep(PassageId("bench")))
            kept = _kept(inbox)
            load = (_spent_s() - spent_s) / (clock.now().mono_s - began_s)
            written_s = clock.now().mono_s - asked_s
        clip = clips.read(kept.clip_id) if kept else None
        frames = kept.frames if kept else 0
    figures = (
        ("of one core while it films", load * 100, "%"),
        ("memory more than before, at its peak", _peak_mb() - before_mb, "MB"),
        ("clip of a passage of 20 s", None if clip is None else len(clip) / 1e6, "MB"),
        ("frames in it", float(frames), ""),
        ("asked for to kept", written_s, "s"),
    )
    return Part(
        title=f"lane camera at {config.rate_fps} a second out of a 1280x720 Motion JPEG stream",
        command=COMMAND,
        figures=tuple(
            Figure(name=name, value=None if value is None else round(value, 1), unit=unit, n=1)
            for name, value, unit in figures
        ),
    )


def _kept(inbox: Inbox) -> ClipKept | None:
    while (stamped := inbox.take(HEARD_S)) is not None:
        if isinstance(stamped.event, ClipKept):
            return stamped.event
    return None


def _wait_for_camera(config: LaneCameraConfig, clock: Clock) -> None:
    """The other process takes its time to start. Raises `LinkDown` when it never does."""
    probe = open_camera(config, clock)
    for tries_left in reversed(range(START_TRIES)):
        try:
            probe.open()
        except LinkDown:
            if not tries_left:
                raise
            clock.sleep(1.0)
        else:
            probe.close()
            return


def _spent_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _log() -> Log:
    log: Log = structlog.wrap_logger(None, processors=[_drop])
    return log


def _drop(*_: object) -> str:
    raise structlog.DropEvent
