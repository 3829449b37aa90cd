"""Laws that hold for every plate text, every network output and every set of frames."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluate.interval import wilson
from models.lpr.ctc import forward_log, greedy, positions
from models.lpr.plates import (
    GRAMMARS,
    CharacterReading,
    PlateClass,
    PlateReading,
    may_begin_plate,
    normalize_plate,
    plausible_classes,
)
from models.lpr.vote import vote_all

a_plate = st.sampled_from(GRAMMARS).flatmap(
    lambda grammar: st.tuples(*(st.sampled_from(place) for place in grammar.places)).map("".join)
)


@given(st.text(max_size=40))
def test_normalizing_any_text_never_fails_and_twice_is_once(text: str) -> None:
    once = normalize_plate(text)
    assert normalize_plate(once) == once


@given(a_plate)
def test_every_plate_of_a_grammar_is_already_normal_and_plausible(text: str) -> None:
    assert normalize_plate(text) == text
    assert plausible_classes(text)


@given(a_plate, st.integers(0, 9))
def test_every_beginning_of_a_plate_may_begin_one(text: str, length: int) -> None:
    assert may_begin_plate(text[:length])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.lists(st.integers(1, 3), max_size=4))
@settings(max_examples=60)
def test_the_forward_sum_is_the_sum_over_all_paths(seed: int, steps: int, text: list[int]) -> None:
    output = np.random.default_rng(seed).dirichlet(np.ones(4), steps)
    total = 0.0
    for path in product(range(4), repeat=steps):
        if [symbol for symbol, _ in groupby(path) if symbol] == text:
            total += float(np.prod([output[t, symbol] for t, symbol in enumerate(path)]))
    (log,) = forward_log(output, [text])
    assert np.exp(log) == pytest.approx(total, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(3, 12))
@settings(max_examples=60)
def test_the_characters_of_the_likeliest_text_have_probabilities(seed: int, steps: int) -> None:
    output = np.random.default_rng(seed).dirichlet(np.full(6, 0.2), steps)
    text = greedy(output)
    for character in positions([output], text, "ABCDE"):
        shares = [character.confidence, *(share for _, share in character.alternatives)]
        assert all(0 <= share <= 1 for share in shares)
        assert sum(shares) <= 1 + 1e-9


@st.composite
def readings(draw: st.DrawFn) -> PlateReading:
    text = draw(st.sampled_from(["粤B12345", "粤B12346", "粤B1234", "AB1234", "粤ZF823港"]))
    characters = tuple(
        CharacterReading(character=c, confidence=draw(st.floats(0.1, 1.0))) for c in text
    )
    return PlateReading(
        text=text,
        plate_class=PlateClass.BLUE,
        rows=1,
        confidence=draw(st.floats(0.01, 1.0)),
        characters=characters,
        corners=((0, 0), (1, 0), (1, 1), (0, 1)),
    )


@given(st.lists(st.lists(readings(), max_size=2), max_size=5), st.randoms())
def test_the_order_of_the_frames_does_not_change_the_vote(
    frames: list[list[PlateReading]], random: object
) -> None:
    shuffled = list(frames)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = [(v.text, v.frames_agreed) for v in vote_all(frames)]
    other = [(v.text, v.frames_agreed) for v in vote_all(shuffled)]
    assert sorted(one) == sorted(other)


@given(st.lists(st.lists(readings(), max_size=2), max_size=5))
def test_a_vote_is_a_plate_with_a_probability(frames: list[list[PlateReading]]) -> None:
    for elected in vote_all(frames):
        assert 0.0 <= elected.confidence <= 1.0
        assert elected.frames_agreed <= elected.frames_total == len(frames)
        assert len(elected.characters) == len(elected.text)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_the_share_it_was_counted_from(right: int, more: int) -> None:
    low, high = wilson(right, right + more)
    assert 0.0 <= low <= high <= 1.0
    if right + more:
        assert low <= right / (right + more) + 1e-9
        assert high >= right / (right + more) - 1e-9
