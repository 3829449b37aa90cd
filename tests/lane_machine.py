"""The machine under both stateful tests of the lane, and what both draw from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
)

from gate_agent.domain.effects import LowerBarrier
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import Documents
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import (
    Barrier,
    Mode,
    Outcome,
    Phase,
    WeightState,
)
from gate_agent.store.encoding import decode_event, decode_state, encode_event, encode_state
from gate_agent.store.fold import fold
from tests.builders import BOX, OTHER_BOX, OTHER_TAG, PLATE, POLICY, TAG, LaneStory, a_declaration

SEEN: dict[str, Counter[str]] = {}
TRISTATE = st.sampled_from([False, False, True, None])
PLATES = st.sampled_from(["粤B12345", "粤B12345", "粤B99999", ""])
HELD_AGAINST = st.sampled_from(
    [
        ((), None),
        ((), 0),
        (((PLATE, -5),), -6_000),
        (((PLATE, -5),), -6_000),
        (((PLATE, -500),), -900),
        (((PLATE, -20), ("粤B12346", -4_000)), -9_000),
        ((("粤B12346", -5),), -7_000),
    ]
)
"""Declared plates that a picture was held against, with their weights, and what is left."""
CARDS = st.sampled_from(["04A1B2C3", "04A1B2C3", "FFFFFFFF"])
TAGS = st.sampled_from([TAG, "e2-003411b802011383258566", OTHER_TAG])
BOXES = st.sampled_from([(BOX,), (OTHER_BOX, BOX), ("CSQU3054384",), ()])
MANIFESTS = [
    (a_declaration(),),
    (a_declaration(),),
    (a_declaration(tag_id=TAG),),
    (a_declaration(containers=(BOX,)),),
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


class LaneMachine(RuleBasedStateMachine):
    """A lane with its history; whatever was done, it can be brought back to inviting."""

    def __init__(self) -> None:
        super().__init__()
        self.story = LaneStory(policy=replace(POLICY, verified_plate_suffices=True))

    @rule(really=st.integers(0, 5), valid_s=st.sampled_from([60.0, 60.0, 60.0, -1.0]))
    def evacuation_is_ordered(self, really: int, valid_s: float) -> None:
        if not really:
            self.story.orders_evacuation(valid_s=valid_s)

    @precondition(lambda self: self.story.lane.evacuation is not None)
    @rule(which=st.sampled_from([None, None, "c1"]), valid_s=st.sampled_from([60.0, 60.0, -1.0]))
    def evacuation_is_ended(self, which: str | None, valid_s: float) -> None:
        self.story.ends_evacuation(which, valid_s=valid_s)

    @precondition(lambda self: self.story.lane.evacuation is not None)
    @rule(comes_down=st.booleans())
    def boom_goes_up_for_everybody(self, *, comes_down: bool) -> None:
        self.story.boom(Barrier.OPENING).passes(1.0).boom(Barrier.OPEN)
        if comes_down:
            self.story.boom(Barrier.FORCED).boom(Barrier.CLOSED)

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
    if story.lane.evacuation is not None:
        story.ends_evacuation()
    story.inputs = replace(
        story.inputs, entry_loop=False, front_beam=False, rear_beam=False, exit_loop=False
    )
    story.sees().weighs(WeightState.EMPTY, 0).passes(60.0)
    if story.phase in (Phase.HELD, Phase.TURNING_BACK):  # not gone before it was seen to go
        story.backs_out().passes(60.0)
    if story.lane.barrier is not Barrier.CLOSED:
        story.boom(Barrier.OPEN).passes(60.0)
        if not isinstance(story.effects[-1], LowerBarrier) and story.phase is not Phase.CLEARING:
            story.orders_boom_down()
        story.boom_comes_down().passes(60.0)
    if FaultCode.BARRIER_STUCK in story.lane.faults:  # a technician tries the boom
        story.boom(Barrier.OPEN).boom(Barrier.CLOSED).passes(60.0)
    assert story.phase is Phase.IDLE, f"stuck in {story.phase}"
    assert is_inviting(story.lane), "does not invite"
