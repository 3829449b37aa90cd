"""A short, quick lane for tests: the real drivers' addresses, small trucks, drawn pictures.

Only the simulated world is quick: a short approach, small trucks, a brisk boom. What is tested
runs as it is, with its own time-outs and its own policy.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devices.config import (
    BusConfig,
    CameraConfig,
    CardReaderConfig,
    DevicesConfig,
    WeighbridgeConfig,
)
from devices.sim.lane_world import TruckVisit
from devices.sim.truck import Axle, LaneGeometry, TruckSpec
from models.lpr.plates import PlateClass
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
BOOM_TRAVEL_S = 0.5
PORTS = range(10_000, 20_000)  # the demonstration has those above
WORKERS = 8

SHORT_LANE = LaneGeometry(
    waiting_line_m=-4.5,
    entry_loop=(-4.0, -2.0),
    rear_beam_m=0.0,
    platform=(0.2, 6.2),
    stop_line_m=5.9,
    front_beam_m=6.4,
    exit_loop=(7.0, 9.0),
    boom_m=8.0,
    camera_view=(-5.0, 6.6),
)

_AXLES = (Axle(behind_front_m=1.0, share=0.35), Axle(behind_front_m=4.0, share=0.65))


def quick_truck(gross_kg: float, *, seed: int = 0, settle_s: float = 0.6) -> TruckSpec:
    """A short truck with a hurried driver."""
    return TruckSpec(
        gross_kg=gross_kg,
        length_m=5.0,
        axles=_AXLES,
        cruise_mps=10.0,
        accel_mps2=10.0,
        settle_s=settle_s,
        seed=seed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What is written on a truck and what its driver carries."""

    plate: str
    card_uid: str
    gross_kg: int
    tag_id: str = ""  # behind the windshield; "": none
    container: str = ""  # the number on the box that it carries; "": no box


def picture_of_plate(plate: str, *, seed: int = 0, unreadable: bool = False) -> bytes:
    """A drawn photograph, JPEG, of a truck with this (blue, mainland) plate, perhaps covered."""
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, draw_plate(plate, PlateClass.BLUE), unreadable=unreadable)
    return encode_jpeg(photograph(rng, scene))


def visit_of(papers: Papers, *, weighs_kg: float | None = None, seed: int = 0) -> TruckVisit:
    """The truck that these papers describe, or one that weighs something else."""
    return TruckVisit(
        truck=quick_truck(papers.gross_kg if weighs_kg is None else weighs_kg, seed=seed),
        picture=picture_of_plate(papers.plate, seed=seed),
        card_uid=papers.card_uid,
    )


def devices_at(folder: Path, bus_port: int, camera_port: int) -> DevicesConfig:
    """The devices table of a lane whose simulators live in `folder` and on these ports."""
    return DevicesConfig(
        bus=BusConfig(host=HOST, tcp_port=bus_port),
        weighbridge=WeighbridgeConfig(port=str(folder / "scale")),
        card_reader=CardReaderConfig(port=str(folder / "card")),
        camera=CameraConfig(source=f"http://{HOST}:{camera_port}/"),
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, and that no test beside this one is given."""
    found: list[int] = []
    while len(found) < count:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            found.append(port)
    return found


def _ports_of_this_process() -> Iterator[int]:
    """One after the other, from a random place in the share of this process of a test run.

    Below the ports that the system gives away by itself: what is free now stays free.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    share = range(PORTS.start, PORTS.stop)[worker::WORKERS]
    start = secrets.randbelow(len(share))
    return itertools.cycle([*share[start:], *share[:start]])


_ports = _ports_of_this_process()
