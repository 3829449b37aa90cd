"""A measured time or share of the acceptance report, and what it may be at most. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hil_tests.demo.judge import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One measured time or share, and what it may be at most."""

    en: str
    zh: str
    unit: str
    n: int
    p50: float | None
    p99: float | None
    worst: float | None
    limit: float
    judged: str = "worst"  # which of them the limit is for

    @property
    def is_good(self) -> bool:
        """Whether the limit is kept; nothing measured is not good."""
        value: float | None = getattr(self, self.judged)
        return value is not None and value <= self.limit


def number(en: str, zh: str, unit: str, values: Sequence[float], limit: float, by: str) -> Number:
    """The spread of `values`."""
    return Number(
        en=en,
        zh=zh,
        unit=unit,
        n=len(values),
        p50=_rounded(percentile(values, 50)),
        p99=_rounded(percentile(values, 99)),
        worst=_rounded(max(values, default=None)),
        limit=limit,
        judged=by,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
