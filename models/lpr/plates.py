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


_OFFICE: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the issuing office; O is in use there
_SERIAL: Final = LETTERS + DIGITS
_HK: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_NEV: Final = "ABCDEFGHJK"


@dataclass(frozen=True, slots=True)
class Grammar:
    """Plates of one make: the characters allowed at each place, and the classes they come in."""

    places: tuple[str, ...]
    classes: tuple[PlateClass, ...]

    def allows(self, text: str) -> bool:
        """Whether `text` is such a plate, whole."""
        return len(text) == len(self.places) and self.may_begin(text)

    def may_begin(self, text: str) -> bool:
        """Whether such a plate may begin with `text`."""
        return len(text) <= len(self.places) and all(
            character in place for character, place in zip(text, self.places, strict=False)
        )


def _mainland(*serial: str) -> tuple[str, ...]:
    return (PROVINCES, _OFFICE, *serial)


_FOUR: Final = (_SERIAL,) * 4

# Earlier grammars win: 粤Z1234港 is black before it is anything else.
GRAMMARS: Final[tuple[Grammar, ...]] = (
    Grammar(("粤", "Z", *_FOUR, "港澳"), (PlateClass.BLACK,)),
    Grammar(_mainland(*_FOUR, "挂学"), (PlateClass.YELLOW,)),
    Grammar(_mainland(*_FOUR, "试超"), (PlateClass.YELLOW, PlateClass.BLUE)),
    Grammar(_mainland(*_FOUR, "警"), (PlateClass.WHITE,)),
    Grammar(_mainland(*_FOUR, "领使"), (PlateClass.BLACK,)),
    Grammar(("使", *(DIGITS,) * 6), (PlateClass.BLACK,)),
    Grammar((*(DIGITS,) * 6, "使"), (PlateClass.BLACK,)),
    Grammar(_mainland(*(_SERIAL,) * 3, "应", "急"), (PlateClass.WHITE,)),
    Grammar(("W", "J", PROVINCES, *(DIGITS,) * 4, _SERIAL), (PlateClass.WHITE,)),
    Grammar(("W", "J", *(DIGITS,) * 4, _SERIAL), (PlateClass.WHITE,)),
    # New energy: small vehicles open the serial with a letter, large ones close it with one.
    Grammar(_mainland(_NEV, _SERIAL, *(DIGITS,) * 4), (PlateClass.GREEN,)),
    Grammar(_mainland(*(DIGITS,) * 5, _NEV), (PlateClass.GREEN,)),
    Grammar(_mainland(_SERIAL, *_FOUR), (PlateClass.BLUE, PlateClass.YELLOW, PlateClass.BLACK)),
    Grammar(("M", LETTERS, "0", *(DIGITS,) * 3), (PlateClass.MACAU,)),
    Grammar(("M", LETTERS, *(DIGITS,) * 4), (PlateClass.MACAU, PlateClass.HK)),
    Grammar(("A", LETTERS, "0", *(DIGITS,) * 3), (PlateClass.MACAU,)),
    Grammar(("A", _HK, *(DIGITS,) * 4), (PlateClass.HK, PlateClass.MACAU)),
    *(
        Grammar((_HK, _HK, DIGITS[1:], *(DIGITS,) * more), (PlateClass.HK,))
        for more in (3, 2, 1, 0)
    ),
)


_ANY_PLATE: Final = re.compile(
    "|".join("(" + "".join(f"[{place}]" for place in g.places) + ")" for g in GRAMMARS)
)
"""One group per grammar, in their order: asking it is ten times faster than asking each."""


def normalize_plate(text: str) -> str:
    """The form in which plates are compared: no separators, upper case, half width, no O and I.

    Total: any text gives a text, possibly empty. Idempotent. The letter of the issuing office
    (second character of a mainland plate) and the letters that open another plate stay letters.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    plain = _SEPARATORS.sub("", plain)
    keep = 2 if plain and plain[0] in PROVINCES else _opening_letters(plain)
    return plain[:keep] + plain[keep:].translate(_SERIAL_LOOKALIKES)


def _opening_letters(plain: str) -> int:
    return 2 if plain[:2].isascii() and plain[:2].isalpha() else 0


def plausible_classes(text: str) -> tuple[PlateClass, ...]:
    """The classes whose grammar a normalized text obeys, likeliest first; empty when none."""
    found = _ANY_PLATE.fullmatch(text)
    return GRAMMARS[found.lastindex - 1].classes if found and found.lastindex else ()


def plausible_class(text: str) -> PlateClass | None:
    """The likeliest class of a normalized text, or None for a text that no plate carries."""
    classes = plausible_classes(text)
    return classes[0] if classes else None


def may_begin_plate(text: str) -> bool:
    """Whether any plate begins with `text`; true of the empty text."""
    return any(grammar.may_begin(text) for grammar in GRAMMARS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterReading:
    """One position of a plate: the character chosen, how sure (0..1), and what else it may be.

    `alternatives` are the next best characters with their probabilities, best first, without the
    chosen one.
    """

    character: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateReading:
    """One plate as read in one picture.

    `text` is normalized and obeys a grammar, unless the class is OTHER. `confidence` is the
    probability of the whole text (0..1), not of its mean character. `corners` are pixels of the
    picture that was read, in the order top left, top right, bottom right, bottom left. `rows` is
    1 or 2.
    """

    text: str
    plate_class: PlateClass
    rows: int
    confidence: float
    characters: tuple[CharacterReading, ...]
    corners: Corners
    frame_number: int = 0
