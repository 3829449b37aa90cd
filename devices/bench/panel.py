"""The live panel: every device of a simulated lane on one screen, a truck at the technician's word.

What is shown is made by `lines_of`, which knows no terminal; `run` is the terminal around it.
"""

from __future__ import annotations

import curses
from typing import TYPE_CHECKING

from devices.bench.control import Answer, Look, Request, condition_of
from devices.errors import LinkDown
from devices.sim.faults.table import FAULTS
from devices.sim.lane_world import SENSORS

if TYPE_CHECKING:
    from collections.abc import Callable

    Asker = Callable[[Request], Answer]

TURN_MS = 150
BAR = 24
KEYS = "t truck   b turn back   c another card   up/down choose a fault   space on/off   q quit"
CARD = "0BADC0DE"
NOT_SHOWN = "real: not shown here"
NAMES = tuple(FAULTS)


def lines_of(look: Look, chosen: int, said: str) -> list[str]:
    """The screen for one moment: devices above, the faults with the chosen one below."""
    on = [sensor for sensor in SENSORS if sensor in look.inputs]
    boom = round(look.boom * BAR)
    truck = f"{look.truck}, front at {look.front_m} m" if look.truck else "none"
    states = {
        "weighbridge": f"{look.scale_kg:>7} kg   {condition_of(look.scale_fault)}",
        "card_reader": condition_of(look.card_fault),
        "bus": f"on: {', '.join(on) or 'none'}",
        "relays": f"closed: {', '.join(map(str, look.coils)) or 'none'}",
        **look.further,
        **dict.fromkeys(look.real, NOT_SHOWN),
    }
    if "bus" in look.real:
        del states["relays"]
        seen = dict.fromkeys(("boom", "violations"), NOT_SHOWN)
    else:
        seen = {
            "boom": f"down [{'#' * boom}{'.' * (BAR - boom)}] up",
            "violations": ", ".join(look.violations) or "none",
        }
    lines = [
        f"truck        {truck}; {look.queued} in the lane or waiting",
        *(f"{name:12} {state}" for name, state in states.items()),
        *([f"UNPLUGGED: {', '.join(look.unplugged)}"] if look.unplugged else []),
        *(f"{name:12} {state}" for name, state in seen.items()),
        "",
        KEYS,
        said,
        "",
    ]
    first = max(0, min(chosen - 4, len(NAMES) - 9))
    for index in range(first, min(first + 9, len(NAMES))):
        fault = FAULTS[NAMES[index]]
        mark = "ON " if fault.name in look.faults else "   "
        lines.append(f"{'>' if index == chosen else ' '} {mark}{fault.name:28}{fault.en}")
    return lines


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


def run(ask: Asker) -> None:
    """Show the panel until `q`. Raises `LinkDown` when the simulation is not there any more."""
    curses.wrapper(lambda screen: _loop(screen, ask))


def _loop(screen: curses.window, ask: Asker) -> None:
    curses.curs_set(0)
    screen.timeout(TURN_MS)
    chosen, said = 0, ""
    while True:
        look = ask(Request(do="look")).look
        if look is None:
            raise LinkDown("the simulation says nothing of itself")
        _draw(screen, lines_of(look, chosen, said))
        key = screen.getch()
        if key == ord("q"):
            return
        chosen = moved(key, chosen)
        request = request_for(key, look, chosen)
        if request is not None:
            said = ask(request).said


def _draw(screen: curses.window, lines: list[str]) -> None:
    screen.erase()
    height, width = screen.getmaxyx()
    for row, line in enumerate(lines[: height - 1]):
        screen.addnstr(row, 0, line, width - 1)
    screen.refresh()
