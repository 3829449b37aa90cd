"""Plays scenarios on one lane, one after the other, from an inviting lane to an inviting lane.

Everything is decided by what the lane itself has committed, so a real lane is played as a
simulated one. A boom that is left open over an empty lane is ordered down as a person would, a
real one by a person only who has just looked. What a person is waited for is no time of the lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.faults.table import FAULTS
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier
from hil_tests.lane_bench.account import Account, LaneStuck
from hil_tests.lane_bench.course import LEFT_OPEN_S, TICK_S, Course
from hil_tests.lane_bench.lane_view import is_left_open, shown
from hil_tests.lane_bench.reckoning import Reckoning, wait_untold
from hil_tests.lane_bench.scenario import Papers, Scenario
from hil_tests.lane_bench.wording import said

if TYPE_CHECKING:
    from hil_tests.lane_bench.lane_site import LaneUnderTest
    from hil_tests.rig import Papers as TruckPapers

__all__ = ["Account", "LaneStuck", "Player"]

PENDING_S = 2.5  # longer than a sign over HTTP is waited for
BACK_S = 6.0
CLEAN_S = 1.5  # longer than a stream's group of pictures
READY_S = 45.0
BROKEN_S = 6.0  # a boom in fault that did not end with what made it


class Player:
    """Plays one scenario at a time on one lane. Used by one thread."""

    def __init__(self, lane: LaneUnderTest) -> None:
        self._lane = lane
        self._clock = lane.clock
        self._count = 0

    def play(self, scenario: Scenario, papers: TruckPapers) -> Account:
        """Play it to its end, and judge. Raises `LaneStuck`."""
        account = Account(scenario=scenario, lane=self._lane.name)
        self._count += 1
        self._wait_ready(account)
        if scenario.papers is Papers.USED:
            self._use_up(scenario, papers)
        reckoning = Reckoning(self._lane, scenario, account)
        course = Course(self._lane, scenario, papers, account, self._count)
        try:
            course.play()
            self._wait_ready(account)
            self._wait_told(scenario)
        except LaneStuck as exc:
            exc.account = account
            raise
        reckoning.judge(course)
        return account

    def _wait_told(self, scenario: Scenario) -> None:
        """Let the lane tell what it tells after a fault's end: else the next scenario has it.

        A request to a sign that hung comes to its end, a stream is missed once it has been silent
        for a while; both are told then, and told as over.
        """
        code, pause_s = _told_late(scenario)
        if code is None:
            return
        self._clock.sleep(pause_s)
        wait_untold(self._lane, code, BACK_S)

    def _use_up(self, scenario: Scenario, papers: TruckPapers) -> None:
        first = Scenario(name=f"{scenario.name}, the first time")
        account = Account(scenario=first)
        Course(self._lane, first, papers, account, self._count).play()
        self._wait_ready(account)

    def _wait_ready(self, account: Account) -> None:
        """Wait for the lane to invite; be the people that a boom needs which is left as it is.

        The last driver has taken his card away by then: the next truck is not to meet it.
        """
        lane, now_s = self._lane, self._now_s()
        deadline_s, order_s, key_s = now_s + READY_S, now_s + LEFT_OPEN_S, now_s + BROKEN_S
        stuck = "problem.lane_stuck"
        while not lane.view.invites() or lane.bench.card_reader.is_presenting:
            lane.check()
            state = lane.view.look()
            if self._now_s() > deadline_s:
                raise LaneStuck(said(stuck, lane=lane.name, state=shown(state)))
            if self._now_s() > order_s and state is not None and is_left_open(state):
                stuck = "problem.lane_stuck" if lane.order_boom_down() else "problem.left_open"
                order_s = self._now_s() + LEFT_OPEN_S
            if self._now_s() > key_s and state is not None and state.barrier is Barrier.FAULT:
                if lane.work_boom_by_key():
                    account.tell(account.took_s, "by_key")
                key_s = self._now_s() + BROKEN_S
            self._clock.sleep(TICK_S)

    def _now_s(self) -> float:
        return self._lane.lane_s


def _told_late(scenario: Scenario) -> tuple[FaultCode | None, float]:
    """What may be told only after the scenario's fault, and how long to wait for that."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is not None and fault.device == "camera":
        return FaultCode.CAMERA_LINK, CLEAN_S
    if fault is not None and fault.code == FaultCode.SIGN_LINK:
        return FaultCode.SIGN_LINK, PENDING_S
    return None, 0.0
