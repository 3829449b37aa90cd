"""The one fault of a scenario: switched on once and off once, with the moments of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from gate_agent.domain.state import LaneState
    from hil_tests.lane_bench.faults import FaultMaker

UNTOLD_S = 6.0  # a fault that the lane must tell of lasts until it did, at most so long


class FaultTurn:
    """Of one scenario; without a fault nothing ever comes. `_ms` are UTC, `_s` by `now_s`.

    A person who is asked to make or end a fault takes his time: made by hand, it is there at
    `on_ms` and gone at `off_ms` for certain, and was there until `ending_ms` at least.
    """

    def __init__(
        self, maker: FaultMaker, name: str | None, clock: Clock, now_s: Callable[[], float]
    ) -> None:
        self._maker = maker
        self._clock = clock
        self._now_s = now_s
        self.name = name
        self.is_by_hand = name is not None and maker.is_by_hand(name)
        self.on_s: float | None = None
        self.off_s: float | None = None
        self.on_ms: int | None = None
        self.ending_ms: int | None = None
        self.off_ms: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether it has come and not gone."""
        return self.on_s is not None and self.off_s is None

    def turn_on(self) -> bool:
        """Let it come; False where there is none, or it came before."""
        if self.name is None or self.on_s is not None:
            return False
        began_ms = self._clock.now().wall_ms
        self._maker.turn(self.name, on=True)
        self.on_s = self._now_s()
        self.on_ms = self._clock.now().wall_ms if self.is_by_hand else began_ms
        return True

    def turn_off(self) -> bool:
        """Let it go; False where it is not there."""
        if self.name is None or not self.is_on:
            return False
        self.ending_ms = self._clock.now().wall_ms
        self._maker.turn(self.name, on=False)
        self.off_s, self.off_ms = self._now_s(), self._clock.now().wall_ms
        return True

    def is_to_be_told(self, state: LaneState, lasted_s: float) -> bool:
        """Whether the lane has not yet reported the condition that it must, and still may."""
        code = self._maker.code_of(self.name)
        is_told = code is None or code in {fault.value for fault in state.faults}
        return not is_told and lasted_s <= UNTOLD_S
