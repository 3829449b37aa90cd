"""Trucks that do what trucks do, with faults, restarts and late supervisors in between."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
)

from gate_agent.domain.events import (
    DeclarationsFound,
)
from gate_agent.domain.faults import IN_HAND, FaultCode
from gate_agent.domain.manifest import Declaration, ManifestStatus
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import (
    Barrier,
    Mode,
    Outcome,
    Phase,
    WeightState,
)
from tests.builders import BOX, GROSS_KG, OTHER_BOX, OTHER_TAG, PLATE, TAG, a_declaration
from tests.lane_machine import (
    CARDS,
    FAULTS,
    HELD_AGAINST,
    MANIFESTS,
    PLATES,
    TRISTATE,
    LaneMachine,
)


class TruckYard(LaneMachine):
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
        wide_kg=st.sampled_from([400, 900, 3_000]),
        card_last=st.booleans(),
        settles_at_kg=st.sampled_from([GROSS_KG + 3_000, GROSS_KG, GROSS_KG + 100]),
    )
    def truck_swings_while_the_lane_decides(
        self, wide_kg: int, settles_at_kg: int, *, card_last: bool
    ) -> None:
        self.story.declarations = (a_declaration(),)
        self.story.truck_arrives().plate_is_read()
        self.story.sees(rear_beam=True).weighs(WeightState.MOVING, 9_000).passes(3.0)
        if not card_last:
            self.story.card()
            if self.story.lane.passage and self.story.lane.passage.lookup:
                self.story.manifest_answers()
        self.story.sees(entry_loop=False).sees(rear_beam=False)
        self.story.swings_between(GROSS_KG - wide_kg, GROSS_KG + wide_kg)
        if card_last:
            self.story.card()
        for _ in range(2):
            if self.story.lane.passage and self.story.lane.passage.lookup:
                self.story.manifest_answers()
        self.story.passes(1.0).weighs(WeightState.SETTLED, settles_at_kg)

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(seen=st.sampled_from([(TAG,), (OTHER_TAG, TAG), (TAG, OTHER_TAG)]))
    def truck_whose_own_tag_is_in_view_comes(self, seen: tuple[str, ...]) -> None:
        self.story.declarations = (a_declaration(tag_id=TAG),)
        self.story.truck_arrives().tag_is_seen(*seen).plate_is_read().drives_on().card()
        if self.story.lane.passage and self.story.lane.passage.lookup:
            self.story.manifest_answers()

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(
        declared=st.sampled_from(["", TAG]),
        seen=st.sampled_from([(), (OTHER_TAG,)]),
        late=st.sampled_from([(), (OTHER_TAG,), (TAG,)]),
        is_reader_lost=st.booleans(),
    )
    def truck_whose_own_tag_is_not_in_view_comes(
        self, declared: str, seen: tuple[str, ...], late: tuple[str, ...], *, is_reader_lost: bool
    ) -> None:
        self.story.declarations = (a_declaration(tag_id=declared),)
        self.story.truck_arrives().tag_is_seen(*seen)
        if is_reader_lost:
            self.story.fault(FaultCode.TAG_LINK)
        self.story.plate_is_read().drives_on().card()
        if self.story.lane.passage and self.story.lane.passage.lookup:
            self.story.manifest_answers()
        self.story.tag_is_seen(*late).repaired(FaultCode.TAG_LINK)

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(
        seen=st.sampled_from([(BOX,), (BOX, OTHER_BOX), ("CSQU3054384", BOX), ()]),
        late=st.sampled_from([(), (OTHER_BOX,)]),
        is_camera_lost=st.booleans(),
    )
    def truck_with_a_container_comes(
        self, seen: tuple[str, ...], late: tuple[str, ...], *, is_camera_lost: bool
    ) -> None:
        self.story.declarations = (a_declaration(containers=(BOX,)),)
        self.story.truck_arrives().containers_are_read(*seen)
        if is_camera_lost:
            self.story.fault(FaultCode.CONTAINER_CAMERA)
        self.story.plate_is_read().drives_on().card()
        if self.story.lane.passage and self.story.lane.passage.lookup:
            self.story.manifest_answers()
        self.story.containers_are_read(*late).repaired(FaultCode.CONTAINER_CAMERA)

    @precondition(lambda self: is_inviting(self.story.lane))
    @rule(card_first=st.booleans())
    def truck_whose_plate_is_hard_to_read_comes(self, *, card_first: bool) -> None:
        self.story.declarations = (a_declaration(),)
        self.story.truck_arrives()
        if card_first:
            self.story.card()
        self.story.plate_is_read("粤B1Z345", 600, against=(((PLATE, -5),), -6_000)).drives_on()
        if not card_first:
            self.story.card()
        for _ in range(2):
            if self.story.lane.passage and self.story.lane.passage.lookup:
                self.story.manifest_answers()

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
        against=HELD_AGAINST,
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
        against: tuple[tuple[tuple[str, int], ...], int | None],
    ) -> None:
        self.story.declarations = found
        self.story.truck_arrives()
        if weigh_first:
            self.story.drives_on(kg)
        while self.story.phase is Phase.GATHERING and not self.story.passage.plate_done:
            self.story.plate_is_read(plate, 990 if sure else 500, against=against)
        self.story.card(card)
        if self.story.phase is Phase.GATHERING and not self.story.passage.plate_done:
            self.story.plate_is_read(plate, 990 if sure else 500, against=against)
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
    @rule(code=st.sampled_from(sorted(IN_HAND)), late=st.booleans(), ordered=st.booleans())
    def somebody_has_the_boom_in_hand_while_the_truck_drives_out(
        self, code: FaultCode, *, late: bool, ordered: bool
    ) -> None:
        self.story.boom_goes_up().fault(code)
        if late:
            self.story.drives_out().passes(2.0).repaired(code)
        else:
            self.story.passes(2.0).repaired(code).drives_out()
        self.story.passes(12.0)
        if ordered:
            self.story.orders_boom_down()

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

    @precondition(lambda self: self.story.phase is Phase.IDLE)
    @rule(ordered=st.booleans())
    def boom_is_left_open_over_an_empty_lane(self, *, ordered: bool) -> None:
        self.story.boom(Barrier.OPEN).passes(60.0)
        if ordered:
            self.story.orders_boom_down()

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
