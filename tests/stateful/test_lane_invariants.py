"""The eight invariants of the lane, against the history of events and effects, in any order.

Two machines drive the same `LaneStory`. `AnythingHappens` throws every event in any order at the
lane, sense or nonsense. `TruckYard` lets trucks do what trucks do, with faults, restarts, late
supervisors and tailgaters in between, so that releases, holds and refusals really happen; the
test fails if they did not. `tests/lane_history.py` judges every step; see there for what each
invariant means.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gate_agent.domain.effects import Effect, LowerBarrier, RaiseBarrier
from gate_agent.domain.events import (
    BarrierCommandFailed,
    CardPresented,
    DeadlineExpired,
    DeclarationsFound,
    LoweringOrdered,
    ModeSet,
    Overridden,
    PlateRead,
    RaiseSent,
    WeightObserved,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import Declaration, Documents, ManifestStatus
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    Mode,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from gate_agent.store.encoding import decode_event, decode_state, encode_event, encode_state
from gate_agent.store.fold import fold
from tests.builders import GROSS_KG, LaneStory, a_declaration, after

SEEN: dict[str, Counter[str]] = {}
TRISTATE = st.sampled_from([False, False, True, None])
PLATES = st.sampled_from(["粤B12345", "粤B12345", "粤B99999", ""])
CARDS = st.sampled_from(["04A1B2C3", "04A1B2C3", "FFFFFFFF"])
MANIFESTS = [
    (a_declaration(),),
    (a_declaration(),),
    (a_declaration(gross_kg=20_000),),
    (a_declaration(holds=("customs",)),),
    (a_declaration(used_by="lane9-e-000001"),),
    (a_declaration(documents=Documents.REJECTED),),
    (a_declaration(), a_declaration(declaration_id="D2", card_uid="0102")),
    (a_declaration(), a_declaration(declaration_id="D2", holds=("police",))),
    (),
]
FAULTS = st.sampled_from(list(FaultCode))
DECISIONS = st.sampled_from(list(Outcome))
MODES = st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.ATTENDED, Mode.CLOSED])


class _Machine(RuleBasedStateMachine):
    """A lane with its history; whatever was done, it can be brought back to inviting."""

    def __init__(self) -> None:
        super().__init__()
        self.story = LaneStory()

    def teardown(self) -> None:
        folds_to_the_same(self.story)
        settles_down(self.story)
        SEEN.setdefault(type(self).__name__, Counter()).update(self.story.history.seen)


def folds_to_the_same(story: LaneStory) -> None:
    """I7: the journal, through its bytes and back, leads to the snapshot, through its bytes."""
    read = [
        replace(stamped, event=decode_event(*encode_event(stamped.event)))
        for stamped in story.journal
    ]
    again = fold(story.first, read)
    assert again == story.lane, "I7: folding the journal gives another state"
    assert decode_state(encode_state(story.lane)) == story.lane, "I7: the snapshot is not read back"


def settles_down(story: LaneStory) -> None:
    """Liveness: the vehicle leaves, everything is repaired: the lane invites the next one."""
    for fault in FaultCode:
        story.repaired(fault)
    story.sets_mode(Mode.AUTO)
    story.inputs = replace(
        story.inputs, entry_loop=False, front_beam=False, rear_beam=False, exit_loop=False
    )
    story.sees().weighs(WeightState.EMPTY, 0).passes(60.0)
    if story.lane.barrier is not Barrier.CLOSED:
        story.boom(Barrier.OPEN).passes(60.0)
        if not isinstance(story.effects[-1], LowerBarrier) and story.phase is not Phase.CLEARING:
            story.orders_boom_down()
        story.boom_comes_down().passes(60.0)
    if FaultCode.BARRIER_STUCK in story.lane.faults:  # a technician tries the boom
        story.boom(Barrier.OPEN).boom(Barrier.CLOSED).passes(60.0)
    assert story.phase is Phase.IDLE, f"stuck in {story.phase}"
    assert is_inviting(story.lane), "does not invite"


class AnythingHappens(_Machine):
    """Any event at any time."""

    def _passage_ids(self, which: int) -> PassageId:
        """0 and 1: the vehicle in the lane, if there is one; else an earlier or foreign one."""
        passage = self.story.lane.passage
        if passage is not None and which in (0, 1):
            return passage.passage_id
        known = [PassageId("lane2-x-000009"), *sorted(self.story.history.opened)]
        return known[which % len(known)]

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 5.0, 50.0, 20_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.passes(seconds)

    @rule(really=st.integers(0, 2))
    def agent_starts(self, really: int) -> None:
        if not really:
            self.story.starts()

    @rule(entry=TRISTATE, front=TRISTATE, rear=TRISTATE, exits=TRISTATE)
    def inputs_change(
        self, *, entry: bool | None, front: bool | None, rear: bool | None, exits: bool | None
    ) -> None:
        self.story.sees(entry_loop=entry, front_beam=front, rear_beam=rear, exit_loop=exits)

    @rule()
    def lane_is_empty(self) -> None:
        self.story.sees(entry_loop=False, front_beam=False, rear_beam=False, exit_loop=False)
        self.story.weighs(WeightState.EMPTY, 0)

    @rule()
    def truck_stands_on_the_platform(self) -> None:
        self.story.sees(entry_loop=False, front_beam=False, rear_beam=False)
        self.story.weighs(WeightState.MOVING, 9_000).weighs(WeightState.SETTLED, GROSS_KG)

    @rule(position=st.sampled_from(list(Barrier)))
    def boom_moves(self, position: Barrier) -> None:
        self.story.boom(position)

    @rule(
        state=st.sampled_from(list(WeightState)),
        kg=st.sampled_from([None, 0, 20, GROSS_KG, GROSS_KG, 40_000, -40]),
    )
    def scale_says(self, state: WeightState, kg: int | None) -> None:
        self.story.happens(WeightObserved(state=state, gross_kg=kg, division_kg=20))

    @rule(which=st.integers(0, 3), attempt=st.integers(0, 5), text=PLATES, sure=st.booleans())
    def plate_comes(self, which: int, attempt: int, text: str, *, sure: bool) -> None:
        passage = self.story.lane.passage
        self.story.happens(
            PlateRead(
                passage_id=self._passage_ids(which),
                attempt=attempt or (passage.plate_attempt if passage else 1),
                text=text,
                plate_class="mainland",
                confidence_permille=950 if sure else 400,
                frames_agreed=4,
                frames_seen=5,
                picture_id=None,
            )
        )

    @precondition(lambda self: self.story.phase is Phase.GATHERING)
    @rule(found=st.sampled_from(MANIFESTS), answered=st.booleans())
    def evidence_is_complete(self, found: tuple[Declaration, ...], *, answered: bool) -> None:
        self.story.declarations = found
        self.truck_stands_on_the_platform()
        self.story.plate_is_read().card()
        if answered and self.story.passage.lookup is not None:
            self.story.manifest_answers()

    @precondition(lambda self: self.story.phase in (Phase.IDLE, Phase.RELEASING))
    @rule()
    def boom_is_where_it_should_be(self) -> None:
        self.story.boom(Barrier.CLOSED if self.story.phase is Phase.IDLE else Barrier.OPEN)

    @rule(uid=CARDS)
    def card_comes(self, uid: str) -> None:
        self.story.happens(CardPresented(uid=uid))

    @rule(uid=CARDS)
    def card_comes_late_through_the_queue(self, uid: str) -> None:
        now = self.story.at
        self.story.at = after(now, -30.0)
        self.story.happens(CardPresented(uid=uid))
        self.story.at = now

    @rule(
        back=st.sampled_from([0, 0, 0, 1]),
        found=st.sampled_from(MANIFESTS),
        age_s=st.sampled_from([0.5, 0.5, 0.5, 20_000.0, None]),
        version=st.sampled_from([7, 7, 7, 0]),
    )
    def manifest_answers(
        self, back: int, found: tuple[Declaration, ...], age_s: float | None, version: int
    ) -> None:
        questions = self.story.questions()
        token = questions[-1 - back % len(questions)].token if questions else 1
        confirmed_at = None if age_s is None else after(self.story.at, -age_s)
        status = ManifestStatus(version=version, confirmed_at=confirmed_at)
        self.story.happens(DeclarationsFound(token=token, declarations=found, manifest=status))

    @rule(token=st.integers(0, 40))
    def deadline_expires(self, token: int) -> None:
        self.story.happens(DeadlineExpired(token=token))

    @rule(
        which=st.integers(0, 3),
        command=st.integers(0, 30),
        decision=DECISIONS,
        valid_s=st.sampled_from([60.0, 60.0, -1.0]),
    )
    def supervisor_decides(
        self, which: int, command: int, decision: Outcome, valid_s: float
    ) -> None:
        self.story.happens(
            Overridden(
                command_id=CommandId(f"o{command}"),
                passage_id=self._passage_ids(which),
                decision=decision,
                by="li.wei",
                reason="checked",
                expires_at_ms=after(self.story.at, valid_s).wall_ms,
            )
        )

    @precondition(lambda self: self.story.phase in (Phase.HELD, Phase.TURNING_BACK))
    @rule(decision=DECISIONS)
    def supervisor_decides_about_the_vehicle_that_waits(self, decision: Outcome) -> None:
        self.story.supervisor(decision)

    @rule(command=st.integers(0, 30), valid_s=st.sampled_from([60.0, -1.0]))
    def supervisor_lowers(self, command: int, valid_s: float) -> None:
        expires_at_ms = after(self.story.at, valid_s).wall_ms
        self.story.happens(
            LoweringOrdered(
                command_id=CommandId(f"l{command}"), by="w", reason="", expires_at_ms=expires_at_ms
            )
        )

    @rule(command=st.integers(0, 30), mode=MODES, valid_s=st.sampled_from([60.0, -1.0]))
    def supervisor_sets_mode(self, command: int, mode: Mode, valid_s: float) -> None:
        expires_at_ms = after(self.story.at, valid_s).wall_ms
        self.story.happens(
            ModeSet(
                command_id=CommandId(f"m{command}"),
                mode=mode,
                by="w",
                reason="",
                expires_at_ms=expires_at_ms,
            )
        )

    @rule(code=FAULTS, really=st.integers(0, 2))
    def fault_begins(self, code: FaultCode, really: int) -> None:
        if not really:
            self.story.fault(code)

    @rule(code=FAULTS)
    def fault_ends(self, code: FaultCode) -> None:
        self.story.repaired(code)

    @rule(back=st.integers(0, 3), fails=st.booleans())
    def board_reports_on_a_command(self, back: int, *, fails: bool) -> None:
        sent = [e for e in self.story.effects if isinstance(e, RaiseBarrier | LowerBarrier)]
        command_id = sent[-1 - back % len(sent)].command_id if sent else CommandId("x")
        self.story.happens(
            BarrierCommandFailed(command_id=command_id, why="no link")
            if fails
            else RaiseSent(command_id=command_id)
        )


class TruckYard(_Machine):
    """Trucks that behave, mostly; equipment that works, mostly."""

    def __init__(self) -> None:
        super().__init__()
        self.story.ready()

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(is_fast=st.booleans())
    def faultless_truck_comes(self, *, is_fast: bool) -> None:
        self.story.declarations = (a_declaration(),)
        self.story.waits_for_verdict()
        if is_fast and self.story.lane.passage and self.story.lane.passage.lookup:
            self.story.manifest_answers()
            if self.story.phase is Phase.RELEASING:
                self.story.boom_goes_up().drives_out().passes(0.6)

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(
        found=st.sampled_from(
            [(), (a_declaration(used_by="lane9-e-000001"),), (a_declaration(holds=("customs",)),)]
        )
    )
    def truck_without_a_good_paper_comes(self, found: tuple[Declaration, ...]) -> None:
        self.story.declarations = found
        self.story.waits_for_verdict()
        if self.story.lane.passage and self.story.lane.passage.lookup:
            self.story.manifest_answers()

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(
        found=st.sampled_from(MANIFESTS),
        plate=PLATES,
        card=CARDS,
        kg=st.sampled_from([GROSS_KG, GROSS_KG, GROSS_KG + 1_500, 60_000]),
        weigh_first=st.booleans(),
        sure=st.booleans() | st.just(True),
    )
    def truck_comes(
        self,
        found: tuple[Declaration, ...],
        plate: str,
        card: str,
        kg: int,
        *,
        weigh_first: bool,
        sure: bool,
    ) -> None:
        self.story.declarations = found
        self.story.truck_arrives()
        if weigh_first:
            self.story.drives_on(kg)
        while self.story.phase is Phase.GATHERING and not self.story.passage.plate_done:
            self.story.plate_is_read(plate, 950 if sure else 500)
        self.story.card(card)
        if not weigh_first:
            self.story.drives_on(kg)

    @precondition(lambda self: self.story.lane.passage and self.story.lane.passage.lookup)
    @rule()
    def manifest_answers(self) -> None:
        self.story.manifest_answers(*self.story.declarations)

    @precondition(lambda self: self.story.lane.passage and self.story.lane.passage.lookup)
    @rule(
        what=st.sampled_from([*FaultCode, *Barrier, Mode.ATTENDED, Mode.CLOSED, "axle", "late"]),
    )
    def something_comes_between_the_question_and_the_answer(
        self, what: FaultCode | Barrier | Mode | str
    ) -> None:
        match what:
            case FaultCode():
                self.story.fault(what)
            case Barrier():
                self.story.boom(what)
            case Mode():
                self.story.sets_mode(what)
            case "axle":
                self.story.sees(rear_beam=True).sees(rear_beam=False)
            case _:
                self.story.passes(1.9)
        self.story.manifest_answers(*self.story.declarations)

    @precondition(lambda self: self.story.lane.passage and self.story.lane.passage.lookup)
    @rule()
    def somebody_else_stands_beyond_the_boom_and_drives_off(self) -> None:
        self.story.sees(exit_loop=True).manifest_answers(*self.story.declarations)
        if self.story.phase is Phase.RELEASING:
            self.story.boom_goes_up().sees(front_beam=True).sees(front_beam=False)
        self.story.sees(exit_loop=False).passes(1.0)

    @precondition(lambda self: self.story.lane.passage and self.story.lane.passage.lookup)
    @rule(uid=CARDS)
    def the_answer_to_an_older_question_comes(self, uid: str) -> None:
        old = self.story.questions()[-1].token
        manifest = ManifestStatus(version=7, confirmed_at=self.story.at)
        self.story.card(uid)
        self.story.happens(
            DeclarationsFound(token=old, declarations=self.story.declarations, manifest=manifest)
        )

    @precondition(lambda self: self.story.phase is Phase.GATHERING)
    @rule(rear=TRISTATE, front=TRISTATE)
    def axles_hang_over_the_beams(self, *, rear: bool | None, front: bool | None) -> None:
        self.story.weighs(WeightState.MOVING, 9_000).sees(rear_beam=rear, front_beam=front)
        self.story.weighs(WeightState.SETTLED, GROSS_KG)
        self.story.sees(rear_beam=False, front_beam=False)

    @precondition(lambda self: self.story.phase is Phase.RELEASING and self.story.raises() > 0)
    @rule()
    def exit_flickers_the_raise_fails_and_the_boom_is_opened_by_hand(self) -> None:
        self.story.boom(Barrier.OPENING).sees(exit_loop=True).sees(exit_loop=False)
        self.story.raise_fails()
        if self.story.phase is Phase.HELD:
            self.story.boom(Barrier.OPEN)
            self.story.supervisor(Outcome.RELEASE)
            self.story.sees().passes(1.0)

    @precondition(lambda self: self.story.phase is Phase.RELEASING)
    @rule()
    def emergency_stop_is_pressed_while_the_truck_drives_out(self) -> None:
        self.story.boom_goes_up().fault(FaultCode.EMERGENCY_STOP).drives_out().passes(2.0)
        self.story.repaired(FaultCode.EMERGENCY_STOP)

    @precondition(lambda self: self.story.phase is Phase.RELEASING)
    @rule(mid=st.booleans())
    def boom_goes_up(self, *, mid: bool) -> None:
        self.story.boom(Barrier.OPENING).passes(1.0)
        if not mid:
            self.story.boom(Barrier.OPEN)

    # under a boom that was open already no raise was asked for
    @precondition(lambda self: self.story.phase is Phase.RELEASING and self.story.raises() > 0)
    @rule()
    def raise_fails(self) -> None:
        self.story.raise_fails()

    @precondition(lambda self: self.story.lane.barrier is Barrier.OPEN)
    @rule(tailgater=st.booleans())
    def truck_drives_out(self, *, tailgater: bool) -> None:
        self.story.sees(front_beam=True).weighs(WeightState.MOVING, 9_000).passes(0.5)
        self.story.sees(exit_loop=True).weighs(WeightState.EMPTY, 0).passes(0.5)
        if tailgater:
            self.story.sees(entry_loop=True, rear_beam=True).weighs(WeightState.MOVING, 5_000)
        self.story.sees(front_beam=False).passes(0.2).sees(exit_loop=False).passes(0.7)

    @precondition(lambda self: self.story.phase is Phase.CLEARING)
    @rule(how=st.sampled_from(["down", "down", "reverses", "refused", "stuck"]))
    def boom_comes_down(self, how: str) -> None:
        if how == "refused":
            self.story.lowering_fails()
        elif how == "stuck":
            self.story.boom(Barrier.CLOSING).boom(Barrier.STOPPED_MID).passes(30.0)
        else:
            self.story.boom(Barrier.CLOSING).passes(0.7)
            self.story.boom(Barrier.OPENING if how == "reverses" else Barrier.CLOSED)

    @precondition(lambda self: self.story.phase in (Phase.HELD, Phase.TURNING_BACK))
    @rule(decision=st.sampled_from([Outcome.RELEASE, Outcome.RELEASE, Outcome.REFUSE]))
    def supervisor_decides(self, decision: Outcome) -> None:
        self.story.supervisor(decision)

    @precondition(lambda self: self.story.lane.passage is not None)
    @rule()
    def truck_backs_out(self) -> None:
        self.story.backs_out()

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.passes(seconds)

    @rule(really=st.integers(0, 3))
    def agent_restarts(self, really: int) -> None:
        if really:
            return
        barrier, weight = self.story.lane.barrier, self.story.lane.weight_state
        kg = self.story.lane.weight_kg
        self.story.starts().passes(2.0).sees().boom(barrier).weighs(weight, kg)

    @rule(code=FAULTS, repaired=st.booleans())
    def fault(self, code: FaultCode, *, repaired: bool) -> None:
        if not repaired and code in self.story.lane.faults:
            return
        (self.story.repaired if repaired else self.story.fault)(code)

    @invariant()
    def at_most_one_passage_is_open(self) -> None:
        history = self.story.history
        assert len(history.opened) - len(history.closed) in (0, 1)


MUST_HAPPEN = {
    AnythingHappens: [
        "opened",
        "decided hold",
        "overridden release",
        "overridden refuse",
        "refused",
        "raised",
        "lowered on order",
        "restart in mid passage",
        "ignored",
    ],
    TruckYard: [
        "decided release",
        "decided hold",
        "decided inspect",
        "decided refuse",
        "overridden release",
        "overridden refuse",
        "raised",
        "lowered by itself",
        "lowered on order",
        "restart in mid passage",
        "closed release",
        "left by exit",
        "left by entry",
        "idle -> gathering",
        "gathering -> releasing",
        "gathering -> held",
        "gathering -> turning_back",
        "held -> releasing",
        "held -> turning_back",
        "held -> idle",
        "turning_back -> idle",
        "turning_back -> releasing",
        "releasing -> clearing",
        "releasing -> held",
        "clearing -> releasing",
        "clearing -> idle",
    ],
}


@pytest.mark.parametrize("machine", MUST_HAPPEN, ids=lambda machine: machine.__name__)
def test_the_invariants_hold_whatever_happens(machine: type[_Machine]) -> None:
    SEEN.pop(machine.__name__, None)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    seen = SEEN[machine.__name__]
    assert [what for what in MUST_HAPPEN[machine] if not seen[what]] == [], dict(seen)


def test_the_same_history_always_gives_the_same_effects() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom_goes_up().drives_out().passes(1.0).boom_comes_down()
    lane = story.first
    effects: list[Effect] = []
    for stamped in story.journal:
        result = step(lane, stamped.event, stamped.at)
        lane = result.lane
        effects.extend(result.effects)
    assert effects == story.effects
