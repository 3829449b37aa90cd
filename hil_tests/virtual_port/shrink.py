"""Makes a failing script short: takes choices out as long as the same thing still goes wrong.

Delta debugging (Zeller and Hildebrandt, 2002): halves first, then quarters, and so on down to
single choices. What comes after the failure is cut off at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.virtual_port.script import Choice, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def shrink(
    script: Script, still_fails: Callable[[Script], bool], *, tries: int = 400
) -> tuple[Script, int]:
    """The shortest script found with which `still_fails`, and how often it was tried."""
    kept = list(script.choices)
    parts, used = 2, 0
    while len(kept) > 1 and used < tries:
        size = -(-len(kept) // parts)
        for first in range(0, len(kept), size):
            rest = kept[:first] + kept[first + size :]
            used += 1
            if rest and still_fails(_of(script, rest)):
                kept, parts = rest, max(parts - 1, 2)
                break
            if used >= tries:
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return _of(script, kept), used


def _of(script: Script, choices: Sequence[Choice]) -> Script:
    return Script(seed=script.seed, choices=tuple(choices))


def until(script: Script, at_s: float) -> Script:
    """The script without what comes after `at_s`."""
    return _of(script, [choice for choice in script.choices if choice.at_s <= at_s])
