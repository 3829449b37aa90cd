"""The live panel: every device of a simulated lane on one screen, a truck at the technician's word.

What is shown is made by `lines_of`, which knows no terminal; `run` is the terminal around it.
"""

from __future__ import annotations

import contextlib
import curses
from typing import TYPE_CHECKING

import msgspec

from devices.bench.control import Answer, Look, NoSimulation, Request, condition_of
from devices.bench.wording import ToldError, said
from devices.sim.faults.table import FAULTS
from devices.sim.lane_world import SENSORS
from devices.texts import Said, as_is, cut_to, listed, padded

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.texts import Language

    Asker = Callable[[Request], Answer]

TURN_MS = 150
BAR = 24
CARD = "0BADC0DE"
NAMES = tuple(FAULTS)
LABEL_CELLS, FAULT_CELLS = 12, 28


def lines_of(look: Look, chosen: int, told: str, language: Language) -> list[str]:
    """The screen for one moment: devices above, the faults with the chosen one below.

    `told` is what came of the last key. Devices are named as the lane file names them.
    """
    lines = [
        _line(said("panel.truck")[language], _truck(look)[language]),
        *(_line(name, how[language]) for name, how in _devices(look).items()),
        *([_unplugged(look)[language]] if look.unplugged else []),
        *(_line(name[language], how[language]) for name, how in _seen(look)),
        "",
        said("panel.keys")[language],
        told,
        "",
    ]
    first = max(0, min(chosen - 4, len(NAMES) - 9))
    for index in range(first, min(first + 9, len(NAMES))):
        fault = FAULTS[NAMES[index]]
        mark = padded(said("panel.on")[language] if fault.name in look.faults else "", 3)
        what = fault.what[language]
        arrow = ">" if index == chosen else " "
        lines.append(f"{arrow} {mark}{padded(fault.name, FAULT_CELLS)}{what}")
    return lines


def _line(name: str, how: str) -> str:
    return f"{padded(name, LABEL_CELLS)} {how}"


def _truck(look: Look) -> Said:
    truck = said("panel.none")
    if look.truck:
        phase = said(f"truck_phase.{look.truck}")
        truck = said("panel.truck_at", phase=phase, front_m=look.front_m or 0.0)
    return said("panel.queued", truck=truck, count=look.queued)


def _devices(look: Look) -> dict[str, Said]:
    """How each device is, by its name in the lane file."""
    on = listed(said(f"sensor.{sensor}") for sensor in SENSORS if sensor in look.inputs)
    inputs = said("panel.inputs", sensors=on if on.en else said("panel.none"))
    scale = condition_of(look.scale_fault)
    return {
        "weighbridge": said("panel.scale", scale_kg=look.scale_kg, condition=scale),
        "card_reader": condition_of(look.card_fault),
        "bus": inputs,
        **{name: as_is(how) for name, how in look.further.items()},
        **dict.fromkeys(look.real, said("panel.not_shown")),
    }


def _unplugged(look: Look) -> Said:
    return said("panel.unplugged", devices=listed(map(as_is, look.unplugged)))


def _seen(look: Look) -> tuple[tuple[Said, Said], ...]:
    """What is wired to the board, and what its world has seen; nothing of a real one."""
    boom, violations = said("panel.boom"), said("panel.violations")
    if "bus" in look.real:
        return (boom, said("panel.not_shown")), (violations, said("panel.not_shown"))
    none, up = said("panel.none"), round(look.boom * BAR)
    closed = as_is(", ".join(map(str, look.coils))) if look.coils else none
    kinds = listed(said(f"violation.{kind}") for kind in look.violations)
    return (
        (said("panel.relays"), said("panel.closed", coils=closed)),
        (boom, said("panel.position", bar="#" * up + "." * (BAR - up))),
        (violations, kinds if kinds.en else none),
    )


def request_for(key: int, look: Look, chosen: int) -> Request | None:
    """What a key asks of the simulation; None where it only moves the choice, or means nothing."""
    match key:
        case 0x74:  # t
            return Request(do="truck")
        case 0x62:  # b
            return Request(do="turn_back")
        case 0x63:  # c
            return Request(do="card", card=CARD)
        case 0x20:
            name = NAMES[chosen]
            return Request(do="fault", name=name, on=name not in look.faults)
        case _:
            return None


def moved(key: int, chosen: int) -> int:
    """The choice after a key."""
    step = {curses.KEY_DOWN: 1, curses.KEY_UP: -1, 0x6A: 1, 0x6B: -1}.get(key, 0)
    return (chosen + step) % len(NAMES)


def run(ask: Asker, language: Language) -> None:
    """Show the panel until `q`.

    Raises:
        LinkDown: the simulation is not there, or not any more.
        ToldError: this is no terminal.
    """
    _look(ask, language)  # before the screen is taken
    try:
        curses.wrapper(lambda screen: _loop(screen, ask, language))
    except curses.error as exc:
        raise ToldError(said("panel.no_terminal")) from exc


def screen_of(ask: Asker, language: Language) -> list[str]:
    """One screen, as text. Raises `LinkDown` as `run` does."""
    return lines_of(_look(ask, language), 0, "", language)


def _look(ask: Asker, language: Language) -> Look:
    look = ask(Request(do="look", language=language)).look
    if look is None:
        raise NoSimulation(said("panel.says_nothing"))
    return look


def _loop(screen: curses.window, ask: Asker, language: Language) -> None:
    with contextlib.suppress(curses.error):  # a terminal that cannot hide its cursor
        curses.curs_set(0)
    screen.timeout(TURN_MS)
    chosen, told = 0, ""
    while True:
        look = _look(ask, language)
        _draw(screen, lines_of(look, chosen, told, language))
        key = screen.getch()
        if key == ord("q"):
            return
        chosen = moved(key, chosen)
        request = request_for(key, look, chosen)
        if request is not None:
            told = ask(msgspec.structs.replace(request, language=language)).said


def _draw(screen: curses.window, lines: list[str]) -> None:
    screen.erase()
    height, width = screen.getmaxyx()
    for row, line in enumerate(lines[: height - 1]):
        screen.addstr(row, 0, cut_to(line, width - 1))
    screen.refresh()
