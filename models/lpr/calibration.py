"""From a score to the probability that the text is right, as it was on pictures kept apart. Pure.

Platt's line through the log-odds: two numbers in the card of the weights, fitted by
`gate-lpr calibrate`. A second reader that says the same raises the odds, one that says another
thing lowers them, by what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Final

_EDGE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """log-odds = bias + slope · log-odds of the score, plus what a second reader adds.

    `adopted` is the probability that a second reader is right where it is believed instead.
    """

    bias: float = 0.0
    slope: float = 1.0
    agreed: float = 2.0
    contradicted: float = -1.0
    adopted: float = 0.7

    def probability(self, score: float, *, second: bool | None = None) -> float:
        """The probability that a text of this score is right.

        Args:
            score: 0..1.
            second: whether a second reader read the same text; None where none was asked.
        """
        odds = self.bias + self.slope * log_odds(score)
        if second is not None:
            odds += self.agreed if second else self.contradicted
        return 1 / (1 + exp(-max(-50.0, min(50.0, odds))))


def log_odds(share: float) -> float:
    """log(share / (1 - share)), finite also at 0 and 1."""
    inside = min(1 - _EDGE, max(_EDGE, share))
    return log(inside / (1 - inside))


def from_numbers(numbers: dict[str, float]) -> Calibration:
    """The calibration of a card; what the card does not say stays as it is by itself."""
    known = {"bias", "slope", "agreed", "contradicted", "adopted"}
    return Calibration(**{key: value for key, value in numbers.items() if key in known})
