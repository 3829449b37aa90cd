"""Logarithms of sums in whole numbers: the same on every processor, whatever its arithmetic.

A milli-nat is a thousandth of a natural logarithm. Both tables are made by multiplying integers,
so no processor's own logarithm has a say in a verdict.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

LEAST: Final = -60_000
"""The logarithm of what is as good as impossible."""
_UNIT: Final = 1 << 40  # the weight of the greatest term
_SCALE: Final = 96
_DOWN: Final = 79_148_973_952_629_937_149_055_243_684  # e^-0.001 times 2^96
_UP: Final = 79_307_430_304_067_854_649_466_517_460  # e^0.001 times 2^96


def _powers(factor: int, until: int, count: int) -> tuple[int, ...]:
    found: list[int] = []
    value = _UNIT << _SCALE
    while len(found) < count and value >> _SCALE > until:
        found.append((value + (1 << (_SCALE - 1))) >> _SCALE)
        value = value * factor >> _SCALE
    return tuple(found)


_FALLING: Final = _powers(_DOWN, 0, 30_000)  # by how many milli-nats a term is below the greatest
_RISING: Final = _powers(_UP, 0, 8_001)  # the sum so many milli-nats above it: 2,980 terms


def log_sum(milli_nats: Iterable[int]) -> int:
    """The logarithm of the sum of the terms with these logarithms; `LEAST` for none.

    The order of the terms does not matter. At most one milli-nat too much or too little.
    """
    terms = [max(LEAST, each) for each in milli_nats]
    if not terms:
        return LEAST
    most = max(terms)
    total = sum(_FALLING[most - each] for each in terms if most - each < len(_FALLING))
    return most + bisect_left(_RISING, total)


def log_permille(permille: int) -> int:
    """The logarithm of a share; 0 and less is `LEAST`."""
    if permille <= 0:
        return LEAST
    share = _UNIT * min(permille, 1000) // 1000
    low, high = 0, len(_FALLING) - 1
    while low < high:
        middle = (low + high) // 2
        if _FALLING[middle] > share:
            low = middle + 1
        else:
            high = middle
    return -low
