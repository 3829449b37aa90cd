"""Numbers as plates of each kind carry them, and how often each kind is drawn for teaching.

Provinces are drawn evenly: a net that has seen mostly one of them would read it everywhere.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.lpr.plates import DIGITS, LETTERS, PROVINCES
from models.synth.layouts import PlateKind

_NEV_LETTERS: Final = "DFABCEGHJK"
_HK_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_OFFICES: Final = LETTERS + "O"

# Percent of the plates drawn for teaching.
TEACHING_MIX: Final[dict[PlateKind, float]] = {
    PlateKind.BLUE: 24.5,
    PlateKind.YELLOW_ONE_ROW: 8,
    PlateKind.YELLOW_TWO_ROWS: 11,
    PlateKind.TRAILER: 6.5,
    PlateKind.TRAILER_ONE_ROW: 1.5,
    PlateKind.GREEN_SMALL: 6.5,
    PlateKind.GREEN_LARGE: 5,
    PlateKind.CROSS_BORDER: 9,
    PlateKind.POLICE: 1.5,
    PlateKind.ARMED_POLICE: 0.7,
    PlateKind.ARMED_POLICE_TWO_ROWS: 0.5,
    PlateKind.EMERGENCY: 0.9,
    PlateKind.DRIVING_SCHOOL: 1.5,
    PlateKind.TRIAL: 1.2,
    PlateKind.EMBASSY: 1.2,
    PlateKind.CONSULATE: 1.2,
    PlateKind.HONG_KONG: 4,
    PlateKind.HONG_KONG_TWO_ROWS: 5,
    PlateKind.MACAU: 4,
    PlateKind.MACAU_TWO_ROWS: 4.5,
    PlateKind.FOREIGN: 1,
    PlateKind.FOREIGN_TWO_ROWS: 0.5,
}


def teaching_kind(rng: np.random.Generator) -> PlateKind:
    """A kind as often as `TEACHING_MIX` asks."""
    return _KINDS[int(np.searchsorted(_SHARES, rng.random(), side="right"))]


_KINDS: Final = tuple(TEACHING_MIX)
_SHARES: Final = np.cumsum(list(TEACHING_MIX.values())) / sum(TEACHING_MIX.values())


def plate_text(rng: np.random.Generator, kind: PlateKind) -> str:
    """A normalized number that a plate of `kind` may carry."""
    if kind in _MARKS:
        return _region(rng) + _serial(rng, 4) + _one(rng, _MARKS[kind])
    if kind in _COMMON:
        return _region(rng) + _serial(rng, 5)
    match kind:
        case PlateKind.GREEN_SMALL | PlateKind.GREEN_LARGE:
            return _region(rng) + _new_energy(rng, large=kind is PlateKind.GREEN_LARGE)
        case PlateKind.CROSS_BORDER:
            return "粤Z" + _serial(rng, 4) + _one(rng, "港港澳")
        case PlateKind.EMERGENCY:
            return _region(rng) + _serial(rng, 3) + "应急"
        case PlateKind.EMBASSY:
            number = _digits(rng, 6)
            return "使" + number if rng.integers(2) else number + "使"
        case PlateKind.ARMED_POLICE | PlateKind.ARMED_POLICE_TWO_ROWS:
            unit = _one(rng, PROVINCES) if rng.random() < 0.75 else ""
            return "WJ" + unit + _digits(rng, 4) + _one(rng, DIGITS + LETTERS)
        case _:
            return _abroad(rng, kind)


def _new_energy(rng: np.random.Generator, *, large: bool) -> str:
    mark = _one(rng, "DF" if rng.random() < 0.7 else _NEV_LETTERS)
    if large:
        return _digits(rng, 5) + mark
    second = _one(rng, DIGITS if rng.random() < 0.7 else LETTERS)
    return mark + second + _digits(rng, 4)


_COMMON: Final = frozenset({PlateKind.BLUE, PlateKind.YELLOW_ONE_ROW, PlateKind.YELLOW_TWO_ROWS})
_MARKS: Final = {
    PlateKind.TRAILER: "挂",
    PlateKind.TRAILER_ONE_ROW: "挂",
    PlateKind.POLICE: "警",
    PlateKind.DRIVING_SCHOOL: "学",
    PlateKind.TRIAL: "试超",
    PlateKind.CONSULATE: "领",
}


def _abroad(rng: np.random.Generator, kind: PlateKind) -> str:
    match kind:
        case PlateKind.HONG_KONG | PlateKind.HONG_KONG_TWO_ROWS:
            if rng.random() < 0.04 and kind is PlateKind.HONG_KONG:
                return _digits(rng, int(rng.integers(3, 5)))
            count = int(rng.choice(4, p=(0.03, 0.07, 0.2, 0.7))) + 1
            first = _one(rng, DIGITS[1:])
            return _one(rng, _HK_LETTERS) + _one(rng, _HK_LETTERS) + first + _digits(rng, count - 1)
        case PlateKind.MACAU | PlateKind.MACAU_TWO_ROWS:
            return _one(rng, "MMMMA") + _one(rng, LETTERS) + _digits(rng, 4)
        case _:
            return _foreign(rng)


def _foreign(rng: np.random.Generator) -> str:
    letters, digits = int(rng.integers(0, 4)), int(rng.integers(2, 6))
    head = "".join(_one(rng, LETTERS) for _ in range(letters))
    tail = "".join(_one(rng, LETTERS) for _ in range(int(rng.integers(3)))) if letters < 2 else ""
    return (head + _digits(rng, digits) + tail)[:8]


def _one(rng: np.random.Generator, characters: str) -> str:
    return characters[int(rng.integers(len(characters)))]


def _digits(rng: np.random.Generator, count: int) -> str:
    if rng.random() < 0.04:
        return _one(rng, DIGITS) * count
    return "".join(_one(rng, DIGITS) for _ in range(count))


def _region(rng: np.random.Generator) -> str:
    return _one(rng, PROVINCES) + _one(rng, _OFFICES)


def _serial(rng: np.random.Generator, count: int) -> str:
    """Digits with up to two letters among them; one time in four any mixture."""
    if rng.random() < 0.25:
        return "".join(_one(rng, LETTERS + DIGITS) for _ in range(count))
    serial = list(_digits(rng, count))
    for _ in range(int(rng.integers(3))):
        serial[int(rng.integers(count))] = _one(rng, LETTERS)
    return "".join(serial)
