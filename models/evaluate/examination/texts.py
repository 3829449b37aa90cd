"""The nine kinds of plate that are examined, and the texts they carry."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from models.lpr.plates import PlateClass

_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_HK_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_DIGITS: Final = "0123456789"


class ExamKind(StrEnum):
    """What is examined: a class of plate that real pictures are too few of, with its rows."""

    GREEN_SMALL = "green_small"
    GREEN_LARGE = "green_large"
    YELLOW_TWO_ROWS = "yellow_two_rows"
    TRAILER = "trailer"
    CROSS_BORDER = "cross_border"
    HK_ONE_ROW = "hk_one_row"
    HK_TWO_ROWS = "hk_two_rows"
    MACAU_ONE_ROW = "macau_one_row"
    MACAU_TWO_ROWS = "macau_two_rows"


CLASS_OF: Final[dict[ExamKind, PlateClass]] = {
    ExamKind.GREEN_SMALL: PlateClass.GREEN,
    ExamKind.GREEN_LARGE: PlateClass.GREEN,
    ExamKind.YELLOW_TWO_ROWS: PlateClass.YELLOW,
    ExamKind.TRAILER: PlateClass.YELLOW,
    ExamKind.CROSS_BORDER: PlateClass.BLACK,
    ExamKind.HK_ONE_ROW: PlateClass.HK,
    ExamKind.HK_TWO_ROWS: PlateClass.HK,
    ExamKind.MACAU_ONE_ROW: PlateClass.MACAU,
    ExamKind.MACAU_TWO_ROWS: PlateClass.MACAU,
}
TWO_ROWS: Final = frozenset(
    {ExamKind.YELLOW_TWO_ROWS, ExamKind.TRAILER, ExamKind.HK_TWO_ROWS, ExamKind.MACAU_TWO_ROWS}
)
_ONE_IN_FIVE: Final = 5


def exam_text(rng: np.random.Generator, kind: ExamKind) -> str:
    """A plate of this kind, without separators; every province is as likely as any other."""
    match kind:
        case ExamKind.GREEN_SMALL:
            second = _pick(rng, _DIGITS if rng.integers(3) else _LETTERS)
            return _office(rng) + _pick(rng, "DDDFFFAGJ") + second + _many(rng, _DIGITS, 4)
        case ExamKind.GREEN_LARGE:
            return _office(rng) + _many(rng, _DIGITS, 5) + _pick(rng, "DDDFFFAG")
        case ExamKind.YELLOW_TWO_ROWS:
            return _office(rng) + _serial(rng, 5)
        case ExamKind.TRAILER:
            return _office(rng) + _serial(rng, 4) + "挂"
        case ExamKind.CROSS_BORDER:
            return "粤Z" + _serial(rng, 4) + _pick(rng, "港港港澳")
        case ExamKind.HK_ONE_ROW | ExamKind.HK_TWO_ROWS:
            digits = int(_pick(rng, "1223333334444444444"))
            head = _pick(rng, _HK_LETTERS[:22]) + _pick(rng, _HK_LETTERS)
            return head + _pick(rng, "123456789") + _many(rng, _DIGITS, digits - 1)
        case ExamKind.MACAU_ONE_ROW | ExamKind.MACAU_TWO_ROWS:
            head = "M" if rng.integers(_ONE_IN_FIVE) else "A"
            return head + _pick(rng, _LETTERS) + _many(rng, _DIGITS, 4)


def _office(rng: np.random.Generator) -> str:
    return _pick(rng, _PROVINCES) + _pick(rng, _LETTERS[:18])


def _serial(rng: np.random.Generator, count: int) -> str:
    serial = list(_many(rng, _DIGITS, count))
    for _ in range(int(rng.integers(3))):
        serial[int(rng.integers(count))] = _pick(rng, _LETTERS)
    return "".join(serial)


def _many(rng: np.random.Generator, characters: str, count: int) -> str:
    return "".join(_pick(rng, characters) for _ in range(count))


def _pick(rng: np.random.Generator, characters: str) -> str:
    return characters[int(rng.integers(len(characters)))]
