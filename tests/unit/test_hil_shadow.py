"""Where a real truck is, by the loops and beams of its lane: what simulated devices see of it."""

import pytest

from gate_agent.domain.state import Inputs
from hil_tests.lane_bench.shadow import Whereabouts

NAMES = {"e": "entry_loop", "r": "rear_beam", "f": "front_beam", "x": "exit_loop"}


def course(*steps: str) -> list[str]:
    """The truck after each step: `e`, `r`, `f`, `x` occupied; `?` in front: it cannot be read."""
    where, told = Whereabouts(), []
    for step in steps:
        unread = {step[at + 1] for at, letter in enumerate(step) if letter == "?"}
        levels = {
            name: None if letter in unread else letter in step for letter, name in NAMES.items()
        }
        where = where.after(Inputs(**levels))
        told.append("on" if where.is_on_scale else "here" if where.is_here else "away")
    return told


def test_a_truck_is_on_the_scale_from_its_tail_past_one_beam_to_its_tail_past_the_other() -> None:
    assert course("", "e", "er", "r", "", "f", "fx", "x", "") == [
        "away", "here", "here", "here", "on", "on", "on", "away", "away",
    ]  # fmt: skip


def test_a_drawbar_that_clears_the_rear_beam_is_not_the_tail() -> None:
    assert course("e", "er", "e", "er", "r", "") == ["here"] * 5 + ["on"]


def test_a_truck_that_backs_out_is_off_the_scale_and_then_away() -> None:
    assert course("e", "er", "r", "", "r", "er", "e", "") == [
        "here", "here", "here", "on", "on", "on", "here", "away",
    ]  # fmt: skip


def test_a_truck_that_rolls_back_a_little_stays_on_the_scale() -> None:
    assert course("e", "er", "r", "", "r", "", "f", "") == [
        "here", "here", "here", "on", "on", "on", "on", "on",
    ]  # fmt: skip


@pytest.mark.parametrize("blind", ["?e?r?f?x", "?r", "?f?x"])
def test_a_board_that_cannot_be_read_moves_no_truck(blind: str) -> None:
    assert course("e", "er", "r", "", blind, "") == ["here", "here", "here", "on", "on", "on"]
