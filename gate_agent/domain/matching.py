"""When two texts name the same plate or card. Exact after normalization: no fuzzy match here.

A plate that is only nearly declared is a doubt, and doubts go to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gate_agent.domain.manifest import Declaration

_SEPARATORS = str.maketrans("", "", " \t·・•.-_–—")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# Mainland plates have neither the letter O nor the letter I: readers and typists confuse them
# with the digits, so both sides are folded.
_FOLDED = str.maketrans({"O": "0", "I": "1"})


def normalize_plate(text: str) -> str:
    """Upper case, half width, no separators, O and I folded onto 0 and 1."""
    return text.translate(_FULL_WIDTH).upper().translate(_SEPARATORS).translate(_FOLDED)


def normalize_card(uid: str) -> str:
    """Upper-case hex without separators."""
    return uid.translate(_SEPARATORS).replace(":", "").upper()


def is_among(declared: str, seen: Iterable[str]) -> bool:
    """Whether one of the cards or tags that were seen is the declared one."""
    return normalize_card(declared) in {normalize_card(each) for each in seen}


def declared_with_plate(declarations: Sequence[Declaration], plate: str) -> list[Declaration]:
    """Those that declare `plate`, compared normalized. An empty plate matches nothing."""
    wanted = normalize_plate(plate)
    return [
        declaration
        for declaration in declarations
        if wanted and wanted in {normalize_plate(declared) for declared in declaration.plates}
    ]


def declared_with_card(declarations: Sequence[Declaration], uid: str) -> list[Declaration]:
    """Those that declare the card `uid`. An empty uid matches nothing."""
    wanted = normalize_card(uid)
    return [
        declaration
        for declaration in declarations
        if wanted and normalize_card(declaration.card_uid) == wanted
    ]
