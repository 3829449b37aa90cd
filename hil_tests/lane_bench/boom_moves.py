"""How often a boom rose, by the positions that the lane itself committed. Pure.

Where the board is real nobody else counts. Only a rise from the lower limit is one: a boom that is
reversed on its way down rises again for the same truck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.vocabulary import Barrier

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_KNOWN = (Barrier.UNKNOWN, Barrier.FAULT)  # neither up nor down: what was known before holds


class BoomMoves:
    """Counts as the positions come."""

    def __init__(self) -> None:
        self._last: Barrier | None = None
        self.risen = 0  # to or towards the upper limit, at the lane's order or not
        self.forced = 0  # off the lower limit without any order of the lane

    def take(self, positions: Iterable[Barrier]) -> None:
        """The next positions, in order."""
        for position in positions:
            if position in _NOT_KNOWN:
                continue
            if self._last is Barrier.CLOSED and position is Barrier.FORCED:
                self.forced += 1
            elif self._last is Barrier.CLOSED and position in (Barrier.OPENING, Barrier.OPEN):
                self.risen += 1
            self._last = position
