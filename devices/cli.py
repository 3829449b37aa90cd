"""`gate-bench`: simulate the devices of a lane, or look at the real ones.

    gate-bench sim LANE.toml [--truck-every S] [--pictures FOLDER] [--seed N]
    gate-bench check LANE.toml [--open]

Only the `[devices]` tables of the lane file are read. Exit status: 0 ok, 1 failed, 2 usage,
78 configuration.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import load_devices
from devices.errors import DeviceConfigError, DeviceError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import check as check_devices
from devices.registry import open_card_reader, open_weighbridge
from devices.sim.bench import Bench, plain_picture
from devices.sim.lane_world import SENSORS, TruckVisit, VisitHandle
from devices.sim.truck import TruckSpec
from devices.stop_signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.clock import Clock
    from devices.config import DevicesConfig

EXIT_OK, EXIT_FAILED, EXIT_CONFIG = 0, 1, 78
CHECK_S = 3.0  # how long a real device may take to say something
PATIENCE_S = 120.0  # a driver whom nobody serves backs out, so that the bench never jams
LOADS_KG = (8_400.0, 48_000.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        config = _load(arguments.lane)
        if arguments.command == "check":
            return _check(config, arguments.lane, and_open=arguments.open)
        return _simulate(config, arguments)
    except DeviceConfigError as exc:
        print(f"gate-bench: {exc}", file=sys.stderr)
        return EXIT_CONFIG
    except DeviceError as exc:
        print(f"gate-bench: {exc}", file=sys.stderr)
        return EXIT_FAILED


def _load(path: Path) -> DevicesConfig:
    config = load_devices(path)
    try:
        check_devices(config)
    except DeviceConfigError as exc:
        raise DeviceConfigError(f"{path}: devices.{exc}") from exc
    return config


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gate-bench", description="Simulate the devices of a lane, or look at the real ones."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sim = commands.add_parser(
        "sim",
        help="serve a simulator for every device of a lane, at the addresses in its file",
        description="Serve a simulator for every device of a lane, until Ctrl-C.",
    )
    sim.add_argument("lane", type=Path, metavar="LANE.toml", help="the lane file")
    sim.add_argument(
        "--truck-every", type=_seconds, metavar="S", help="send a truck every S seconds"
    )
    sim.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="JPEGs that the camera shows, one per truck in name order; plain gray without",
    )
    sim.add_argument("--seed", type=int, default=1, metavar="N", help="of weights and cards")
    check = commands.add_parser(
        "check",
        help="check a lane file's device tables",
        description="Check a lane file's device tables; with --open, look at the devices too.",
    )
    check.add_argument("lane", type=Path, metavar="LANE.toml", help="the lane file")
    check.add_argument(
        "--open",
        action="store_true",
        help="open every device by its driver and say what it reads; nothing is moved",
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return seconds


def _simulate(config: DevicesConfig, arguments: argparse.Namespace) -> int:
    pictures = _pictures(arguments.pictures)
    stopping = StopSignals()
    with Bench(config, SystemClock()) as bench:
        for device, place in bench.places.items():
            served = "simulated" if device != "camera" or bench.camera else "no simulator needed"
            print(f"{device:12} {served} at {place}")
        print("ready; Ctrl-C ends it", flush=True)
        _send_trucks(bench, pictures, arguments.truck_every, arguments.seed, stopping)
    return EXIT_OK


def _pictures(folder: Path | None) -> list[bytes]:
    if folder is None:
        return [plain_picture(200)]
    paths = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() in (".jpg", ".jpeg")
    )
    if not paths:
        raise DeviceConfigError(f"--pictures: no JPEG in {folder}")
    return [path.read_bytes() for path in paths]


def _send_trucks(
    bench: Bench,
    pictures: list[bytes],
    every_s: float | None,
    seed: int,
    stopping: StopSignals,
) -> None:
    """Send a truck every `every_s`, unless two are there already, and tell what became of each."""
    chance = random.Random(seed)  # noqa: S311 - weights and cards of simulated trucks
    under_way: list[tuple[int, VisitHandle]] = []
    count = 0
    while not stopping.wait(every_s):
        for number, handle in [one for one in under_way if one[1].wait_gone(0)]:
            under_way.remove((number, handle))
            print(_story(number, handle), flush=True)
        if bench.world.queued < 2:  # noqa: PLR2004 - one in the lane, one behind it
            visit = TruckVisit(
                truck=TruckSpec(
                    gross_kg=round(chance.uniform(*LOADS_KG), -1),
                    settle_s=chance.uniform(1.5, 3.0),
                    patience_s=PATIENCE_S,
                    seed=count,
                ),
                picture=pictures[count % len(pictures)],
                card_uid=chance.randbytes(4).hex().upper(),
            )
            count += 1
            under_way.append((count, bench.world.send(visit)))
            print(
                f"truck {count}: {visit.truck.gross_kg:.0f} kg, card {visit.card_uid}", flush=True
            )


def _story(number: int, handle: VisitHandle) -> str:
    if handle.stopped_s is None or handle.left_s is None:
        return f"truck {number}: left by the {handle.left_by} without stopping"
    stood_s = handle.left_s - handle.stopped_s
    boom = "the boom never rose"
    if handle.boom_up_s is not None:
        boom = f"boom up {handle.boom_up_s - handle.stopped_s:.1f} s after it stopped"
    return f"truck {number}: left by the {handle.left_by} {stood_s:.1f} s after it stopped, {boom}"


def _check(config: DevicesConfig, path: Path, *, and_open: bool) -> int:
    if not and_open:
        print(f"{path}: the device tables are correct; --open looks at the devices themselves")
        return EXIT_OK
    clock = SystemClock()
    looks: dict[str, Callable[[DevicesConfig, Clock], str]] = {
        "bus": _look_at_bus,
        "weighbridge": _look_at_weighbridge,
        "card_reader": _look_at_card_reader,
        "camera": _look_at_camera,
    }
    failed = False
    for device, look in looks.items():
        try:
            print(f"{device:12} ok      {look(config, clock)}", flush=True)
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            failed = True
            print(f"{device:12} FAILED  {exc}", flush=True)
    return EXIT_FAILED if failed else EXIT_OK


def _look_at_bus(config: DevicesConfig, clock: Clock) -> str:
    bus = ModbusBus(config.bus, clock)
    bus.open()
    try:
        inputs = LaneIo(bus, clock, board_of(config.bus)).read()
    finally:
        bus.close()
    on = [sensor for sensor in SENSORS if getattr(inputs, sensor)]
    return f"inputs on: {', '.join(on) or 'none'}"


def _look_at_weighbridge(config: DevicesConfig, clock: Clock) -> str:
    scale = open_weighbridge(config.weighbridge, clock)
    scale.open()
    try:
        deadline_s = clock.now().mono_s + CHECK_S
        while (left_s := deadline_s - clock.now().mono_s) > 0:
            if readings := scale.read(left_s):
                return f"{readings[-1].gross_kg} kg, status {readings[-1].status}"
        raise DeviceError(f"weighbridge: no good frame in {CHECK_S:g} s")
    finally:
        scale.close()


def _look_at_card_reader(config: DevicesConfig, clock: Clock) -> str:
    reader = open_card_reader(config.card_reader, clock)
    reader.open()
    try:
        cards = reader.read(CHECK_S / 10)
    finally:
        reader.close()
    return f"open, {'a card was read' if cards else 'no card on it'}"


def _look_at_camera(config: DevicesConfig, clock: Clock) -> str:
    camera = open_camera(config.camera, clock)
    camera.open()
    try:
        frame = camera.latest(0, CHECK_S)
    finally:
        camera.close()
    if frame is None:
        raise DeviceError(f"camera: no picture in {CHECK_S:g} s")
    height_px, width_px = frame.image.shape[:2]
    return f"{width_px}x{height_px} pictures"


if __name__ == "__main__":
    sys.exit(main())
