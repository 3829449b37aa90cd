"""The subcommands of `gate-bench` that work with one device: bring-up, record, play; the panel."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from devices.bench import panel, swings
from devices.bench.answers import answers_of
from devices.bench.bring_up import SKIP, WAIT_S, Session, Walked, answered, walk
from devices.bench.bring_up_asked_cards import osdp_steps, resident_id_steps
from devices.bench.bring_up_board import board_steps
from devices.bench.bring_up_cameras import camera_steps, lane_camera_steps
from devices.bench.bring_up_cards import card_line_steps
from devices.bench.bring_up_container_camera import container_camera_steps
from devices.bench.bring_up_pcsc import pcsc_steps
from devices.bench.bring_up_plate_camera import plate_camera_steps
from devices.bench.bring_up_sign import sign_steps
from devices.bench.bring_up_tags import tag_steps
from devices.bench.bring_up_weighbridge import weighbridge_steps
from devices.bench.control import ask, running_control
from devices.bench.recording import play, record, record_between
from devices.bench.tap import TAPED, place_of
from devices.bench.tape import TapeError, read_tape
from devices.bench.wording import language_of, said
from devices.clock import SystemClock
from devices.stop_signals import StopSignals
from devices.texts import LANGUAGES, listed

if TYPE_CHECKING:
    from devices.bench.bring_up import BringUpStep
    from devices.bench.tape import Tape
    from devices.config import DevicesConfig
    from devices.texts import Language, Said

EXIT_OK, EXIT_FAILED = 0, 1


def card_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the lane's card reader, by how it is reached."""
    asked = {"osdp": osdp_steps, "resident-id": resident_id_steps, "pcsc": pcsc_steps}
    return asked.get(session.config.card_reader.driver, card_line_steps)(session)


STEPS = {
    "weighbridge": weighbridge_steps,
    "card_reader": card_steps,
    "bus": board_steps,
    "camera": camera_steps,
    "lane_camera": lane_camera_steps,
    "plate_camera": plate_camera_steps,
    "container_camera": container_camera_steps,
    "tag_reader": tag_steps,
    "sign": sign_steps,
}


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bring-up`, `record`, `play`, `swings` and `panel`."""
    bring_up = commands.add_parser(
        "bring-up",
        help="bring one real device into service, step by step",
        description="Bring one device into service: each step passes or fails, and the likely"
        " wiring mistake is named. Stop the lane first. Only the boom's step moves anything, and"
        " asks before; a sign is shown texts. Exit status 0 when every step passed, 1 when one"
        " failed or was skipped.",
    )
    bring_up.add_argument("device", choices=list(STEPS), metavar="DEVICE", help=", ".join(STEPS))
    bring_up.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="TOML that answers the questions, by key; the boom's are asked of you",
    )
    bring_up.add_argument(
        "--wait",
        dest="wait_s",
        type=float,
        default=WAIT_S,
        metavar="S",
        help=f"how long a step waits for what you have to do, {WAIT_S:g} s without",
    )
    recorder = commands.add_parser(
        "record",
        help="write a tape of a device's wire",
        description="Write every byte of a device's wire to a tape, while its own driver reads it;"
        " with --at, while whoever opens that place does.",
    )
    recorder.add_argument("device", choices=list(TAPED), metavar="DEVICE", help=", ".join(TAPED))
    recorder.add_argument("tape", type=Path, metavar="FILE", help="the tape to write, a new file")
    recorder.add_argument(
        "--for", dest="for_seconds", type=float, default=10.0, metavar="S", help="10 s without"
    )
    recorder.add_argument(
        "--at", default="", metavar="PLACE", help="serve the device here too: a path, or tcp://"
    )
    player = commands.add_parser(
        "play",
        help="be the device of a tape",
        description="Send what the device of a tape sent, at its place in the lane file.",
    )
    player.add_argument("tape", type=Path, metavar="FILE", help="a tape of `gate-bench record`")
    player.add_argument("--times", type=int, default=1, metavar="N", help="how often, 1 without")
    swinging = commands.add_parser(
        "swings",
        help="prove on a tape that the swing tells where the weight settles",
        description="Hold every load of a weighbridge's tape that settled against the intervals"
        " that were named before. Exit status 1 if one of them was wrong, or none was named.",
    )
    swinging.add_argument("tape", type=Path, metavar="FILE", help="a tape of a weighbridge")
    for command in (bring_up, recorder, player, swinging):
        command.add_argument(
            "--config", dest="lane", type=Path, required=True, metavar="LANE.toml", help="the lane"
        )
        add_language(command)
    shown = commands.add_parser(
        "panel",
        help="every device of a running simulation on one screen",
        description="Show every device of a running `gate-bench sim`, send trucks, make faults.",
    )
    shown.add_argument("--config", type=Path, metavar="LANE.toml", help="where several run")
    shown.add_argument("--once", action="store_true", help="print one screen and end")
    add_language(shown)


def add_language(command: argparse.ArgumentParser) -> None:
    """Add the option that chooses the language of what is said."""
    command.add_argument(
        "--language", choices=LANGUAGES, help="what is said and asked; that of the locale without"
    )


def language_chosen(arguments: argparse.Namespace) -> Language:
    """The language that was asked for, else that of the terminal."""
    chosen: Language | None = arguments.language
    return chosen or language_of(os.environ)


def bring_up(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    """Walk through one device."""
    at_terminal = partial(_ask, language)
    answer = answers_of(arguments.answers, at_terminal) if arguments.answers else at_terminal
    session = Session(config=config, clock=SystemClock(), ask=answer, wait_s=arguments.wait_s)
    steps = STEPS[arguments.device](session)
    walked = walk(steps, lambda line: print(line, flush=True), language)
    print(_end_of(walked, arguments.device)[language])
    return EXIT_OK if walked.is_in_service else EXIT_FAILED


def _end_of(walked: Walked, device: str) -> Said:
    if walked.has_failed:
        return said("walk.not_in_service", device=device)
    if walked.not_proved:
        return said("walk.not_proved", device=device, steps=listed(walked.not_proved))
    return said("walk.in_service", device=device)


def record_tape(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    """Record."""
    clock = SystemClock()

    def say(each: Said) -> None:
        print(each[language], flush=True)

    if arguments.at:
        stop = StopSignals()
        until_s = clock.now().mono_s + arguments.for_seconds
        digest = record_between(
            config,
            arguments.device,
            arguments.tape,
            arguments.at,
            clock,
            lambda: stop.wait(0) or clock.now().mono_s > until_s,
        )
    else:
        digest = record(config, arguments.device, arguments.tape, arguments.for_seconds, clock, say)
    say(said("tape.digest", path=str(arguments.tape), digest=digest))
    return EXIT_OK


def play_tape(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    """Play."""
    tape, path = _tape_of(arguments.tape, language), str(arguments.tape)
    device = next((name for name in TAPED if name == tape.head.device), None)
    if device is None:
        raise TapeError(said("play.no_device", path=path, device=tape.head.device))
    place, stop = place_of(config, device)[0], StopSignals()
    began = said("play.at", device=device, began=tape.head.began, place=place)
    print(began[language], flush=True)
    sent = play(tape, place, SystemClock(), times=arguments.times, is_over=lambda: stop.wait(0))
    print(said("play.sent", count=sent)[language])
    return EXIT_OK


def show_swings(config: DevicesConfig, arguments: argparse.Namespace, language: Language) -> int:
    """Prove the interval on a tape."""
    loads = swings.loads_of(_tape_of(arguments.tape, language), config.weighbridge)
    print("\n".join(swings.lines_of(loads, language)))
    return EXIT_OK if swings.is_proof(loads) else EXIT_FAILED


def _tape_of(path: Path, language: Language) -> Tape:
    tape = read_tape(path)
    if tape.is_cut:
        last_s = tape.pieces[-1].at_s if tape.pieces else 0.0
        print(said("tape.cut", path=str(path), last_s=last_s)[language])
    return tape


def show_panel(arguments: argparse.Namespace, language: Language) -> int:
    """Show the panel."""
    simulation = partial(ask, running_control(arguments.config))
    if arguments.once:
        print("\n".join(panel.screen_of(simulation, language)))
    else:
        panel.run(simulation, language)
    return EXIT_OK


def _ask(language: Language, _key: str, question: Said) -> str:
    try:
        return answered(input(f"   {question[language]}"))
    except EOFError:
        return SKIP
