"""Numbered slips: what a person releases on while the systems that judge are down."""

from __future__ import annotations

from gate_agent.domain.policy_pack import PolicyPack

REMEMBERED_SLIPS = 256


def is_slip(pack: PolicyPack, text: str) -> bool:
    """Whether the text is a number out of one of the pack's slip books, as it is printed."""
    for book in pack.slips:
        number = text.removeprefix(book.prefix)
        if number == text or not (number.isascii() and number.isdecimal()):
            continue
        if len(number) == len(str(book.last)) and book.first <= int(number) <= book.last:
            return True
    return False
