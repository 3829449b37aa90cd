"""The characters our recognizer tells apart, and how a text becomes its symbols. Pure.

Symbol 0 is the blank of CTC; symbol n is `ALPHABET[n - 1]`. The letters O and I are not in it: a
plate stamps them as 0 and 1, and `normalize_plate` compares them so. Only the issuing office of a
mainland plate is always a letter, therefore `decode` makes an O of a 0 in second place there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.lpr.plates import DIGITS, LETTERS, PROVINCES, SUFFIXES

ALPHABET: Final = PROVINCES + LETTERS + DIGITS + SUFFIXES
BLANK: Final = 0
CLASSES: Final = ("blue", "yellow", "green", "black", "white", "hk", "macau", "other", "no_plate")
"""What the second output of the recognizer tells apart, in its order."""

_SYMBOLS: Final = {character: index for index, character in enumerate(ALPHABET, start=1)}
_SYMBOLS["O"], _SYMBOLS["I"] = _SYMBOLS["0"], _SYMBOLS["1"]


def encode(text: str) -> tuple[int, ...] | None:
    """The symbols of a normalized text, or None when it holds a character no plate has."""
    symbols = tuple(_SYMBOLS.get(character, BLANK) for character in text)
    return None if BLANK in symbols else symbols


def decode(symbols: Iterable[int]) -> str:
    """The normalized text of symbols without blanks and without repeats."""
    text = "".join(ALPHABET[symbol - 1] for symbol in symbols)
    if text[:1] and text[0] in PROVINCES and text[1:2] == "0":
        return text[0] + "O" + text[2:]
    return text
