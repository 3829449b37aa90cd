"""What a CTC network's output says about a text."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpr.ctc import decode, forward_log, forward_logs, greedy, positions


def steps_of(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, float)


def test_a_repeated_character_needs_a_blank_between() -> None:
    steps = steps_of((0.1, 0.9), (0.1, 0.9))
    assert forward_log(steps, [(1, 1)]) == [float("-inf")]
    assert np.exp(forward_log(steps, [(1,)])[0]) == pytest.approx(0.9 * 0.9 + 2 * 0.9 * 0.1)


def test_a_text_longer_than_the_picture_has_no_probability() -> None:
    assert forward_log(steps_of((0.2, 0.4, 0.4)), [(1, 2)]) == [float("-inf")]


def test_no_texts_have_no_probabilities() -> None:
    assert forward_log(steps_of((0.5, 0.5)), []) == []


def test_the_greedy_text_collapses_repeats_and_blanks() -> None:
    steps = steps_of((0, 1, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert greedy(steps) == (1, 1, 2)


def test_the_grammar_rules_out_the_likeliest_text() -> None:
    steps = steps_of((0.0, 0.6, 0.4), (1.0, 0.0, 0.0))
    assert decode(steps, lambda prefix: prefix in {(), (2,)})[0] == (2,)


def test_a_doubtful_character_names_its_rival() -> None:
    steps = steps_of((0.0, 0.7, 0.3), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    first, second = positions([steps], (1, 2), "AB")
    assert first.character == "A"
    assert first.confidence == pytest.approx(0.7)
    assert first.alternatives[0] == ("B", pytest.approx(0.3))
    assert second.confidence > 0.99


def test_every_look_has_a_say_in_how_sure_a_character_is() -> None:
    clear = steps_of((0.0, 0.9, 0.1), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    blurred = steps_of((0.0, 0.3, 0.7), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    first, _ = positions([clear, blurred], (1, 2), "AB")
    assert first.confidence == pytest.approx(0.6)
    assert first.alternatives[0] == ("B", pytest.approx(0.4))


def test_several_looks_are_weighed_as_each_alone() -> None:
    rng = np.random.default_rng(4)
    looks = [rng.dirichlet(np.full(4, 0.3), 9) for _ in range(3)]
    texts = [(1, 2), (3,), (), (1, 1, 2)]
    together = forward_logs(looks, texts)
    assert np.allclose(together, [forward_log(steps, texts) for steps in looks])
