"""When two texts name the same plate or card. Exact after normalization: no fuzzy match here.

A plate that is only nearly declared is a doubt, and doubts go to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gate_agent.domain.manifest import Declaration

_SEPARATORS = " \t·・•.-_–—"
_HALF_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_WITHOUT_SEPARATORS = str.maketrans("", "", _SEPARATORS)
# Mainland plates have neither the letter O nor the letter I: readers and typists confuse them
# with the digits, so both sides are folded.
_FOLDED = str.maketrans("OI", "01", _SEPARATORS)
_PLATE = _FOLDED | {code: half.translate(_FOLDED) for code, half in _HALF_WIDTH.items()}


def normalize_plate(text: str) -> str:
    """Upper case, half width, no separators, O and I folded onto 0 and 1."""
    return text.upper().translate(_PLATE)


def is_trailer_plate(text: str) -> bool:
    """Whether a plate is in the form of a mainland trailer's: 挂 stands at its end."""
    return normalize_plate(text).endswith("挂")


def normalize_card(uid: str) -> str:
    """Upper-case hex without separators."""
    return uid.translate(_WITHOUT_SEPARATORS).replace(":", "").upper()


def is_among(one: str, others: Iterable[str]) -> bool:
    """Whether one of these cards or tags is that one."""
    return normalize_card(one) in {normalize_card(each) for each in others}


def declared_with_plate(declarations: Sequence[Declaration], plate: str) -> list[Declaration]:
    """Those that declare `plate`, compared normalized. An empty plate matches nothing."""
    wanted = normalize_plate(plate)
    return [
        declaration
        for declaration in declarations
        if wanted and wanted in {normalize_plate(declared) for declared in declaration.plates}
    ]


def declared_with_card(declarations: Sequence[Declaration], uid: str) -> list[Declaration]:
    """Those that declare the card `uid`, its driver's or one of the crew's. Empty: nothing."""
    wanted = normalize_card(uid)
    return [
        declaration
        for declaration in declarations
        if wanted and is_among(wanted, declaration.cards)
    ]
