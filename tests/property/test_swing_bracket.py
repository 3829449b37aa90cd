"""The interval in which a swinging weight must settle: how often it is wrong, and about what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.weighbridge.swing import WINDOW_S, SwingBracket
from tests.swings import swings

if TYPE_CHECKING:
    from tests.swings import Disturbance, Floats, Swing

MEMORY_S = 1.0  # how long after a change of load the interval may still speak of the load before


def nothing(
    _rng: np.random.Generator, times_s: Floats, _weight_kg: float, _division_kg: int
) -> tuple[Floats, Floats]:
    return np.zeros_like(times_s), np.zeros_like(times_s)


def a_person(
    rng: np.random.Generator, times_s: Floats, _weight_kg: float, _division_kg: int
) -> tuple[Floats, Floats]:
    """Steps on or off at some moment."""
    step_kg = rng.choice([-1, 1]) * rng.uniform(50, 150)
    return np.where(times_s > rng.uniform(0.5, 4.0), step_kg, 0.0), np.zeros_like(times_s)


def an_axle(
    rng: np.random.Generator, times_s: Floats, weight_kg: float, _division_kg: int
) -> tuple[Floats, Floats]:
    """Rolls on or off the platform within 0.05 to 3 s: a fifth of the weight."""
    share = np.clip((times_s - rng.uniform(0.0, 3.5)) / rng.uniform(0.05, 3.0), 0.0, 1.0)
    return rng.choice([-1, 1]) * 0.2 * weight_kg * share, np.zeros_like(times_s)


def wind(
    rng: np.random.Generator, times_s: Floats, _weight_kg: float, division_kg: int
) -> tuple[Floats, Floats]:
    """Or a crane beside the lane: two divisions at any rate from a gust to a hum."""
    hz = math.exp(rng.uniform(math.log(0.05), math.log(15.0)))
    gust_kg = 2 * division_kg * np.sin(2 * np.pi * (hz * times_s + rng.random()))
    return np.zeros_like(times_s), gust_kg


def brackets(swing: Swing) -> list[tuple[float, tuple[int, int]]]:
    follow = SwingBracket(swing.division_kg)
    seen = [
        (at_s, follow.feed(kg, at_s))
        for at_s, kg in zip(swing.times_s, swing.shown_kg, strict=True)
    ]
    return [(at_s, bracket) for at_s, bracket in seen if bracket is not None]


def lies_outside(swing: Swing, *, memory_s: float = 0.0) -> bool:
    """Whether an interval ever held none of the loads that were there in the last `memory_s`."""
    times_s, loads_kg = np.array(swing.times_s), np.array(swing.loads_kg)
    for at_s, (low_kg, high_kg) in brackets(swing):
        recent_kg = loads_kg[(times_s <= at_s) & (times_s >= at_s - memory_s)]
        if not ((low_kg <= recent_kg) & (recent_kg <= high_kg)).any():
            return True
    return False


def test_of_twenty_thousand_swings_not_two_settle_outside_an_interval_that_was_named() -> None:
    """One in ten thousand is the bar; every interval named during a swing counts."""
    wrong, named = [], 0
    for swing in swings(20_261_121, 20_000, nothing):
        weight_kg = swing.loads_kg[-1]
        seen = [bracket for _, bracket in brackets(swing)]
        named += bool(seen)
        if not all(low_kg <= weight_kg <= high_kg for low_kg, high_kg in seen):
            wrong.append(swing.drawn)
    assert len(wrong) <= 2, wrong
    assert named > 15_000  # those of a slow indicator wait for the settled weight


@pytest.mark.parametrize("disturb", [a_person, an_axle, wind], ids=lambda each: each.__name__)
def test_a_disturbed_swing_names_no_interval_that_holds_no_load_of_the_last_second(
    disturb: Disturbance,
) -> None:
    memory_s = 0.0 if disturb is wind else MEMORY_S
    for swing in swings(7, 1_500, disturb):
        assert not lies_outside(swing, memory_s=memory_s), swing.drawn


def test_an_interval_after_the_stop_is_soon_narrow_enough_to_decide_on() -> None:
    """Within two percent of the weight in 1.5 s at the median, where an indicator is quick."""
    waits_s = []
    for swing in swings(3, 600, nothing):
        if len(swing.times_s) < 12 * swing.times_s[-1]:
            continue
        weight_kg = swing.loads_kg[-1]
        narrow = [
            max(0.0, at_s - swing.stop_s)
            for at_s, (low_kg, high_kg) in brackets(swing)
            if max(high_kg - weight_kg, weight_kg - low_kg) <= 0.02 * weight_kg
        ]
        waits_s.append(narrow[0] if narrow else math.inf)
    assert np.percentile(waits_s, 50) <= 1.5


@given(
    weight_kg=st.integers(2_000, 60_000),
    share=st.floats(0.002, 0.2),
    hz=st.floats(0.3, 30.0),
    decay=st.floats(0.0, 6.0),
    phase=st.floats(0.0, 6.3),
    period_s=st.floats(0.03, 0.105),
)
def test_one_damped_mode_always_settles_inside_however_it_is_sampled(
    weight_kg: int, share: float, hz: float, decay: float, phase: float, period_s: float
) -> None:
    """The theorem of the module: aliased or not, fast or slow, every high lies above the weight."""
    follow = SwingBracket(20)
    for n in range(120):
        at_s = n * period_s
        swing = math.exp(-decay * at_s) * math.sin(2 * math.pi * hz * at_s + phase)
        shown_kg = round(weight_kg * (1 + share * swing) / 20) * 20
        bracket = follow.feed(shown_kg, at_s)
        if bracket is not None:
            assert bracket[0] <= weight_kg <= bracket[1]


@given(values=st.lists(st.integers(-100, 60_000), min_size=1, max_size=80))
def test_an_interval_holds_everything_shown_in_the_window_before_it(values: list[int]) -> None:
    follow = SwingBracket(20)
    for n, kg in enumerate(values):
        bracket = follow.feed(kg, n * 0.04)
        if bracket is not None:
            recent = values[max(0, n - int(WINDOW_S / 0.04)) : n + 1]
            assert bracket[0] < min(recent) <= max(recent) < bracket[1]


def test_a_slow_indicator_a_frozen_one_and_one_that_only_rises_name_none() -> None:
    slow, frozen, rising = SwingBracket(20), SwingBracket(20), SwingBracket(20)
    for n in range(100):
        swing_kg = round(600 * math.cos(9.0 * n * 0.2) / 20) * 20
        assert slow.feed(32_000 + swing_kg, n * 0.2) is None
        assert frozen.feed(32_000, n * 0.04) is None
        assert rising.feed(n * 300, n * 0.04) is None


def test_a_gap_in_the_stream_begins_anew() -> None:
    follow = SwingBracket(20)

    def feed(first: int, count: int) -> list[tuple[int, int] | None]:
        return [
            follow.feed(32_000 + round(500 * math.cos(n * 0.5) / 20) * 20, n * 0.04)
            for n in range(first, first + count)
        ]

    assert feed(0, 50)[-1] is not None
    follow.clear()
    assert set(feed(50, 20)) == {None}
