"""Plays scenarios on one lane: sends the truck, makes the fault in its phase, is the people.

Everything is decided by what the lane itself has committed, so a real lane is played as a
simulated one. The truck's driver does what the signs say, and a supervisor at the console what
the scenario says; a boom that is left open over an empty lane is ordered down as a person would, a
real one by a person only who has just looked. What a person is waited for is no time of the lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import msgspec

from devices.sim.faults.table import FAULTS
from gate_agent.domain.effects import Sign
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier
from gate_agent.domain.vocabulary import Phase as LanePhase
from hil_tests.lane_bench.account import Account, LaneStuck
from hil_tests.lane_bench.boom_watcher import Looked
from hil_tests.lane_bench.clips import clip_of
from hil_tests.lane_bench.fault_turn import UNTOLD_S, FaultTurn
from hil_tests.lane_bench.judge import LaneRecord, Seen, problems, recovery_ms, unproved_releases
from hil_tests.lane_bench.lane_view import shown
from hil_tests.lane_bench.moments import LASTS_S, NOT_LET_IN_S, TOLD_S, has_come, is_over
from hil_tests.lane_bench.scenario import Card, Papers, Phase, Scenario
from hil_tests.lane_bench.wording import Said, fault_word, said, word

if TYPE_CHECKING:
    from gate_agent.domain.state import LaneState, Passage
    from hil_tests.lane_bench.faults import FaultMaker
    from hil_tests.lane_bench.lane_site import LaneUnderTest
    from hil_tests.lane_bench.trucks import Truck
    from hil_tests.rig import Papers as TruckPapers

__all__ = ["Account", "LaneStuck", "Player"]

PENDING_S = 2.5  # longer than a sign over HTTP is waited for
BACK_S = 6.0
TICK_S = 0.04
CLEAN_S = 1.5  # longer than a stream's group of pictures
READY_S = 45.0
TRUCK_S = 45.0
PERSON_S = 6.0  # what a release by a person may take before the driver gives up
AGAIN_S = 2.5
LEFT_OPEN_S = 3.0
BROKEN_S = 6.0  # a boom in fault that did not end with what made it
MISSED_S = 2.0
SYNC_S = 10.0
TOLD_OVER_S = 5.0
LEAVING = (LanePhase.IDLE, LanePhase.RELEASING, LanePhase.CLEARING)


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
        run = _Run(self._lane, scenario, papers, account, self._count)
        try:
            run.play()
            self._wait_ready(account)
            self._wait_told(scenario)
        except LaneStuck as exc:
            exc.account = account
            raise
        run.judge()
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
        deadline_s = self._now_s() + BACK_S
        while self._now_s() < deadline_s:
            state = self._lane.view.look()
            if state is not None and code not in state.faults:
                return
            self._clock.sleep(TICK_S)

    def _use_up(self, scenario: Scenario, papers: TruckPapers) -> None:
        first = Scenario(name=f"{scenario.name}, the first time")
        account = Account(scenario=first)
        run = _Run(self._lane, first, papers, account, self._count)
        run.play()
        self._wait_ready(account)

    def _wait_ready(self, account: Account) -> None:
        """Wait for the lane to invite; be the people that a boom needs which is left as it is."""
        lane, now_s = self._lane, self._now_s()
        deadline_s, order_s, key_s = now_s + READY_S, now_s + LEFT_OPEN_S, now_s + BROKEN_S
        stuck = "problem.lane_stuck"
        while not lane.view.invites():
            lane.check()
            state = lane.view.look()
            if self._now_s() > deadline_s:
                raise LaneStuck(said(stuck, lane=lane.name, state=shown(state)))
            if self._now_s() > order_s and state is not None and _is_left_open(state):
                stuck = "problem.lane_stuck" if lane.order_boom_down() else "problem.left_open"
                order_s = self._now_s() + LEFT_OPEN_S
            if self._now_s() > key_s and state is not None and state.barrier is Barrier.FAULT:
                if lane.work_boom_by_key():
                    account.steps.append((account.took_s, said("step.by_key")))
                key_s = self._now_s() + BROKEN_S
            self._clock.sleep(TICK_S)

    def _now_s(self) -> float:
        return self._lane.lane_s


class _Run:
    """One truck."""

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
        self._fault = FaultTurn(lane.faults, scenario.fault, lane.clock, self._now_s)
        self._began_s = self._came_s = lane.lane_s
        self._verdict_s: float | None = None
        self._decided_s: float | None = None
        self._gone_s: float | None = None
        self._ordered_s: float | None = None
        self._again_s = 0.0
        self._is_turned = False
        self._is_opened_again = False
        self._first_seq = 0
        self._raises, self._forced = lane.raise_count, lane.forced_count
        self._violations = len(lane.violations)

    # -- the course of it

    def play(self) -> None:
        """Until the truck is gone and the fault over. Raises `LaneStuck`."""
        scenario, lane = self._scenario, self._lane
        lane.view.look()
        self._first_seq = lane.view.seq
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
        self._account.took_s = round(self._now_s() - self._began_s, 2)

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
                if self._now_s() - self._began_s > patience_s + 2 * TRUCK_S:
                    name = self._lane.name
                    raise LaneStuck(said("problem.truck_stuck", lane=name, state=shown(state)))
            self._clock.sleep(TICK_S)
        self._tell("left", left=word(truck.left_by))

    def _is_over(self, truck: Truck) -> bool:
        if not truck.is_gone:
            return False
        self._gone_s = self._gone_s or self._now_s()
        if self._scenario.fault is None or self._fault.off_s is not None:
            return True
        return self._fault.on_s is None and self._now_s() - self._gone_s > MISSED_S

    def _note(self, state: LaneState, truck: Truck) -> None:
        if self._verdict_s is None and state.passage is not None and state.passage.verdict:
            self._verdict_s = self._now_s()
            self._tell("verdict", outcome=word(state.passage.verdict.outcome.value))
        if truck.has_stopped and self._again_s == 0.0:
            self._again_s = self._now_s() + AGAIN_S
            self._tell("stands")

    # -- the fault

    def _make_fault(self, state: LaneState, truck: Truck) -> None:
        if self._scenario.fault is None or self._fault.off_s is not None:
            return
        if self._fault.on_s is None:
            if has_come(
                self._scenario.phase,
                state,
                has_stopped=truck.has_stopped,
                under_load=self._faults.is_under_load(self._scenario.fault),
            ):
                self._turn_on()
        elif self._is_due(state, self._now_s() - self._fault.on_s):
            self._turn_off()

    def _is_due(self, state: LaneState, lasted_s: float) -> bool:
        """Whether the fault has lasted as long as it, or this phase, asks for, and was told."""
        return self._has_lasted(state, lasted_s) and not self._fault.is_to_be_told(state, lasted_s)

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
        if self._fault.turn_on():
            self._tell("came", fault=fault_word(self._fault.name or ""))

    def _turn_off(self) -> None:
        if self._fault.turn_off():
            self._tell("went", fault=fault_word(self._fault.name or ""))

    # -- the people

    def _be_person(self, state: LaneState) -> None:
        scenario = self._scenario
        if scenario.mode == "closed" and self._now_s() - self._came_s > NOT_LET_IN_S:
            self._open_again(state)
        self._lower_left_open(state)
        if scenario.person is None or self._decided_s is not None or state.passage is None:
            return
        if state.phase is not LanePhase.HELD:
            return
        if scenario.fault is not None and self._fault.on_s is None:
            return
        if self._awaits_alarm(state.passage):
            return
        if self._lane.decide(state.passage.passage_id, scenario.person):
            self._decided_s = self._now_s()
            self._tell("decided", outcome=word(scenario.person))

    def _awaits_alarm(self, passage: Passage) -> bool:
        """Whether the lane has yet to tell what the person must know, and still may."""
        alarm, on_s = self._scenario.expected.alarm, self._fault.on_s
        if alarm is None or on_s is None or alarm in passage.watch.noticed:
            return False
        return self._now_s() - on_s <= UNTOLD_S

    def _lower_left_open(self, state: LaneState) -> None:
        """The fault left the boom open before an empty lane: nobody is let in until it is down."""
        off_s = self._fault.off_s
        if off_s is None or self._verdict_s is not None or state.phase is not LanePhase.IDLE:
            return
        since_s = self._ordered_s or off_s
        if _is_left_open(state) and self._now_s() - since_s > LEFT_OPEN_S:
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
        if not truck.has_stopped or self._fault.is_on:
            return False
        if state.phase is LanePhase.TURNING_BACK:
            return True
        if state.phase is not LanePhase.HELD:
            return False
        if self._scenario.person is None:
            return True
        return self._decided_s is not None and self._now_s() - self._decided_s > PERSON_S

    # -- the end

    def judge(self) -> None:
        """Compare with what the lane recorded."""
        self._wait_told_over()
        self._look_at_boom()
        records = self._records()
        closed = [record.body for record in records if record.kind == "passage_closed"]
        lane = self._lane
        clips = tuple(clip_of(lane.state_dir, body) for body in closed) if lane.is_filmed else None
        seen = Seen(
            records=records,
            clips=clips,
            is_film_simulated=lane.is_film_simulated,
            violations=tuple(self._lane.violations[self._violations :]),
            raises=lane.raise_count - self._raises,
            forced=lane.forced_count - self._forced,
            left_by=self._truck.left_by if self._truck is not None else None,
            on_ms=self._fault.on_ms,
            ending_ms=self._fault.ending_ms,
            off_ms=self._fault.off_ms,
            is_by_hand=self._fault.is_by_hand,
        )
        account = self._account
        account.problems += problems(self._scenario, seen)
        account.recovery_ms = recovery_ms(self._scenario, seen)
        self._tell_unmeasured(account)
        account.unproved_releases = unproved_releases(self._scenario, seen)
        decided = [record.body for record in records if record.kind == "passage_decided"]
        if decided:
            account.verdict = str(decided[-1]["outcome"])
            account.reasons = tuple(decided[-1]["reasons"])

    def _look_at_boom(self) -> None:
        """Nobody looks at a real boom unless a person does; say which."""
        match looked := self._lane.watcher.look():
            case Looked.BY_ITS_WORLD:
                return
            case Looked.WRONG:
                self._account.problems.append(said("problem.boom_seen"))
            case Looked.OBSERVED | Looked.NOT_OBSERVED:
                self._tell(f"boom_{looked.value}")
            case _:
                assert_never(looked)

    def _tell_unmeasured(self, account: Account) -> None:
        is_known = self._faults.code_of(self._scenario.fault) is not None
        if is_known and self._fault.is_by_hand and account.recovery_ms is None:
            self._tell("recovery_not_measured")

    def _wait_told_over(self) -> None:
        """Some conditions do not keep a lane from inviting: give it the time to tell their end."""
        code = self._faults.code_of(self._scenario.fault)
        deadline_s = self._now_s() + TOLD_OVER_S
        while code is not None and self._now_s() < deadline_s:
            state = self._lane.view.look()
            if state is not None and code not in {fault.value for fault in state.faults}:
                return
            self._clock.sleep(TICK_S)

    def _records(self) -> tuple[LaneRecord, ...]:
        """The lane's records since the beginning, once the hub has all of them."""
        self._lane.view.look()
        wanted, deadline_s = self._lane.view.seq, self._now_s() + SYNC_S
        rows: list[tuple[Any, ...]] = self._lane.records_after(self._first_seq)
        while (not rows or rows[-1][0] < wanted) and self._now_s() < deadline_s:
            self._clock.sleep(0.1)
            rows = self._lane.records_after(self._first_seq)
        if wanted > self._first_seq and (not rows or rows[-1][0] < wanted):
            self._account.problems.append(said("problem.hub_lacks", seq=wanted))
        return tuple(
            LaneRecord(at_ms=at_ms, body=msgspec.json.decode(body)) for _, at_ms, body in rows
        )

    def _tell(self, step: str, **values: Said) -> None:
        told = said(f"step.{step}", **values)
        self._account.steps.append((round(self._now_s() - self._began_s, 2), told))

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


def _is_left_open(state: LaneState) -> bool:
    """Whether the lane waits for a person's order to lower the boom; the truck has gone."""
    return state.barrier is not Barrier.CLOSED and state.phase in LEAVING
