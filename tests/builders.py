"""Builders for tests of the pure core: good evidence to spoil, and a lane that lives a story.

`LaneStory` feeds events to `step` on a clock of its own, keeps the deadlines that the lane armed
and lets them expire when their time comes, and hands every turn to `LaneHistory`, which checks the
invariants against what has happened so far. Nothing here is a mock: it is `step` and a memory.
One file, though it is long: the story is one class, and a test reads it in one place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from gate_agent.domain.effects import (
    ArmDeadline,
    Effect,
    FindDeclarations,
    Ignored,
    LowerBarrier,
    RaiseBarrier,
    Record,
    RequestPlate,
)
from gate_agent.domain.events import (
    AgentStarted,
    BarrierCommandFailed,
    BarrierMoved,
    CardPresented,
    ClaimAnswered,
    ContainersRead,
    DeadlineExpired,
    DeclarationsFound,
    EvacuationEnded,
    EvacuationOrdered,
    Event,
    FaultCleared,
    FaultRaised,
    InputsChanged,
    LoweringOrdered,
    ModeSet,
    Overridden,
    PlateRead,
    Stamped,
    TagRead,
    WeightObserved,
)
from gate_agent.domain.evidence import (
    CardEvidence,
    ClaimState,
    Evidence,
    ManifestEvidence,
    PlateCandidate,
    PlateEvidence,
    WeightEvidence,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import Declaration, Documents, ManifestStatus
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import default_pack
from gate_agent.domain.records import Alarm, AlarmRaised, PassageClosed, PassageDecided, RecordBody
from gate_agent.domain.state import LaneState, Passage, initial_lane
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    DeclarationId,
    Instant,
    LaneId,
    Mode,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from tests.lane_history import LaneHistory

START = Instant(1_000.0, 1_790_000_000_000)
PLATE, CARD, GROSS_KG = "粤B12345", "04A1B2C3", 32_000
BOX, OTHER_BOX = "CSQU3054383", "MSKU1234565"
TAG, OTHER_TAG = "E2003411B802011383258566", "E200000000000000000000AA"
HOUR_MS = 3_600_000
POLICY = ReleasePolicy()
PACK = default_pack(POLICY)
BodyT = TypeVar("BodyT", bound=RecordBody)
EffectT = TypeVar("EffectT", bound=Effect)


def after(at: Instant, seconds: float) -> Instant:
    """The moment `seconds` later on both clocks."""
    return Instant(at.mono_s + seconds, at.wall_ms + round(seconds * 1000))


def a_declaration(  # a paper that fits the good evidence unless told otherwise
    *,
    declaration_id: str = "D1",
    plates: tuple[str, ...] = (PLATE,),
    card_uid: str = CARD,
    gross_kg: int = GROSS_KG,
    valid_from_ms: int = START.wall_ms - HOUR_MS,
    valid_until_ms: int = START.wall_ms + HOUR_MS,
    documents: Documents = Documents.RELEASED,
    holds: tuple[str, ...] = (),
    used_by: str | None = None,
    tag_id: str = "",
    containers: tuple[str, ...] = (),
) -> Declaration:
    """A declaration that fits `good_evidence()` in everything that is not given."""
    return Declaration(
        declaration_id=DeclarationId(declaration_id),
        plates=plates,
        card_uid=card_uid,
        gross_kg=gross_kg,
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        documents=documents,
        holds=holds,
        used_by=PassageId(used_by) if used_by else None,
        tag_id=tag_id,
        containers=containers,
    )


DECIDED_AT = after(START, 20.0)


def good_evidence() -> Evidence:
    """Evidence on which, with `a_declaration()`, a vehicle is released at `DECIDED_AT`."""
    return Evidence(
        passage_id=PassageId("lane1-e-000001"),
        lane_id=LaneId("lane1"),
        arrived_at_ms=START.wall_ms,
        plate=PlateEvidence(
            text=PLATE,
            plate_class="mainland",
            confidence_permille=990,
            frames_agreed=5,
            frames_seen=6,
            picture_id=None,
            since_arrival_ms=4_000,
            age_ms=16_000,
        ),
        card=CardEvidence(uid=CARD, since_arrival_ms=10_000, age_ms=10_000),
        weight=WeightEvidence(
            gross_kg=GROSS_KG,
            division_kg=20,
            spread_kg=0,
            window_kg=(GROSS_KG,) * 5,
            since_arrival_ms=19_000,
            age_ms=1_000,
        ),
        manifest=ManifestEvidence(version=7, age_ms=500),
        barrier=Barrier.CLOSED,
        mode=Mode.AUTO,
    )


@dataclass
class LaneStory:
    """A lane, its clock, its deadlines and its history."""

    policy: ReleasePolicy = POLICY
    declarations: tuple[Declaration, ...] = (a_declaration(),)
    at: Instant = START
    lane: LaneState = field(init=False)
    first: LaneState = field(init=False)
    journal: list[Stamped] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    due: dict[int, float] = field(default_factory=dict)
    inputs: InputsChanged = field(
        default=InputsChanged(entry_loop=False, front_beam=False, rear_beam=False, exit_loop=False)
    )
    history: LaneHistory = field(init=False)
    commands: int = 0

    def __post_init__(self) -> None:
        self.lane = self.first = initial_lane(LaneId("lane1"), "e", self.policy)
        self.history = LaneHistory(self.policy)

    # -- time and events

    def happens(self, event: Event) -> tuple[Effect, ...]:
        """Feed one event now; every invariant is checked on what came of it."""
        before = self.lane
        result = step(before, event, self.at)
        self.lane = result.lane
        self.journal.append(Stamped(event=event, at=self.at))
        self.effects.extend(result.effects)
        if isinstance(event, AgentStarted):
            self.due.clear()  # a deadline lives in the process
        for effect in result.effects:
            if isinstance(effect, ArmDeadline):
                self.due[effect.token] = self.at.mono_s + effect.after_s
        self.history.turn(before, event, self.at, result)
        return result.effects

    def passes(self, seconds: float) -> LaneStory:
        """Let time pass; deadlines expire on their moment, in order."""
        end_s = self.at.mono_s + seconds
        while ready := [(due_s, token) for token, due_s in self.due.items() if due_s <= end_s]:
            due_s, token = min(ready)
            del self.due[token]
            if due_s > self.at.mono_s:
                self.at = after(self.at, due_s - self.at.mono_s)
            self.happens(DeadlineExpired(token=token))
        self.at = after(self.at, end_s - self.at.mono_s)
        return self

    # -- what the equipment says

    def starts(self) -> LaneStory:
        """The agent comes up."""
        self.happens(AgentStarted(policy=self.policy, version="test"))
        return self

    def ready(self) -> LaneStory:
        """The agent is up, the lane is empty and everything works."""
        self.starts()
        self.sees()
        self.boom(Barrier.CLOSED)
        return self.weighs(WeightState.EMPTY, 0)

    def sees(self, **changed: bool | None) -> LaneStory:
        """Loops and beams: `entry_loop`, `front_beam`, `rear_beam`, `exit_loop`."""
        self.inputs = replace(self.inputs, **changed)
        self.happens(self.inputs)
        return self

    def boom(self, position: Barrier) -> LaneStory:
        """The boom is now there."""
        self.happens(BarrierMoved(position=position))
        return self

    def weighs(self, state: WeightState, kg: int | None = None) -> LaneStory:
        """The scale shows this."""
        self.happens(WeightObserved(state=state, gross_kg=kg, division_kg=20))
        return self

    def swings_between(self, low_kg: int, high_kg: int) -> LaneStory:
        """The scale still moves, and its swing proves where it will settle."""
        self.happens(
            WeightObserved(
                state=WeightState.MOVING,
                gross_kg=high_kg,
                division_kg=20,
                low_kg=low_kg,
                high_kg=high_kg,
            )
        )
        return self

    def plate_is_read(
        self,
        text: str = PLATE,
        confidence_permille: int = 990,
        *,
        against: tuple[tuple[tuple[str, int], ...], int | None] = ((), None),
    ) -> LaneStory:
        """The reader answers the question that is open.

        `against`: declared plates that the picture was held against, and what is left for none.
        """
        candidates, none_milli_nats = against
        passage = self.passage
        self.happens(
            PlateRead(
                passage_id=passage.passage_id,
                attempt=passage.plate_attempt,
                text=text,
                plate_class="mainland",
                confidence_permille=confidence_permille,
                frames_agreed=5,
                frames_seen=6,
                picture_id=None,
                candidates=tuple(
                    PlateCandidate(text=text, milli_nats=weight) for text, weight in candidates
                ),
                none_milli_nats=none_milli_nats,
            )
        )
        return self

    def card(self, uid: str = CARD) -> LaneStory:
        """A card is held to the reader."""
        self.happens(CardPresented(uid=uid))
        return self

    def tag_is_seen(self, *tag_ids: str) -> LaneStory:
        """Tags in view, one after the other."""
        for tag_id in tag_ids:
            self.happens(TagRead(tag_id=tag_id))
        return self

    def containers_are_read(self, *numbers: str) -> LaneStory:
        """Container numbers, each by a post of its own."""
        for number in numbers:
            self.happens(ContainersRead(numbers=(number,)))
        return self

    def manifest_answers(self, *declarations: Declaration) -> LaneStory:
        """The manifest answers the question that is open, freshly confirmed."""
        assert self.passage.lookup is not None, "the lane has not asked"
        self._manifest_answers(declarations)
        if self.is_claiming():
            self.hub_answers(ClaimState.GRANTED)
            if self.lane.passage is not None and self.lane.passage.lookup is not None:
                self._manifest_answers(declarations)
        return self

    def is_claiming(self) -> bool:
        """Whether the lane waits for the hub's word on its declaration."""
        claim = self.lane.passage.claim if self.lane.passage else None
        return claim is not None and claim.said.state is ClaimState.PENDING

    def hub_answers(self, state: ClaimState, holder: str = "") -> LaneStory:
        """The hub answers the claim."""
        claim = self.passage.claim
        assert claim is not None, "the lane has claimed nothing"
        self.happens(ClaimAnswered(token=claim.token, state=state, holder=holder))
        return self

    def _manifest_answers(self, declarations: tuple[Declaration, ...]) -> None:
        lookup = self.passage.lookup
        assert lookup is not None, "the lane has not asked"
        self.happens(
            DeclarationsFound(
                token=lookup.token,
                declarations=declarations or self.declarations,
                manifest=ManifestStatus(version=7, confirmed_at=after(self.at, -0.5)),
            )
        )

    def fault(self, code: FaultCode) -> LaneStory:
        """A lasting condition begins."""
        self.happens(FaultRaised(code=code))
        return self

    def repaired(self, code: FaultCode) -> LaneStory:
        """A lasting condition ends."""
        self.happens(FaultCleared(code=code))
        return self

    def raise_fails(self, why: str = "no link") -> LaneStory:
        """The last raise command did not reach the barrier."""
        self.happens(BarrierCommandFailed(command_id=self.last(RaiseBarrier).command_id, why=why))
        return self

    def lowering_fails(self, why: str = "exit loop occupied") -> LaneStory:
        """The last lowering was refused by the barrier's interlock."""
        self.happens(BarrierCommandFailed(command_id=self.last(LowerBarrier).command_id, why=why))
        return self

    # -- what people do

    def supervisor(
        self, decision: Outcome, *, passage_id: str | None = None, valid_s: float = 60.0
    ) -> tuple[Effect, ...]:
        """A supervisor decides about the vehicle in the lane, or about another passage."""
        self.commands += 1
        return self.happens(
            Overridden(
                command_id=CommandId(f"c{self.commands}"),
                passage_id=PassageId(passage_id or self.passage.passage_id),
                decision=decision,
                by="li.wei",
                reason="checked",
                expires_at_ms=after(self.at, valid_s).wall_ms,
            )
        )

    def orders_boom_down(self, *, valid_s: float = 60.0) -> tuple[Effect, ...]:
        """A supervisor orders down a boom that was left open."""
        self.commands += 1
        return self.happens(
            LoweringOrdered(
                command_id=CommandId(f"c{self.commands}"),
                by="li.wei",
                reason="empty",
                expires_at_ms=after(self.at, valid_s).wall_ms,
            )
        )

    def sets_mode(
        self, mode: Mode, *, valid_s: float = 60.0, kind: str = "", local: bool = False
    ) -> tuple[Effect, ...]:
        """A supervisor changes what the lane may do."""
        self.commands += 1
        return self.happens(
            ModeSet(
                command_id=CommandId(f"c{self.commands}"),
                mode=mode,
                by="li.wei",
                reason="shift",
                expires_at_ms=after(self.at, valid_s).wall_ms,
                kind=kind,
                local=local,
            )
        )

    def orders_evacuation(
        self, *, valid_s: float = 60.0, local: bool = False
    ) -> tuple[Effect, ...]:
        """A supervisor orders the boom up and kept open."""
        self.commands += 1
        return self.happens(
            EvacuationOrdered(
                command_id=CommandId(f"c{self.commands}"),
                by="li.wei",
                reason="fire",
                expires_at_ms=after(self.at, valid_s).wall_ms,
                local=local,
            )
        )

    def ends_evacuation(
        self, which: str | None = None, *, valid_s: float = 60.0, local: bool = False
    ) -> tuple[Effect, ...]:
        """A supervisor ends the evacuation that lasts, or another."""
        self.commands += 1
        lasting = self.lane.evacuation
        return self.happens(
            EvacuationEnded(
                command_id=CommandId(f"c{self.commands}"),
                evacuation_id=CommandId(which or (lasting.command_id if lasting else "none")),
                by="li.wei",
                reason="over",
                expires_at_ms=after(self.at, valid_s).wall_ms,
                local=local,
            )
        )

    # -- what a truck does

    def truck_arrives(self) -> LaneStory:
        """A truck rolls onto the entry loop."""
        return self.sees(entry_loop=True).passes(1.0)

    def drives_on(self, kg: int = GROSS_KG) -> LaneStory:
        """It drives onto the platform and stops there; the weight settles."""
        self.sees(rear_beam=True).weighs(WeightState.MOVING, kg // 3).passes(3.0)
        self.sees(entry_loop=False).weighs(WeightState.MOVING, kg * 3 // 4).passes(1.0)
        self.sees(rear_beam=False).weighs(WeightState.MOVING, kg + 100).passes(2.0)
        return self.weighs(WeightState.SETTLED, kg)

    def waits_for_verdict(self) -> LaneStory:
        """Arrived, on the platform, plate read, card presented: the manifest is being asked."""
        return self.truck_arrives().plate_is_read().drives_on().card()

    def boom_goes_up(self) -> LaneStory:
        """The boom opens in 1.5 s."""
        return self.boom(Barrier.OPENING).passes(1.5).boom(Barrier.OPEN)

    def drives_out(self) -> LaneStory:
        """Past the boom and over the exit loop until that is clear."""
        self.sees(front_beam=True).weighs(WeightState.MOVING, 20_000).passes(1.0)
        self.sees(exit_loop=True).weighs(WeightState.EMPTY, 0).passes(1.5)
        return self.sees(front_beam=False).passes(1.0).sees(exit_loop=False)

    def boom_comes_down(self) -> LaneStory:
        """The boom closes in 1.5 s."""
        return self.boom(Barrier.CLOSING).passes(1.5).boom(Barrier.CLOSED)

    def backs_out(self) -> LaneStory:
        """Off the platform and back over the entry loop."""
        self.sees(rear_beam=True, entry_loop=True).weighs(WeightState.MOVING, 9_000).passes(2.0)
        self.sees(rear_beam=False).weighs(WeightState.EMPTY, 0).passes(1.0)
        return self.sees(entry_loop=False).passes(2.0)

    # -- what came of it

    @property
    def passage(self) -> Passage:
        """The open passage."""
        assert self.lane.passage is not None, "no vehicle in the lane"
        return self.lane.passage

    @property
    def phase(self) -> Phase:
        """Where the vehicle is."""
        return self.lane.phase

    @property
    def verdict(self) -> tuple[Outcome, tuple[str, ...]]:
        """The last verdict on record: outcome and reason codes."""
        decided = self.records(PassageDecided)[-1].verdict
        return decided.outcome, tuple(reason.value for reason in decided.reasons)

    def all(self, kind: type[EffectT]) -> list[EffectT]:
        """Every effect of a kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def last(self, kind: type[EffectT]) -> EffectT:
        """The latest effect of a kind."""
        return self.all(kind)[-1]

    def records(self, kind: type[BodyT]) -> list[BodyT]:
        """Every record of a kind so far."""
        return [r.body for r in self.all(Record) if isinstance(r.body, kind)]

    def alarms(self) -> list[Alarm]:
        """Every alarm so far."""
        return [alarm.code for alarm in self.records(AlarmRaised)]

    def closed(self) -> list[PassageClosed]:
        """Every closing record so far."""
        return self.records(PassageClosed)

    def raises(self) -> int:
        """How often the boom was told to go up."""
        return len(self.all(RaiseBarrier))

    def lowerings(self) -> int:
        """How often the boom was told to come down."""
        return len(self.all(LowerBarrier))

    def questions(self) -> list[FindDeclarations]:
        """Every question to the manifest so far."""
        return self.all(FindDeclarations)

    def plate_requests(self) -> list[RequestPlate]:
        """Every request to the plate reader so far."""
        return self.all(RequestPlate)

    def ignored(self) -> list[str]:
        """Why events were ignored so far."""
        return [effect.why for effect in self.all(Ignored)]
