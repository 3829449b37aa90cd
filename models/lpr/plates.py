"""What a plate is: its text, its class, its grammar, and one reading of it. Pure.

The alphabets are those of GA36 (mainland) and of the two transport departments. Mainland serials
hold neither the letter O nor the letter I, Hong Kong plates neither I, O nor Q; that is why
`normalize_plate` may turn O into 0 and I into 1 wherever a serial stands, so that a plate typed by
a clerk and a plate read by a camera compare equal.

A text alone seldom fixes the class (粤B12345 may be blue or yellow): `plausible_classes` gives all
that its grammar allows, likeliest first, and the reader settles it by the color of the plate.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
SUFFIXES: Final = "挂学警港澳领使试超应急"
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # as serials use them: no I, no O
DIGITS: Final = "0123456789"

_SEPARATORS: Final = re.compile(r"[\s·•・‧∙●．.。,，'`’_\-‐‑‒–—―－:：|/\\]+")
_SERIAL_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1"})


class PlateClass(StrEnum):
    """The color of a mainland plate, or the place of another one; OTHER is read as text only."""

    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    BLACK = "black"
    WHITE = "white"
    HK = "hk"
    MACAU = "macau"
    OTHER = "other"


_P: Final = f"[{PROVINCES}]"
_C: Final = "[A-Z]"  # the letter of the issuing office; O is in use there
_S: Final = "[A-HJ-NP-Z0-9]"

_GRAMMARS: Final[tuple[tuple[re.Pattern[str], tuple[PlateClass, ...]], ...]] = (
    (re.compile(f"粤Z{_S}{{4}}[港澳]"), (PlateClass.BLACK,)),
    (re.compile(f"{_P}{_C}{_S}{{4}}挂"), (PlateClass.YELLOW,)),
    (re.compile(f"{_P}{_C}{_S}{{4}}学"), (PlateClass.YELLOW,)),
    (re.compile(f"{_P}{_C}{_S}{{4}}[试超]"), (PlateClass.YELLOW, PlateClass.BLUE)),
    (re.compile(f"{_P}{_C}{_S}{{4}}警"), (PlateClass.WHITE,)),
    (re.compile(f"{_P}{_C}{_S}{{4}}[领使]"), (PlateClass.BLACK,)),
    (re.compile(f"使[0-9]{{6}}|[0-9]{{6}}使"), (PlateClass.BLACK,)),
    (re.compile(f"{_P}{_C}{_S}{{3}}应急"), (PlateClass.WHITE,)),
    (re.compile(f"WJ{_P}?[0-9]{{4}}[0-9A-Z]"), (PlateClass.WHITE,)),
    # New energy: the sixth serial digit, or the first one, is a letter; large vehicles end in D/F.
    (re.compile(f"{_P}{_C}[A-HJK]{_S}[0-9]{{4}}"), (PlateClass.GREEN,)),
    (re.compile(f"{_P}{_C}[0-9]{{5}}[A-HJK]"), (PlateClass.GREEN,)),
    (re.compile(f"{_P}{_C}{_S}{{5}}"), (PlateClass.BLUE, PlateClass.YELLOW, PlateClass.BLACK)),
    (re.compile("M[A-Z][0-9]{4}"), (PlateClass.MACAU, PlateClass.HK)),
    (re.compile("A[A-Z][0-9]{4}"), (PlateClass.HK, PlateClass.MACAU)),
    (re.compile("[A-HJ-NPR-Z]{2}[1-9][0-9]{0,3}"), (PlateClass.HK,)),
)


def normalize_plate(text: str) -> str:
    """The form in which plates are compared: no separators, upper case, half width, no O and I.

    Total: any text gives a text, possibly empty. Idempotent. The letter of the issuing office
    (second character of a mainland plate) and the letters that open another plate stay letters.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    plain = _SEPARATORS.sub("", plain)
    keep = 2 if plain[:1] in PROVINCES and plain else _opening_letters(plain)
    return plain[:keep] + plain[keep:].translate(_SERIAL_LOOKALIKES)


def _opening_letters(plain: str) -> int:
    return 2 if plain[:2].isascii() and plain[:2].isalpha() else 0


def plausible_classes(text: str) -> tuple[PlateClass, ...]:
    """The classes whose grammar a normalized text obeys, likeliest first; empty when none."""
    for pattern, classes in _GRAMMARS:
        if pattern.fullmatch(text):
            return classes
    return ()


def plausible_class(text: str) -> PlateClass | None:
    """The likeliest class of a normalized text, or None for a text that no plate carries."""
    classes = plausible_classes(text)
    return classes[0] if classes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterReading:
    """One position of a plate: the character chosen, how sure (0..1), and what else it may be.

    `alternatives` are the next best characters with their probabilities, best first, without the
    chosen one.
    """

    character: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


Corners = tuple[
    tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateReading:
    """One plate as read in one picture.

    `text` is normalized and obeys a grammar. `confidence` is the probability of the whole text
    (0..1), not of its mean character. `corners` are pixels of the picture that was read, in the
    order top left, top right, bottom right, bottom left. `rows` is 1 or 2.
    """

    text: str
    plate_class: PlateClass
    rows: int
    confidence: float
    characters: tuple[CharacterReading, ...]
    corners: Corners
    frame_number: int = 0
