"""Confidence is a probability, and it is fitted where the measure does not look."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluate.fitting import fit_platt, fit_policy
from models.evaluate.tally import Outcome, Tally
from models.evaluate.verification import ScoredTrial
from models.lpr.calibration import Calibration, from_numbers


def test_a_score_that_is_too_sure_of_itself_is_brought_down() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.05, 0.95, 4000)
    rights = rng.random(4000) < truth
    odds = 3 * np.log(truth / (1 - truth))  # three times too sure
    bias, slope = fit_platt((1 / (1 + np.exp(-odds))).tolist(), rights.tolist())
    assert slope == pytest.approx(1 / 3, abs=0.05)
    assert bias == pytest.approx(0, abs=0.1)


def test_without_a_picture_the_score_stays_as_it_is() -> None:
    assert fit_platt([], []) == pytest.approx((0.0, 1.0))
    assert from_numbers({}).probability(0.8) == pytest.approx(0.8)


def test_a_second_reader_that_agrees_raises_and_one_that_differs_lowers() -> None:
    calibration = Calibration()
    alone = calibration.probability(0.7)
    assert calibration.probability(0.7, second=True) > alone
    assert calibration.probability(0.7, second=False) < alone


@pytest.mark.parametrize("score", [0.0, 1.0, 1e-12, 1 - 1e-12])
def test_no_score_gives_certainty(score: float) -> None:
    assert 0 < Calibration().probability(score) < 1


def outcome(confidence: float, *, right: bool) -> Outcome:
    text = "粤B12345" if right else "粤B12346"
    return Outcome(plate="粤B12345", text=text, confidence=confidence, duration_ms=1.0, shown=text)


def test_the_calibration_error_is_the_distance_of_confidence_from_truth() -> None:
    honest = Tally([outcome(0.8, right=n % 5 != 0) for n in range(500)])
    boastful = Tally([outcome(0.99, right=n % 5 != 0) for n in range(500)])
    assert honest.calibration_error < 0.05
    assert boastful.calibration_error == pytest.approx(0.19, abs=0.01)
    assert Tally().calibration_error == 0.0


def test_what_is_sure_and_wrong_is_counted() -> None:
    tally = Tally([outcome(0.99, right=True), outcome(0.99, right=False), outcome(0.5, right=True)])
    assert (tally.sure, tally.sure_and_wrong, tally.exact, tally.but_province) == (2, 1, 2, 2)


def test_the_fitted_policy_accepts_owners_and_hardly_an_impostor() -> None:
    rng = np.random.default_rng(1)
    trials = []
    for _ in range(150):
        own, other = -float(rng.exponential(0.1)), -float(rng.exponential(1) + 3)
        for is_impostor in (True, False):
            declared, rival = (other, own) if is_impostor else (own, other)
            trials.append(
                ScoredTrial(
                    plate="粤B12345",
                    is_impostor=is_impostor,
                    ranked=((declared, "粤B12346" if is_impostor else "粤B12345"),),
                    rivals=(rival,),
                )
            )
    policy, counts = fit_policy(trials)
    assert counts.false_accepts <= 1
    assert counts.true_accepts > 130
    assert policy.posterior_min >= 0.5
