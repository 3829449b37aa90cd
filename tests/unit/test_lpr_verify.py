"""Whether a declared plate is accepted: what the lane may rely on."""

from __future__ import annotations

from math import log

import pytest

from models.lpr.plates import plausible_class
from models.lpr.verify import NOTHING, VerifyPolicy, neighbors, rivals_of, weigh

POLICY = VerifyPolicy(
    temperature=1.0, declared_odds=1.0, rest_weight=0.3, posterior_min=0.9, log_likelihood_min=-6
)
FAR = -60.0


def test_a_declared_plate_that_explains_the_picture_is_accepted() -> None:
    verdict = weigh([(log(0.97), "粤B12345"), (FAR, "粤B99999")], [log(0.001)], POLICY)
    assert verdict.accepted == "粤B12345"
    assert verdict.candidates[0].posterior > 0.98
    assert verdict.none == pytest.approx(1 - sum(c.posterior for c in verdict.candidates))


def test_an_impostor_one_character_away_from_a_declared_plate_is_not_accepted() -> None:
    verdict = weigh([(log(0.02), "粤B12345"), (FAR, "粤B99999")], [log(0.95)], POLICY)
    assert verdict.accepted is None
    assert verdict.none > 0.9


def test_a_plate_between_two_declared_ones_is_left_to_a_person() -> None:
    verdict = weigh([(log(0.5), "粤B12345"), (log(0.45), "粤B12346")], [], POLICY)
    assert verdict.accepted is None


def test_a_blurred_plate_accepts_nothing_although_nothing_else_comes_near() -> None:
    verdict = weigh([(-9.0, "粤B12345"), (FAR, "粤B99999")], [FAR], POLICY)
    assert verdict.accepted is None


def test_no_text_that_the_picture_may_show_is_none() -> None:
    verdict = weigh([(float("-inf"), "粤B12345")], [], POLICY)
    assert verdict.accepted is None
    assert verdict.none == 1.0
    assert weigh([], [], POLICY).none == NOTHING.none


def test_the_best_five_are_shown_best_first() -> None:
    ranked = [(-float(n) - 1, f"粤B1234{n}") for n in range(8)]
    shown = weigh(ranked, [], POLICY).candidates
    assert [c.text for c in shown] == [f"粤B1234{n}" for n in range(5)]


def test_neighbors_are_plates_that_differ_in_one_character() -> None:
    for text in ("粤B12345", "粤ZF823港", "粤B3847挂", "AB1234", "MA1234", "粤BD12345"):
        near = neighbors(text)
        assert len(near) > 50
        assert text not in near
        for other in near:
            assert sum(a != b for a, b in zip(text, other, strict=True)) == 1
            assert plausible_class(other) is not None


def test_the_rivals_are_undeclared_and_include_the_free_reading() -> None:
    declared = {"粤B12345", "粤B12346"}
    rivals = rivals_of("粤B12845", [(-1.0, "粤B12345"), (-2.0, "粤B12346")], declared)
    assert rivals[0] == "粤B12845"
    assert not declared & set(rivals)
    assert "粤B12347" in rivals


def test_without_a_fitted_policy_hardly_anything_is_accepted() -> None:
    assert weigh([(log(0.9), "粤B12345")], [log(0.01)], VerifyPolicy()).accepted is None
