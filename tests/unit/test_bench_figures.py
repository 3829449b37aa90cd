"""What `make bench` prints: a number beside its bar, and no percentile of too few samples."""

from __future__ import annotations

from hil_tests.bench.figures import FEWEST, Figure, Part, percentiles, table


def a_figure(value: float | None, at_most: float | None = 5.0) -> Figure:
    return Figure(name="boom up", value=value, unit="s", n=60, at_most=at_most)


def test_a_percentile_of_fewer_than_fifty_samples_is_not_given() -> None:
    (figure,) = percentiles("decision", [1.0] * (FEWEST - 1), "ms", [99])
    assert (figure.value, figure.n) == (None, 49)
    assert "fewer than 50" in figure.remark


def test_fifty_samples_are_enough() -> None:
    median, far = percentiles("decision", [float(n) for n in range(50)], "ms", [50, 99])
    assert (median.value, far.value) == (24.0, 49.0)


def test_a_bar_is_met_at_exactly_its_height() -> None:
    assert not a_figure(5.0).is_missed
    assert a_figure(5.01).is_missed


def test_what_was_not_measured_does_not_meet_a_bar() -> None:
    assert a_figure(None).is_missed
    assert not a_figure(None, at_most=None).is_missed


def test_the_table_names_the_command_that_measures_a_number_again() -> None:
    part = Part(title="a truck", command="python -m bench", figures=(a_figure(5.5),))
    text = table([part])
    assert "python -m bench" in text
    assert "at most 5: MISSED" in text
    assert "not known" in table([Part(title="", command="", figures=(a_figure(None),))])
