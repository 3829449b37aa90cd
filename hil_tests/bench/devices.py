"""How soon a loop is heard over RTU, and what the lane camera costs.

The lane camera's stream comes from another process, so that only what the lane spends is counted.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.camera.opening import open_camera
from devices.config import LaneCameraConfig
from devices.errors import LinkDown
from devices.sim.camera import MjpegServer
from gate_agent.adapters.lane_camera import Began, Keep, LaneCameraAdapter
from gate_agent.domain.events import ClipKept
from gate_agent.domain.vocabulary import PassageId
from gate_agent.inbox import Inbox
from gate_agent.store.picture_files import ClipFiles, PictureFiles
from hil_tests.bench import loop_edge
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.bench.machine import peak_mb
from hil_tests.rig import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.clock import Clock

START_TRIES = 40
PASSAGE_S = 20.0
FILM_FPS = 8.0
COMMAND = "python -m hil_tests.bench --only devices"


def measure(clock: Clock, *, say: Callable[[str], None]) -> Iterator[Part]:
    """Both. Raises a `DeviceError` when a place is taken."""
    say("watching a loop over RTU")
    yield _edges(clock)
    say("filming a lane")
    yield _film(clock)


def _edges(clock: Clock) -> Part:
    taken_ms = loop_edge.edges_ms(clock)
    bars = {99: loop_edge.BAR_MS}
    return Part(
        title=f"entry loop over RTU at {loop_edge.BAUD} baud, relays read back once a second",
        command=COMMAND,
        figures=percentiles("loop edge to event", taken_ms, "ms", (50, 99), bars=bars),
    )


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
        adapter = LaneCameraAdapter(
            film, config, clips, pictures, inbox, clock, loop_edge.silent_log()
        )
        _wait_for_camera(config, clock)
        before_mb = peak_mb()
        with loop_edge.served(adapter, inbox, clock):
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
        ("memory more than before, at its peak", peak_mb() - before_mb, "MB"),
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
    while (stamped := inbox.take(loop_edge.HEARD_S)) is not None:
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
