"""`gate-bench`: simulate the devices of a lane, or look at the real ones.

    gate-bench sim LANE.toml [--except DEVICE]... [--truck-every S] [--pictures FOLDER] [--seed N]
    gate-bench check LANE.toml [--open]
    gate-bench fault NAME [--off] [--for S] [--config LANE.toml] | gate-bench fault --list
    gate-bench panel [--config LANE.toml]
    gate-bench bring-up DEVICE --config LANE.toml [--answers FILE] [--wait S]
    gate-bench record DEVICE FILE --config LANE.toml [--for S] [--at PLACE]
    gate-bench play FILE --config LANE.toml [--times N]
    gate-bench swings FILE --config LANE.toml

Each takes `--language zh|en`; without it the terminal's locale decides. Only the `[devices]` tables
of the lane file are read. Exit status: 0 ok, 1 failed, 2 usage,
78 configuration, 130 ended by a signal.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from devices.bench import cli as bench_cli
from devices.bench.check import check_devices
from devices.bench.control import (
    Request,
    SimControl,
    ask,
    control_path,
    desk_folder,
    running_control,
)
from devices.bench.desk import desk_of, reports_elsewhere, write_desk
from devices.bench.trucks import Trucks
from devices.bench.wording import ToldConfigError, said, told_of
from devices.clock import SystemClock
from devices.config import load_devices
from devices.errors import DeviceConfigError, DeviceError
from devices.registry import check as check_tables
from devices.sim.bench import DEVICES, Bench, plain_picture
from devices.sim.faults.table import FAULTS
from devices.stop_signals import StopSignals, ended_in_order
from devices.texts import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.config import DevicesConfig
    from devices.texts import Language

EXIT_OK, EXIT_FAILED, EXIT_CONFIG, EXIT_SIGNAL = 0, 1, 78, 130
TELL_S = 0.1  # how soon it is told what became of a truck


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    language = bench_cli.language_chosen(arguments)
    try:
        if arguments.command == "fault":
            return _fault(arguments, language)
        if arguments.command == "panel":
            return bench_cli.show_panel(arguments, language)
        return _act(_load(arguments.lane), arguments, language)
    except DeviceError as exc:
        print(f"gate-bench: {told_of(exc)[language]}", file=sys.stderr)
        return EXIT_CONFIG if isinstance(exc, DeviceConfigError) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_SIGNAL
    except BrokenPipeError:  # whoever read what is said has seen enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _act(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    """The commands that work with a lane file."""
    match arguments.command:
        case "check":
            return _check(config, arguments, language)
        case "bring-up":
            with ended_in_order():  # a lamp, a sounder, a contact: nothing stays closed
                return bench_cli.bring_up(config, arguments, language)
        case "record":
            with ended_in_order():
                return bench_cli.record_tape(config, arguments, language)
        case "play":
            return bench_cli.play_tape(config, arguments, language)
        case "swings":
            return bench_cli.show_swings(config, arguments, language)
        case _:
            return _simulate(config, arguments, language)


def _load(path: Path) -> DevicesConfig:
    config = load_devices(path)
    try:
        check_tables(config)
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
        description="Serve a simulator for every device of a lane, until Ctrl-C, at the addresses"
        " in its file. What cannot be served there (an address of another machine, a port or folder"
        " of root's) gets a place of its own, in a lane file that is written and named.",
    )
    sim.add_argument("lane", type=Path, metavar="LANE.toml", help="the lane file")
    sim.add_argument(
        "--truck-every", type=_seconds, metavar="S", help="send a truck every S seconds"
    )
    sim.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="JPEGs that the camera shows, one per truck in name order, each named by the plate"
        " that a plate camera posts; plain gray without",
    )
    sim.add_argument(
        "--except",
        dest="real",
        action="append",
        default=[],
        choices=DEVICES,
        metavar="DEVICE",
        help=f"leave this one real; may be given again: {', '.join(DEVICES)}",
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
        help="open every device by its driver and say what it reads; nothing is moved, a sign is"
        " shown a text",
    )
    for command in (sim, check, _add_fault(commands)):
        bench_cli.add_language(command)
    bench_cli.add_commands(commands)
    return parser


def _add_fault(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
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
    return fault


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return seconds


def _simulate(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    pictures = _pictures(arguments.pictures)
    simulated = _simulated(config, arguments.real)
    folder = desk_folder(arguments.lane)
    desk = desk_of(config, simulated, folder)
    stopping = StopSignals()
    clock = SystemClock()

    def say(each: Said) -> None:
        print(each[language], flush=True)

    with ExitStack() as running:
        bench = running.enter_context(Bench(desk.config, clock, simulated=simulated))
        trucks = Trucks(bench, pictures, arguments.seed)
        running.enter_context(SimControl(control_path(arguments.lane), bench, trucks, clock))
        _tell(bench, Bench(config, clock, simulated=()).places, desk.moved, language)
        if desk.moved or reports_elsewhere(arguments.lane):
            say(said("sim.own_lane"))
            print(f"  gate-agent run --config {write_desk(arguments.lane, config, desk, folder)}")
        say(said("sim.ready"))
        _send_trucks(bench, trucks, arguments.truck_every, stopping, say)
    return EXIT_OK


def _simulated(config: DevicesConfig, real: Sequence[str]) -> tuple[str, ...]:
    """The devices that are served."""
    for device in real:
        if getattr(config, device) is None:
            raise ToldConfigError(said("sim.lane_has_none", device=device))
    return tuple(device for device in DEVICES if device not in real)


def _tell(
    bench: Bench,
    own_places: Mapping[str, str],
    moved: Mapping[str, Said],
    language: Language,
) -> None:
    """Say of each device where it is, and why it is not where the lane file says."""
    for device, place in bench.places.items():
        how = said("sim.no_simulator" if device in bench.simulated else "sim.real")
        if bench.serves(device):
            how = said("sim.simulated")
        print(f"{device:12} {said('sim.at', how=how, place=place)[language]}")
        if device in moved:
            why = moved[device]
            if place != own_places[device]:
                why = said("sim.moved", place=own_places[device], why=why)
            print(f"{'':12} {why[language]}")


def _pictures(folder: Path | None) -> list[tuple[str, bytes]]:
    """The trucks' pictures, each with the plate that a plate camera reads: the file's name."""
    if folder is None:
        return [("", plain_picture(200))]
    paths = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() in (".jpg", ".jpeg")
    )
    if not paths:
        raise ToldConfigError(said("sim.no_picture_in", folder=str(folder)))
    return [(path.stem, path.read_bytes()) for path in paths]


def _send_trucks(
    bench: Bench,
    trucks: Trucks,
    every_s: float | None,
    stop: StopSignals,
    say: Callable[[Said], None],
) -> None:
    """Send a truck every `every_s`, unless two are there already, and tell what became of each."""
    since_s = 0.0
    while not stop.wait(TELL_S):
        for story in trucks.gone():
            say(story)
        since_s += TELL_S
        if every_s is None or since_s < every_s:
            continue
        if bench.world.queued < 2:  # noqa: PLR2004 - one in the lane, one behind it
            since_s = 0.0
            say(trucks.send())


def _fault(arguments: argparse.Namespace, language: Language) -> int:
    if arguments.list:
        for fault in FAULTS.values():
            print(f"{fault.name:26} {fault.device:12} {fault.what[language]}")
        return EXIT_OK
    path = running_control(arguments.config)
    request = Request(
        do="fault",
        name=arguments.name,
        on=not arguments.off,
        for_s=arguments.for_seconds,
        language=language,
    )
    answer = ask(path, request)
    if not answer.ok:
        print(f"gate-bench: {answer.said}", file=sys.stderr)
        return EXIT_FAILED
    print(answer.said)
    return EXIT_OK


def _check(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    path = str(arguments.lane)
    if not arguments.open:
        print(said("check.tables_correct", path=path)[language])
        return EXIT_OK
    is_well = check_devices(config, SystemClock(), lambda line: print(line, flush=True), language)
    if not is_well:
        print(f"-> {said('check.what_to_do', path=path)[language]}")
    return EXIT_OK if is_well else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
