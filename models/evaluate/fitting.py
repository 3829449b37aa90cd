"""Fits the few numbers that make probabilities of scores, on pictures kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from models.evaluate.verification import ScoredTrial, TrialCounts, count
from models.lpr.calibration import log_odds
from models.lpr.verify import VerifyPolicy

_ROUNDS: Final = 50
_SMALLEST: Final = 1e-9
_PULL: Final = 0.05  # toward the line as it is without any picture
_FALSE_ACCEPTS_MAX: Final = 0.0003
_TEMPERATURES: Final = (0.4, 0.55, 0.7, 1.0, 1.5)
_ODDS: Final = (1.0, 3.0, 10.0)
_RESTS: Final = (0.1, 0.3)


def fit_platt(scores: Sequence[float], rights: Sequence[bool]) -> tuple[float, float]:
    """Bias and slope of the log-odds, by damped Newton steps; (0, 1) without a picture."""
    x = np.array([[1.0, log_odds(score)] for score in scores]).reshape(-1, 2)
    y = np.array(rights, np.float64)
    start = np.array([0.0, 1.0])
    weights = start.copy()

    def loss(at: npt.NDArray[np.float64]) -> float:
        odds = x @ at
        surprise = np.logaddexp(0, odds) - y * odds
        return float(surprise.sum() + _PULL / 2 * ((at - start) ** 2).sum())

    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -50, 50)))
        slope = x.T @ (p - y) + _PULL * (weights - start)
        bend = (x * (p * (1 - p))[:, None]).T @ x + _PULL * np.eye(2)
        step = np.linalg.solve(bend, slope)
        while np.abs(step).max() > _SMALLEST and loss(weights - step) > loss(weights):
            step /= 2
        weights = weights - step
    return float(weights[0]), float(weights[1])


def fit_policy(trials: Sequence[ScoredTrial]) -> tuple[VerifyPolicy, TrialCounts]:
    """The policy that accepts most owners among those that accept hardly an impostor."""
    best: tuple[int, VerifyPolicy, TrialCounts] | None = None
    for temperature, odds, rest in product(_TEMPERATURES, _ODDS, _RESTS):
        loose = VerifyPolicy(
            temperature=temperature,
            declared_odds=odds,
            rest_weight=rest,
            posterior_min=0.0,
            log_likelihood_min=-np.inf,
        )
        policy = _tightened(loose, trials)
        counts = count(trials, policy)
        if best is None or counts.true_accepts > best[0]:
            best = counts.true_accepts, policy, counts
    if best is None:
        raise ValueError("verification: no policy to choose from")
    return best[1], best[2]


def _tightened(loose: VerifyPolicy, trials: Sequence[ScoredTrial]) -> VerifyPolicy:
    """The least posterior that lets no more impostors pass than is allowed."""
    impostors = sorted(
        (
            shown.candidates[0].posterior
            for shown in (t.decide(loose) for t in trials if t.is_impostor)
            if shown.candidates
        ),
        reverse=True,
    )
    allowed = int(len(impostors) * _FALSE_ACCEPTS_MAX)
    posterior_min = impostors[allowed] + 1e-9 if len(impostors) > allowed else 0.5
    return VerifyPolicy(
        temperature=loose.temperature,
        declared_odds=loose.declared_odds,
        rest_weight=loose.rest_weight,
        posterior_min=min(0.999999, max(0.5, posterior_min)),
        log_likelihood_min=-12.0,
    )
