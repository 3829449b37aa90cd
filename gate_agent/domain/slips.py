"""Numbered slips: what a person releases on while the systems that judge are down.

The pack's slip books name the kinds of emergency that the port knows. A slip is good in an
emergency of its own kind and in no other.
"""

from __future__ import annotations

from gate_agent.domain.policy_pack import PolicyPack, SlipBook

REMEMBERED_SLIPS = 256


def emergency_kinds(pack: PolicyPack) -> tuple[str, ...]:
    """The kinds of emergency that the pack has slips for, in its order, each once."""
    return tuple(dict.fromkeys(book.mode for book in pack.slips))


def is_drill(pack: PolicyPack, kind: str) -> bool:
    """Whether this kind is an exercise."""
    return any(book.mode == kind and book.is_drill for book in pack.slips)


def kind_of_slip(pack: PolicyPack, text: str) -> str | None:
    """The kind of emergency whose book has this number, as it is printed; None: no book has."""
    return next((book.mode for book in pack.slips if _has(book, text)), None)


def _has(book: SlipBook, text: str) -> bool:
    number = text.removeprefix(book.prefix)
    if number == text or not (number.isascii() and number.isdecimal()):
        return False
    return len(number) == len(str(book.last)) and book.first <= int(number) <= book.last
