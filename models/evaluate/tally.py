"""Counts of what a reader got right, by class, and the table that shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.evaluate.interval import wilson


@dataclass(slots=True)
class Tally:
    """Pictures of one class: how many, with any plate found, with the whole plate right."""

    total: int = 0
    found: int = 0
    exact: int = 0
    durations_ms: list[float] = field(default_factory=list)

    def count(self, *, found: bool, exact: bool, duration_ms: float) -> None:
        """Adds one picture."""
        self.total += 1
        self.found += found
        self.exact += exact
        self.durations_ms.append(duration_ms)


def table(tallies: dict[str, Tally]) -> str:
    """The classes and their sum, one line each: n, found, exact, interval, milliseconds."""
    everything = Tally()
    for tally in tallies.values():
        everything.total += tally.total
        everything.found += tally.found
        everything.exact += tally.exact
        everything.durations_ms += tally.durations_ms
    rows = [*sorted(tallies.items()), ("all", everything)]
    head = f"{'class':<20}{'n':>6}{'found':>7}{'exact':>7}{'share':>8}  {'95 % interval':<16}"
    return "\n".join([head + f"{'ms p50':>8}{'p95':>7}", *(_row(*row) for row in rows)])


def _row(name: str, tally: Tally) -> str:
    low, high = wilson(tally.exact, tally.total)
    share = tally.exact / tally.total if tally.total else 0.0
    times = tally.durations_ms or [0.0]
    middle, slow = np.percentile(times, 50), np.percentile(times, 95)
    counts = f"{name:<20}{tally.total:>6}{tally.found:>7}{tally.exact:>7}{share:>8.4f}"
    return f"{counts}  {low:.4f}..{high:.4f}  {middle:>8.0f}{slow:>7.0f}"
