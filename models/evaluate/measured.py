"""One number that a bench prints, beside its bar, its n and, for a share, its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluate.interval import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One number: `value` in `unit`, over `n` samples, with the bar it is held against.

    `low` and `high` are Wilson's 95 % interval of a share, equal to the value otherwise. One of
    `at_least`, `at_most` or neither is set.
    """

    name: str
    value: float
    n: int
    low: float
    high: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the value is within its bar; true where there is none."""
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    def line(self) -> str:
        """For a person."""
        if self.unit:
            shown = f"{self.value:10.2f} {self.unit}"
        else:
            shown = f"{self.value:10.4f}  {self.low:.4f}..{self.high:.4f}"
        bar = ""
        if self.at_least is not None:
            bar = f"  at least {self.at_least:g}: {'met' if self.is_met else 'MISSED'}"
        if self.at_most is not None:
            bar = f"  at most {self.at_most:g}: {'met' if self.is_met else 'MISSED'}"
        return f"{self.name:<58}{shown}  n={self.n}{bar}"


def share(
    name: str,
    right: int,
    n: int,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Measured:
    """A share with its interval."""
    low, high = wilson(right, n)
    value = right / n if n else 0.0
    return Measured(
        name=name, value=value, n=n, low=low, high=high, at_least=at_least, at_most=at_most
    )


def plain(name: str, value: float, n: int, unit: str = "") -> Measured:
    """A number that is no share and has no bar."""
    return Measured(name=name, value=value, n=n, low=value, high=value, unit=unit)


def times(
    name: str, times_ms: Sequence[float], bars: tuple[float | None, float | None] = (None, None)
) -> Iterator[Measured]:
    """The median and the 95th percentile, each against its bar in milliseconds."""
    for percent, bar in zip((50, 95), bars, strict=True):
        value = float(np.percentile(times_ms, percent))
        yield Measured(
            name=f"{name}, p{percent}",
            value=value,
            n=len(times_ms),
            low=value,
            high=value,
            unit="ms",
            at_most=bar,
        )
