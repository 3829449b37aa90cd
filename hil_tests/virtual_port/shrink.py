"""Makes a failing script short: takes choices out as long as the same thing still goes wrong.

Delta debugging (Zeller and Hildebrandt, 2002): halves first, then quarters, and so on down to
single choices; whole lanes before single choices, because most failures need only one or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hil_tests.virtual_port.script import Choice, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def shrink(
    script: Script, still_fails: Callable[[Script], bool], is_enough: Callable[[], bool]
) -> Script:
    """The shortest script found with which `still_fails`, until `is_enough`."""

    def with_lanes(lanes: list[int]) -> Script:
        return _of(script, (c for c in script.choices if c.lane in lanes))

    lanes = sorted({choice.lane for choice in script.choices})
    kept = _fewest(lanes, lambda some: still_fails(with_lanes(some)), is_enough)
    fewer = with_lanes(kept)
    choices = _fewest(list(fewer.choices), lambda some: still_fails(_of(script, some)), is_enough)
    return _of(script, choices)


def _fewest(
    items: list[T], still_fails: Callable[[list[T]], bool], is_enough: Callable[[], bool]
) -> list[T]:
    parts = 2
    while len(items) > 1 and not is_enough():
        size = -(-len(items) // parts)
        for first in range(0, len(items), size):
            rest = items[:first] + items[first + size :]
            if is_enough():
                return items
            if rest and still_fails(rest):
                items, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(items))
    return items


def _of(script: Script, choices: Iterable[Choice]) -> Script:
    return Script(seed=script.seed, choices=tuple(choices))


def until(script: Script, at_s: float) -> Script:
    """The script without what comes after `at_s`."""
    return _of(script, (choice for choice in script.choices if choice.at_s <= at_s))
