"""One measured number beside the bar that it is held against, and how a table of them is read.

Pure. A percentile of fewer than `FEWEST` samples is no percentile and is not given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hil_tests.demo.judge import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 50


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`value` None: not measured, `remark` says why. `at_most`, `at_least`: the bar, if any.

    `n` is how many samples stand behind the value.
    """

    name: str
    value: float | None
    unit: str
    n: int
    at_most: float | None = None
    at_least: float | None = None
    remark: str = ""

    @property
    def is_missed(self) -> bool:
        """Whether there is a bar and the value is beyond it; what is not known misses it."""
        if self.value is None:
            return self.at_most is not None or self.at_least is not None
        above = self.at_most is not None and self.value > self.at_most
        return above or (self.at_least is not None and self.value < self.at_least)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one measurement and the command that measures them again."""

    title: str
    command: str
    figures: tuple[Figure, ...]


def percentiles(
    name: str,
    samples: Sequence[float],
    unit: str,
    percents: Sequence[int],
    *,
    digits: int = 1,
    bars: dict[int, float] | None = None,
) -> tuple[Figure, ...]:
    """One figure per percent; without a value where the samples are fewer than `FEWEST`."""
    enough = len(samples) >= FEWEST
    return tuple(
        Figure(
            name=f"{name} p{percent}",
            value=round(percentile(samples, percent) or 0.0, digits) if enough else None,
            unit=unit,
            n=len(samples),
            at_most=(bars or {}).get(percent),
            remark="" if enough else f"fewer than {FEWEST} samples",
        )
        for percent in percents
    )


def table(parts: Sequence[Part]) -> str:
    """The parts as lines for a person."""
    width = max((len(figure.name) for part in parts for figure in part.figures), default=0)
    lines = []
    for part in parts:
        lines += ["", f"{part.title}   ({part.command})"]
        lines += [f"  {figure.name:{width}}  {_words(figure)}".rstrip() for figure in part.figures]
    return "\n".join(lines)


def _words(figure: Figure) -> str:
    value = "-" if figure.value is None else f"{figure.value:,.10g}"
    words = f"{value:>9} {figure.unit:10} n={figure.n:<6}"
    for bar, limit in (("at most", figure.at_most), ("at least", figure.at_least)):
        if limit is not None:
            verdict = "MISSED" if figure.is_missed else "met"
            words += f" {bar} {limit:g}: {'not known' if figure.value is None else verdict}"
    return f"{words} {figure.remark}"
