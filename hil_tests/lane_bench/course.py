"""One truck's course at a lane: it is sent, its fault comes and goes, people do what they must.

The truck's driver does what the signs say, and a supervisor at the console what the scenario says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.effects import Sign
from gate_agent.domain.faults import IN_HAND
from gate_agent.domain.records import Refusal
from gate_agent.domain.vocabulary import Phase as LanePhase
from hil_tests.lane_bench.account import LaneStuck
from hil_tests.lane_bench.fault_turn import UNTOLD_S, FaultTurn
from hil_tests.lane_bench.lane_view import is_left_open, shown
from hil_tests.lane_bench.moments import LASTS_S, NOT_LET_IN_S, TOLD_S, has_come, is_over
from hil_tests.lane_bench.scenario import Card, Phase
from hil_tests.lane_bench.wording import Said, fault_word, said, word

if TYPE_CHECKING:
    from gate_agent.domain.state import LaneState, Passage
    from hil_tests.lane_bench.account import Account
    from hil_tests.lane_bench.faults import FaultMaker
    from hil_tests.lane_bench.lane_site import LaneUnderTest
    from hil_tests.lane_bench.scenario import Scenario
    from hil_tests.lane_bench.trucks import Truck
    from hil_tests.rig import Papers as TruckPapers

TICK_S = 0.04
TRUCK_S = 45.0
PERSON_S = 6.0  # what a release by a person may take before the driver gives up
AGAIN_S = 2.5
LEFT_OPEN_S = 3.0
MISSED_S = 2.0


class Course:
    """From before the truck is sent until it is gone. `began_s` is of the lane's time."""

    def __init__(
        self,
        lane: LaneUnderTest,
        scenario: Scenario,
        papers: TruckPapers,
        account: Account,
        number: int,
    ) -> None:
        self._lane = lane
        self._clock = lane.clock
        self._scenario = scenario
        self._papers = papers
        self._account = account
        self._number = number
        self._truck: Truck | None = None
        self._faults: FaultMaker = lane.faults
        self.fault = FaultTurn(lane.faults, scenario.fault, lane.clock, self._now_s)
        self.began_s = self._came_s = lane.lane_s
        self._verdict_s: float | None = None
        self._decided_s: float | None = None
        self._gone_s: float | None = None
        self._ordered_s: float | None = None
        self._again_s = 0.0
        self._is_turned = False
        self._is_opened_again = False
        self._is_refused = False  # the last decision: somebody had the boom in hand

    @property
    def left_by(self) -> str | None:
        """How the truck left, None where it has not or was never sent."""
        return None if self._truck is None else self._truck.left_by

    # -- the course of it

    def play(self) -> None:
        """Until the truck is gone and the fault over. Raises `LaneStuck`."""
        scenario, lane = self._scenario, self._lane
        self._account.began_ms = self._clock.now().wall_ms
        if scenario.mode is not None:
            lane.order_mode(scenario.mode)
        if scenario.phase is Phase.BEFORE:
            self._turn_on()
            self._clock.sleep(TOLD_S)
        if scenario.card is Card.EARLY:
            lane.mover.hold_card(self._papers.card_uid)
            self._clock.sleep(TOLD_S / 2)
        self._truck = lane.mover.send(scenario, self._papers, self._number)
        self._came_s = self._now_s()
        self._tell("sent")
        try:
            self._follow(self._truck)
        finally:
            self._turn_off()
            if scenario.mode is not None:
                lane.order_mode("auto")
        self._account.took_s = round(self._now_s() - self.began_s, 2)

    def _follow(self, truck: Truck) -> None:
        patience_s = TRUCK_S * (20 if self._lane.needs_person else 1)
        deadline_s = self._now_s() + patience_s
        while not self._is_over(truck):
            self._lane.check()
            state = self._lane.view.look()
            if state is not None:
                self._note(state, truck)
                self._make_fault(state, truck)
                self._be_person(state)
                self._be_driver(state, truck)
            if self._now_s() > deadline_s:
                stays = said("problem.did_not_leave", state=shown(state))
                self._account.problems.append(stays)
                truck.turn_back()
                self._turn_off()
                deadline_s += TRUCK_S
                if self._now_s() - self.began_s > patience_s + 2 * TRUCK_S:
                    name = self._lane.name
                    raise LaneStuck(said("problem.truck_stuck", lane=name, state=shown(state)))
            self._clock.sleep(TICK_S)
        self._tell("left", left=word(truck.left_by))

    def _is_over(self, truck: Truck) -> bool:
        if not truck.is_gone:
            return False
        self._gone_s = self._gone_s or self._now_s()
        if self._scenario.fault is None or self.fault.off_s is not None:
            return True
        return self.fault.on_s is None and self._now_s() - self._gone_s > MISSED_S

    def _note(self, state: LaneState, truck: Truck) -> None:
        if self._verdict_s is None and state.passage is not None and state.passage.verdict:
            self._verdict_s = self._now_s()
            self._tell("verdict", outcome=word(state.passage.verdict.outcome.value))
        if truck.has_stopped and self._again_s == 0.0:
            self._again_s = self._now_s() + AGAIN_S
            self._tell("stands")

    # -- the fault

    def _make_fault(self, state: LaneState, truck: Truck) -> None:
        if self._scenario.fault is None or self.fault.off_s is not None:
            return
        if self.fault.on_s is None:
            if has_come(
                self._scenario.phase,
                state,
                has_stopped=truck.has_stopped,
                under_load=self._faults.is_under_load(self._scenario.fault),
            ):
                self._turn_on()
        elif self._is_due(state, self._now_s() - self.fault.on_s):
            self._turn_off()

    def _is_due(self, state: LaneState, lasted_s: float) -> bool:
        """Whether the fault has lasted as long as it, or this phase, asks for, and was told."""
        return self._has_lasted(state, lasted_s) and not self.fault.is_to_be_told(state, lasted_s)

    def _has_lasted(self, state: LaneState, lasted_s: float) -> bool:
        fault, phase = self._scenario.fault, self._scenario.phase
        if lasted_s < self._faults.lasts_s(fault):
            return False
        if self._faults.is_harmless(fault) and phase is not Phase.HELD:
            is_filmed_yet = self._scenario.expected.clip == "none" and state.passage is not None
            is_gone = self._gone_s is not None and not is_filmed_yet  # no picture, to the very end
            return lasted_s > LASTS_S and (is_gone or lasted_s > TRUCK_S / 2)
        return is_over(
            phase,
            lasted_s,
            has_passage=state.passage is not None,
            since_verdict_s=self._since(self._verdict_s),
            since_decided_s=self._since(self._decided_s),
            gather_timeout_s=self._lane.gather_timeout_s,
        )

    def _since(self, at_s: float | None) -> float | None:
        return None if at_s is None else self._now_s() - at_s

    def _turn_on(self) -> None:
        if self.fault.turn_on():
            self._tell("came", fault=fault_word(self.fault.name or ""))

    def _turn_off(self) -> None:
        if self.fault.turn_off():
            self._tell("went", fault=fault_word(self.fault.name or ""))

    # -- the people

    def _be_person(self, state: LaneState) -> None:
        scenario = self._scenario
        if scenario.mode == "closed" and self._now_s() - self._came_s > NOT_LET_IN_S:
            self._open_again(state)
        self._lower_left_open(state)
        if scenario.person is None or state.passage is None or state.phase is not LanePhase.HELD:
            return
        if scenario.fault is not None and self.fault.on_s is None:
            return
        in_hand = bool(IN_HAND & state.faults)
        if self._decided_s is not None and (in_hand or not self._is_refused):
            return
        if self._awaits_alarm(state.passage) or self._awaits_hand(in_hand=in_hand):
            return
        if self._lane.decide(state.passage.passage_id, scenario.person):
            self._decided_s, self._is_refused = self._now_s(), in_hand
            self._tell("decided", outcome=word(scenario.person))

    def _awaits_hand(self, *, in_hand: bool) -> bool:
        """Whether the lane has yet to see that somebody has the boom in hand, and still may."""
        is_wanted = self._scenario.expected.refused == Refusal.IN_HAND and self._decided_s is None
        return is_wanted and not in_hand and not self._is_late()

    def _awaits_alarm(self, passage: Passage) -> bool:
        """Whether the lane has yet to tell what the person must know, and still may."""
        alarm = self._scenario.expected.alarm
        return alarm is not None and alarm not in passage.watch.noticed and not self._is_late()

    def _is_late(self) -> bool:
        on_s = self.fault.on_s
        return on_s is None or self._now_s() - on_s > UNTOLD_S

    def _lower_left_open(self, state: LaneState) -> None:
        """The fault left the boom open before an empty lane: nobody is let in until it is down."""
        off_s = self.fault.off_s
        if off_s is None or self._verdict_s is not None or state.phase is not LanePhase.IDLE:
            return
        since_s = self._ordered_s or off_s
        if is_left_open(state) and self._now_s() - since_s > LEFT_OPEN_S:
            self._tell("ordered_down" if self._lane.order_boom_down() else "left_open")
            self._ordered_s = self._now_s()

    def _open_again(self, state: LaneState) -> None:
        if not self._is_opened_again:
            self._is_opened_again = True
            self._tell("opened_again" if state.passage is None else "let_in")
            if state.passage is not None:
                self._account.problems.append(said("problem.closed_let_in"))
            self._lane.order_mode("auto")
            if self._truck is not None:
                self._truck.come_in()

    def _be_driver(self, state: LaneState, truck: Truck) -> None:
        now_s = self._now_s()
        if not self._is_turned and self._must_turn(state, truck):
            self._is_turned = True
            self._tell("backs_out")
            truck.turn_back()
        shows_card = self._scenario.card in (Card.OWN, Card.LATE, Card.OTHER)
        if state.sign is Sign.PRESENT_CARD and shows_card and truck.has_stopped:
            if now_s > self._again_s > 0.0:
                self._again_s = now_s + AGAIN_S
                truck.present_card(self._papers.card_uid)
        elif truck.has_stopped:
            self._again_s = now_s + AGAIN_S

    def _must_turn(self, state: LaneState, truck: Truck) -> bool:
        if self._scenario.backs_out and truck.has_stopped:
            return True
        if not truck.has_stopped or self.fault.is_on:
            return False
        if state.phase is LanePhase.TURNING_BACK:
            return True
        if state.phase is not LanePhase.HELD:
            return False
        if self._scenario.person is None:
            return True
        return self._decided_s is not None and self._now_s() - self._decided_s > PERSON_S

    def _tell(self, step: str, **values: Said) -> None:
        self._account.tell(self._now_s() - self.began_s, step, **values)

    def _now_s(self) -> float:
        return self._lane.lane_s
