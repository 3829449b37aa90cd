"""Container numbers after ISO 6346: four letters, six digits, one check digit."""

from __future__ import annotations

import re

_SEPARATORS = str.maketrans("", "", " \t·-_/.")
_FORM = re.compile(r"[A-Z]{4}[0-9]{7}\Z")


def normalize_container(text: str) -> str:
    """Upper case, no separators: as it is declared."""
    return text.upper().translate(_SEPARATORS)


def is_container_number(text: str) -> bool:
    """Whether the number has the form and its check digit fits. No separators."""
    return _FORM.match(text) is not None and check_digit(text) == int(text[10])


def check_digit(text: str) -> int:
    """The check digit that belongs to the first ten characters of a number in the right form."""
    return sum(_value(char) << place for place, char in enumerate(text[:10])) % 11 % 10


def _value(char: str) -> int:
    """Digits as they are; A is 10, B 12: the multiples of eleven are left out."""
    if char.isdigit():
        return int(char)
    place = ord(char) - ord("A")
    return 10 + place + (place + 9) // 10
