"""A barrier on a paper board, polled by hand, for tests of its driver."""

from devices.barrier.driver import Barrier
from devices.barrier.state import LIMIT_BOUNCE_S
from devices.clock import ManualClock
from devices.config import BarrierConfig
from devices.readings import BarrierPosition, LaneInputs, RelayStates
from tests.lane_inputs import lane_inputs
from tests.paper_board import PaperBoard

RAISE, LOWER, STOP = 0, 1, 2


class PolledBarrier:
    """Inputs are clear and limits open unless named."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.board = PaperBoard(self.clock)
        self.barrier = Barrier(self.board, self.clock, BarrierConfig())

    def now_s(self) -> float:
        return self.clock.now().mono_s

    def inputs(self, **on: bool) -> LaneInputs:
        return lane_inputs(received_s=self.now_s(), **on)

    def poll(self, **on: bool) -> BarrierPosition:
        return self.barrier.observe(self.inputs(**on))

    def rests(self, **on: bool) -> None:
        """At a limit for as long as it must hold, and the board says what its relays are."""
        self.poll(**on)
        self.clock.advance(LIMIT_BOUNCE_S)
        self.poll(**on)
        self.barrier.open_wrong_contacts(self.relays())

    def relays(self, *closed: int) -> RelayStates:
        return RelayStates(
            lamps=frozenset(),
            raise_closed=RAISE in closed,
            lower_closed=LOWER in closed,
            stop_closed=STOP in closed,
            read_s=self.now_s(),
        )

    def polls(self, for_s: float, **on: bool) -> None:
        """Every 20 ms."""
        for _ in range(round(for_s / 0.02)):
            self.clock.advance(0.02)
            self.poll(**on)

    def closing(self) -> None:
        self.rests(barrier_up=True)
        self.barrier.lower_boom("down", self.inputs(barrier_up=True))
        self.clock.advance(0.5)
        assert self.poll() is BarrierPosition.CLOSING
