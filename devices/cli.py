"""`gate-bench`: simulate the devices of a lane, or look at the real ones.

    gate-bench sim LANE.toml [--truck-every S] [--pictures FOLDER] [--seed N]
    gate-bench check LANE.toml [--open]
    gate-bench fault NAME [--off] [--for S] [--config LANE.toml] | gate-bench fault --list
    gate-bench panel [--config LANE.toml]
    gate-bench bring-up DEVICE --config LANE.toml [--answers FILE]
    gate-bench record DEVICE FILE --config LANE.toml [--for S] [--at PLACE]
    gate-bench play FILE --config LANE.toml [--times N]

Only the `[devices]` tables of the lane file are read. Exit status: 0 ok, 1 failed, 2 usage,
78 configuration.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from devices.bench import cli as bench_cli
from devices.bench.control import Request, SimControl, ask, control_path, running_control
from devices.bench.trucks import Trucks
from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import load_devices
from devices.errors import DeviceConfigError, DeviceError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import check as check_devices
from devices.registry import open_card_reader, open_tag_reader, open_weighbridge
from devices.sim.bench import Bench, plain_picture
from devices.sim.faults.table import FAULTS
from devices.sim.lane_world import SENSORS
from devices.stop_signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.clock import Clock
    from devices.config import DevicesConfig

EXIT_OK, EXIT_FAILED, EXIT_CONFIG = 0, 1, 78
CHECK_S = 3.0  # how long a real device may take to say something
TELL_S = 0.1  # how soon it is told what became of a truck


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "fault":
            return _fault(arguments)
        if arguments.command == "panel":
            return bench_cli.show_panel(arguments)
        return _act(_load(arguments.lane), arguments)
    except DeviceConfigError as exc:
        print(f"gate-bench: {exc}", file=sys.stderr)
        return EXIT_CONFIG
    except DeviceError as exc:
        print(f"gate-bench: {exc}", file=sys.stderr)
        return EXIT_FAILED


def _act(config: DevicesConfig, arguments: argparse.Namespace) -> int:
    """The commands that work with a lane file."""
    match arguments.command:
        case "check":
            return _check(config, arguments.lane, and_open=arguments.open)
        case "bring-up":
            return bench_cli.bring_up(config, arguments)
        case "record":
            return bench_cli.record_tape(config, arguments)
        case "play":
            return bench_cli.play_tape(config, arguments)
        case _:
            return _simulate(config, arguments)


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
    _add_fault(commands)
    bench_cli.add_commands(commands)
    return parser


def _add_fault(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fault = commands.add_parser(
        "fault",
        help="make a fault in a running simulation, or end it",
        description="Make one of the library's faults in a running `gate-bench sim`, or end it.",
    )
    what = fault.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help="the fault; --list tells which")
    what.add_argument("--list", action="store_true", help="the library: name, device, what it is")
    fault.add_argument("--off", action="store_true", help="end it")
    fault.add_argument(
        "--for", dest="for_seconds", type=_seconds, metavar="S", help="it ends by itself after S"
    )
    fault.add_argument(
        "--config", type=Path, metavar="LANE.toml", help="which simulation, where several run"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return seconds


def _simulate(config: DevicesConfig, arguments: argparse.Namespace) -> int:
    pictures = _pictures(arguments.pictures)
    stopping = StopSignals()
    clock = SystemClock()
    with ExitStack() as running:
        bench = running.enter_context(Bench(config, clock))
        trucks = Trucks(bench, pictures, arguments.seed)
        running.enter_context(SimControl(control_path(arguments.lane), bench, trucks, clock))
        for device, place in bench.places.items():
            served = "simulated" if device != "camera" or bench.camera else "no simulator needed"
            print(f"{device:12} {served} at {place}")
        print("ready; Ctrl-C ends it", flush=True)
        _send_trucks(bench, trucks, arguments.truck_every, stopping)
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


def _send_trucks(bench: Bench, trucks: Trucks, every_s: float | None, stop: StopSignals) -> None:
    """Send a truck every `every_s`, unless two are there already, and tell what became of each."""
    since_s = 0.0
    while not stop.wait(TELL_S):
        for story in trucks.gone():
            print(story, flush=True)
        since_s += TELL_S
        if every_s is None or since_s < every_s:
            continue
        if bench.world.queued < 2:  # noqa: PLR2004 - one in the lane, one behind it
            since_s = 0.0
            print(trucks.send(), flush=True)


def _fault(arguments: argparse.Namespace) -> int:
    if arguments.list:
        for fault in FAULTS.values():
            print(f"{fault.name:26} {fault.device:12} {fault.en}; {fault.zh}")
        return EXIT_OK
    path = running_control(arguments.config)
    request = Request(
        do="fault", name=arguments.name, on=not arguments.off, for_s=arguments.for_seconds
    )
    answer = ask(path, request)
    if not answer.ok:
        raise DeviceError(answer.said)
    print(answer.said)
    return EXIT_OK


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
        **({"tag_reader": _look_at_tag_reader} if config.tag_reader is not None else {}),
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
        deadline_s = clock.now().mono_s + CHECK_S
        cards = reader.read(CHECK_S / 10)
        while not reader.is_heard and clock.now().mono_s < deadline_s:
            cards += reader.read(CHECK_S / 10)
        if not reader.is_heard:
            raise DeviceError(f"card reader: no answer in {CHECK_S:g} s")
    finally:
        reader.close()
    fields = [f"{name} {text}" for card in cards for name, text in card.fields]
    return ", ".join(["open", "a card was read" if cards else "no card on it", *fields])


def _look_at_tag_reader(config: DevicesConfig, clock: Clock) -> str:
    if config.tag_reader is None:
        return "none"
    reader = open_tag_reader(config.tag_reader, clock)
    reader.open()
    try:
        deadline_s = clock.now().mono_s + CHECK_S
        seen: set[str] = set()
        while not seen and clock.now().mono_s < deadline_s:
            seen |= {reading.tag_id for reading in reader.read(CHECK_S / 10)}
        if not reader.is_heard:
            raise DeviceError(f"tag reader: no answer in {CHECK_S:g} s")
    finally:
        reader.close()
    return f"tag {', '.join(sorted(seen))}" if seen else "answers, no tag in view"


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
