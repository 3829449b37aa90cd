"""What a reader answered, counted by class, and the table that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.evaluate.interval import wilson
from models.lpr.plates import PROVINCES

SURE: Final = 0.98
"""From this confidence on a lane takes a reading without doubt."""
_BINS: Final = 10
_FOLD: Final = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One picture as it was answered.

    `text` is what was read where the plate is, empty for nothing; `confidence` belongs to it.
    `shown` is everything that was read, or why nothing could be, for a person.
    """

    plate: str
    text: str
    confidence: float
    duration_ms: float
    shown: str

    @property
    def is_found(self) -> bool:
        """Whether anything was read where the plate is."""
        return bool(self.text)

    @property
    def is_exact(self) -> bool:
        """Whether the whole plate is right."""
        return same_plate(self.text, self.plate)

    @property
    def is_exact_but_province(self) -> bool:
        """Whether all but the first character of a mainland plate is right."""
        return same_plate(_without_province(self.text), _without_province(self.plate))


def same_plate(one: str, other: str) -> bool:
    """Equal with O as 0 and I as 1 everywhere, the issuing office included."""
    return one.translate(_FOLD) == other.translate(_FOLD)


def _without_province(text: str) -> str:
    return text[1:] if text[:1] and text[0] in PROVINCES else text


@dataclass(slots=True)
class Tally:
    """Outcomes of one class."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many pictures."""
        return len(self.outcomes)

    @property
    def found(self) -> int:
        """How many with anything read at the plate's place."""
        return sum(o.is_found for o in self.outcomes)

    @property
    def exact(self) -> int:
        """How many with the whole plate right."""
        return sum(o.is_exact for o in self.outcomes)

    @property
    def but_province(self) -> int:
        """How many with all but the province right."""
        return sum(o.is_exact_but_province for o in self.outcomes)

    @property
    def sure(self) -> int:
        """How many were read without doubt."""
        return sum(o.confidence >= SURE for o in self.outcomes)

    @property
    def sure_and_wrong(self) -> int:
        """How many of those were wrong."""
        return sum(o.confidence >= SURE and not o.is_exact for o in self.outcomes)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error of what was read, ten bins of equal width; 0..1."""
        gaps = [0.0] * _BINS
        read = [o for o in self.outcomes if o.is_found]
        for outcome in read:
            gaps[min(_BINS - 1, int(outcome.confidence * _BINS))] += (
                outcome.confidence - outcome.is_exact
            )
        return sum(abs(gap) for gap in gaps) / max(1, len(read))


def table(tallies: dict[str, Tally]) -> str:
    """The classes and their sum, one line each."""
    everything = Tally([o for tally in tallies.values() for o in tally.outcomes])
    rows = [*tallies.items(), ("all", everything)]
    head = f"{'class':<22}{'n':>6}{'found':>7}{'exact':>7}{'share':>8}  {'95 % interval':<16}"
    head += f"{'but prov.':>9}{'sure':>7}{'wrong':>6}{'ECE':>7}{'ms p50':>8}{'p95':>7}"
    return "\n".join([head, *(_row(*row) for row in rows)])


def _row(name: str, tally: Tally) -> str:
    low, high = wilson(tally.exact, tally.total)
    total = max(1, tally.total)
    times = [o.duration_ms for o in tally.outcomes] or [0.0]
    middle, slow = np.percentile(times, 50), np.percentile(times, 95)
    counts = f"{name:<22}{tally.total:>6}{tally.found:>7}{tally.exact:>7}"
    shares = (
        f"{tally.exact / total:>8.4f}  {low:.4f}..{high:.4f}  {tally.but_province / total:>9.4f}"
    )
    sure = f"{tally.sure / total:>7.3f}{tally.sure_and_wrong:>6}{tally.calibration_error:>7.3f}"
    return f"{counts}{shares}{sure}{middle:>8.1f}{slow:>7.1f}"


def by_label(rows: Iterable[tuple[str, Outcome]]) -> dict[str, Tally]:
    """Outcomes gathered under their labels, in the order of the labels."""
    tallies: dict[str, Tally] = {}
    for label, outcome in rows:
        tallies.setdefault(label, Tally()).outcomes.append(outcome)
    return dict(sorted(tallies.items()))
