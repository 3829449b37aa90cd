"""The person beside a real boom: what may be done to it only after he has looked."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from hil_tests.lane_bench.wording import Said, said

if TYPE_CHECKING:
    from collections.abc import Callable

YES = frozenset({"y", "yes", "是"})


class Looked(StrEnum):
    """Who looked at the boom, and what he says."""

    BY_ITS_WORLD = "by_its_world"  # a simulated one
    NOT_OBSERVED = "not_observed"
    OBSERVED = "observed"
    WRONG = "wrong"  # it moved for nobody, or touched something


class BoomWatcher:
    """Who looks at a real boom before it is moved, and after a truck. None: nobody is there.

    A simulated boom needs nobody: its world sees what it does.
    """

    def __init__(self, ask: Callable[[str], str] | None, *, is_real: bool) -> None:
        self._ask = ask
        self._is_real = is_real

    def may_come_down(self) -> bool:
        """Whether the boom may be ordered down: where it is real, by an explicit yes only."""
        return not self._is_real or self._says_yes("prompt.boom_down")

    def work_by_key(self) -> bool:
        """Have the person work a real barrier at its own controller; whether one was there."""
        if self._ask is not None:
            self._ask(line("prompt.boom_key"))
        return self._ask is not None

    def look(self) -> Looked:
        """What was seen of the boom while the last truck was there."""
        if not self._is_real:
            return Looked.BY_ITS_WORLD
        if self._ask is None:
            return Looked.NOT_OBSERVED
        return Looked.WRONG if self._says_yes("prompt.boom_otherwise") else Looked.OBSERVED

    def _says_yes(self, key: str) -> bool:
        return self._ask is not None and self._ask(line(key)).strip().lower() in YES


def line(key: str, **values: Said | str | int) -> str:
    """A prompt in both languages."""
    text = said(key, **values)
    return f"   {text.zh}\n   {text.en} "
