"""The invariants I1..I6 of `gate_agent/domain/lane.py`, checked against what has happened.

`LaneHistory` never looks at the lane's state to judge an effect: it keeps its own account of the
events and effects so far (loops, boom, scale, faults, mode, commands, passages), so a lane that
forgets or misremembers is found out. The state is read only to compare phase changes with
`TRANSITIONS` and lamps with what was switched.

One file, though it is long: an account that is kept in two places can disagree with itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from math import exp

from gate_agent.domain.containers import is_container_number
from gate_agent.domain.effects import (
    Effect,
    FindDeclarations,
    Ignored,
    Lamp,
    LowerBarrier,
    MarkUsed,
    RaiseBarrier,
    RaiseForEvacuation,
    Record,
    SetLamp,
    Show,
)
from gate_agent.domain.events import (
    AgentStarted,
    BarrierCommandFailed,
    BarrierMoved,
    CardPresented,
    ContainersRead,
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
    TagRead,
    WeightObserved,
)
from gate_agent.domain.evidence import (
    ContainerEvidence,
    Evidence,
    PlateEvidence,
    TagEvidence,
    WeightEvidence,
)
from gate_agent.domain.faults import IN_HAND, FaultCode, prevents_release
from gate_agent.domain.lane import TRANSITIONS
from gate_agent.domain.marks import CONTAINERS_MAX
from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import PolicyPack, policy_hash
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import (
    Alarm,
    AlarmRaised,
    CommandCarriedOut,
    CommandRefused,
    FaultChanged,
    PassageClosed,
    PassageDecided,
    PassageOpened,
    PassageOverridden,
    PolicyAdopted,
    WeighedAfterwards,
)
from gate_agent.domain.state import LaneState, Step
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    Instant,
    Left,
    Mode,
    Outcome,
    PassageId,
    Phase,
    WeightState,
)
from tests.loop_history import LoopHistory

_ROWS = {(before, after) for before, _, after in TRANSITIONS}
ALLOWED_CHANGES = (
    _ROWS
    # the vehicle is gone and the next is already here: two rows in one step
    | {
        (a, d)
        for (a, b), (c, d) in product(_ROWS, _ROWS)
        if b is c is Phase.IDLE and d is Phase.GATHERING
    }
)
ORDERS = Overridden | LoweringOrdered | ModeSet | EvacuationOrdered | EvacuationEnded
NOT_DOWN = (Barrier.OPEN, Barrier.STOPPED_MID, Barrier.FORCED)
_UNREAD = InputsChanged(entry_loop=None, front_beam=None, rear_beam=None, exit_loop=None)


@dataclass
class Vehicle:
    """What has been sensed of the vehicle of one passage since it arrived."""

    passage_id: PassageId
    arrived_at: Instant
    plates: list[tuple[str, int]] = field(default_factory=list)
    cards: list[tuple[str, int]] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)  # in order, when each was seen first
    containers: dict[str, int] = field(default_factory=dict)  # the same, of numbers that are one
    moved: bool = False
    weight: tuple[int, Instant] | None = None  # settled, and both beams clear ever since
    swing: tuple[int, int, Instant] | None = None  # low, high: not settled, beams clear since
    restarted: bool = False
    unfelt_since: Instant | None = None  # no loop, beam or scale told of it
    was_unfelt: bool = False  # long enough for another to take its place
    beam_cut: bool = False  # the rear beam
    tail_seen: bool = False  # and clear after it
    pack: PolicyPack | None = None  # the rules under which it came
    decided: list[Outcome] = field(default_factory=list)
    evacuated: bool = False  # it was here during an evacuation
    in_hand: bool = False  # and while an emergency stop was pressed, or the barrier's key was on
    owes_weight: bool = False  # judged on an interval, and no weight recorded since
    released: bool = False  # by verdict or override, and not taken back since
    front_cut: bool = False  # the front beam was cut since the release
    exit_edge: bool = False  # after that the exit loop went occupied

    @property
    def weighed(self) -> tuple[int, int] | None:
        """The weight as evidence carries it."""
        return self.weight and (self.weight[0], self.axis_ms(self.weight[1]))

    def weighs_between(self) -> tuple[int, int, Instant]:
        """The least and the most that it can weigh, and since when that is known."""
        if self.weight is not None:
            return self.weight[0], self.weight[0], self.weight[1]
        assert self.swing is not None, "I6: released without a weight"
        return self.swing

    def axis_ms(self, at: Instant) -> int:
        """Whole milliseconds after the arrival."""
        return round((at.mono_s - self.arrived_at.mono_s) * 1e6) // 1000


@dataclass
class LaneHistory:
    """The account of one lane. `turn` raises AssertionError, naming the invariant."""

    policy: ReleasePolicy
    pack: PolicyPack | None = None
    inputs: InputsChanged = _UNREAD
    barrier: Barrier = Barrier.UNKNOWN
    weight_state: WeightState = WeightState.UNAVAILABLE
    weight_kg: int = 0
    faults: set[FaultCode] = field(default_factory=set)
    mode: Mode = Mode.AUTO
    evacuation: CommandId | None = None  # the order that began the one that lasts
    answered: set[CommandId] = field(default_factory=set)
    sent: set[CommandId] = field(default_factory=set)
    vehicle: Vehicle | None = None
    opened: set[PassageId] = field(default_factory=set)
    closed: set[PassageId] = field(default_factory=set)
    asked: list[FindDeclarations] = field(default_factory=list)
    lit: set[Lamp] = field(default_factory=set)
    shown: str = ""
    lowering: CommandId | None = None  # told so, and the boom not seen up or down since
    open_since: Instant | None = None  # the boom, and nobody was let through
    is_called: bool = False  # somebody, to the open boom
    seen: Counter[str] = field(default_factory=Counter)
    loops: LoopHistory = field(init=False)

    def __post_init__(self) -> None:
        self.loops = LoopHistory(self.policy, self.seen)

    def turn(self, before: LaneState, event: Event, at: Instant, result: Step) -> None:
        """Take one step into the account and check it."""
        first = isinstance(event, ORDERS) and event.command_id not in self.answered
        self._sense(event, at)
        self.pack = before.pack
        for effect in result.effects:
            match effect:
                case Record(body=PolicyAdopted(policy_hash=name)):
                    assert self.vehicle is None, "I4: other rules while a vehicle is judged"
                    assert name == policy_hash(result.lane.pack), "adopted rules of another name"
                    self.pack = result.lane.pack
                case Record(body=body):
                    self._record(body, event, at, first=first)
                case RaiseBarrier():
                    self._raise(effect, event, at, result, first=first)
                case RaiseForEvacuation():
                    self._raise_for_everybody(effect)
                case LowerBarrier():
                    self._lower(effect, event, at, first=first)
                case _:
                    self._other(effect)
        self._answer(event, result, first=first)
        self._phases(before, result.lane)
        self._signals(result.lane)
        self._somebody_is_called(at, result)
        self.loops.turn(event, at, result.effects)
        self._remembers_only_what_was_sensed(result.lane)

    def _other(self, effect: Effect) -> None:
        match effect:
            case MarkUsed():
                assert self.vehicle is not None
                assert effect.passage_id == self.vehicle.passage_id
            case FindDeclarations():
                self.asked.append(effect)
            case SetLamp():
                (self.lit.add if effect.on else self.lit.discard)(effect.lamp)
            case Show():
                self.shown = effect.sign.value
            case Ignored():
                self.seen["ignored"] += 1

    # -- facts

    def _sense(self, event: Event, at: Instant) -> None:  # noqa: C901, PLR0912 - one case an event
        vehicle = self.vehicle
        match event:
            case AgentStarted():
                self._forget()
            case InputsChanged():
                rising = event.exit_loop is True and self.inputs.exit_loop is not True
                self.inputs = event
                if vehicle is not None:
                    vehicle.front_cut |= event.front_beam is True
                    came_out = vehicle.front_cut or vehicle.restarted
                    vehicle.exit_edge |= rising and vehicle.released and came_out
                    vehicle.beam_cut |= event.rear_beam is True
                    vehicle.tail_seen |= vehicle.beam_cut and event.rear_beam is False
                    if not self._wholly_on():
                        vehicle.weight = vehicle.swing = None
            case BarrierMoved():
                self.barrier = event.position
                if event.position in (Barrier.CLOSED, Barrier.OPEN, Barrier.OPENING):
                    self.lowering = None
            case BarrierCommandFailed() if event.command_id == self.lowering:
                self.lowering = None
            case WeightObserved():
                self._weigh(event, at)
                self.weight_kg = event.gross_kg or 0
            case PlateRead() if vehicle is not None and event.passage_id == vehicle.passage_id:
                vehicle.plates.append((event.text, vehicle.axis_ms(at)))
            case CardPresented() if vehicle is not None:
                vehicle.cards.append((event.uid, vehicle.axis_ms(at)))
            case TagRead() if vehicle is not None and not vehicle.decided:
                if at.mono_s >= vehicle.arrived_at.mono_s:
                    vehicle.tags.setdefault(event.tag_id, vehicle.axis_ms(at))
                else:
                    self.seen["a tag of before the arrival"] += 1
            case ContainersRead() if vehicle is not None and not vehicle.decided:
                if at.mono_s >= vehicle.arrived_at.mono_s:
                    plain = (each.upper().translate(_PLAIN) for each in event.numbers)
                    for number in filter(is_container_number, plain):
                        vehicle.containers.setdefault(number, vehicle.axis_ms(at))
                else:
                    self.seen["a container of before the arrival"] += 1
            case FaultRaised():
                self.faults.add(event.code)
                if vehicle is not None:
                    vehicle.in_hand |= event.code in IN_HAND
                    self.seen["in hand in mid passage"] += event.code in IN_HAND
            case FaultCleared():
                self.faults.discard(event.code)
        self._follow_feeling(at)

    def _follow_feeling(self, at: Instant) -> None:
        vehicle, inputs = self.vehicle, self.inputs
        if vehicle is None:
            return
        seen = (inputs.entry_loop, inputs.rear_beam, inputs.front_beam)
        bears = self.weight_state in (WeightState.SETTLED, WeightState.MOVING)
        if None in seen and not (bears and self.weight_kg >= self.policy.min_vehicle_kg):
            vehicle.unfelt_since = vehicle.unfelt_since or at
        elif vehicle.unfelt_since is not None:
            vehicle.was_unfelt |= at.mono_s - vehicle.unfelt_since.mono_s >= 1.0
            vehicle.unfelt_since = None

    def _forget(self) -> None:
        self.inputs, self.barrier = _UNREAD, Barrier.UNKNOWN
        self.weight_state = WeightState.UNAVAILABLE
        self.weight_kg = 0
        self.faults &= {FaultCode.CLOCK}
        if self.vehicle is not None:
            self.vehicle.restarted = True
            self.seen["restart in mid passage"] += 1

    def _wholly_on(self) -> bool:
        return self.inputs.front_beam is False and self.inputs.rear_beam is False

    def _weigh(self, event: WeightObserved, at: Instant) -> None:
        self.weight_state = event.state
        vehicle = self.vehicle
        if vehicle is None:
            return
        vehicle.moved |= event.state is WeightState.MOVING
        vehicle.weight = vehicle.swing = None
        if event.state is WeightState.SETTLED and vehicle.moved and self._wholly_on():
            vehicle.weight = (event.gross_kg or 0, at)
        if event.state is WeightState.MOVING and self._wholly_on() and event.low_kg is not None:
            assert event.high_kg is not None
            vehicle.swing = (event.low_kg, event.high_kg, at)

    # -- records

    def _record(self, body: object, event: Event, at: Instant, *, first: bool) -> None:
        match body:
            case PassageOpened():
                assert self.vehicle is None, "I5: a passage opened while one was open"
                assert body.passage_id not in self.opened, "I5: a passage id was used twice"
                self.opened.add(body.passage_id)
                self.vehicle = Vehicle(
                    body.passage_id,
                    at,
                    pack=self.pack,
                    evacuated=self.evacuation is not None,
                    in_hand=bool(IN_HAND & self.faults),
                    beam_cut=self.inputs.rear_beam is True,
                )
                self.seen["opened"] += 1
            case PassageDecided():
                self._decided(body, event, at)
            case PassageOverridden():
                self._overridden(body, event, at, first=first)
            case WeighedAfterwards():
                self._weighed(body)
            case PassageClosed():
                self._closed(body)
            case FaultChanged():
                (self.faults.add if body.raised else self.faults.discard)(body.code)
            case CommandCarriedOut():
                self._carried_out(event, at, first=first)

    def _carried_out(self, event: Event, at: Instant, *, first: bool) -> None:
        if isinstance(event, EvacuationOrdered | EvacuationEnded):
            assert first, "I1: an evacuation was ordered twice by one command"
            assert event.expires_at_ms >= at.wall_ms, "I1: evacuated by an expired order"
            is_begin = isinstance(event, EvacuationOrdered)
            self.evacuation = event.command_id if is_begin else None
            self._evacuated(begins=is_begin)
        elif isinstance(event, ModeSet):
            assert first, "a mode was set twice by one command"
            assert event.expires_at_ms >= at.wall_ms, "a mode was set by an expired command"
            self.mode = event.mode

    def _decided(self, body: PassageDecided, event: Event, at: Instant) -> None:
        vehicle = self.vehicle
        assert vehicle is not None
        assert body.passage_id == vehicle.passage_id, "I3: a verdict for another passage"
        assert body.pack == vehicle.pack or vehicle.restarted, "judged by rules that came later"
        self._evidence_is_of(vehicle, body.evidence)
        if isinstance(event, DeclarationsFound):
            assert event.token == self.asked[-1].token, "I3: judged by an older question's answer"
        verdict = body.verdict
        assert (verdict.outcome is Outcome.RELEASE) == (not verdict.reasons)
        if verdict.outcome is Outcome.RELEASE:
            assert not vehicle.decided, "I1: released after an earlier verdict"
            assert isinstance(event, DeclarationsFound), "I4: released without declarations"
            self._may_release(vehicle, body, event, at)
        weight = body.evidence.weight
        if not vehicle.decided:
            vehicle.owes_weight = weight is not None and weight.within_kg > 0
        vehicle.decided.append(verdict.outcome)
        self.seen["decided before the weight settled"] += (
            body.evidence.weight is not None and body.evidence.weight.within_kg > 0
        )
        self.seen["held for its tag"] += verdict.reasons == (Reason.IDENTITY_UNPROVEN,)
        self.seen["held for its container"] += verdict.reasons == (Reason.CONTAINER_DIFFERS,)
        vehicle.released = verdict.outcome is Outcome.RELEASE
        vehicle.front_cut = self.inputs.front_beam is True
        vehicle.exit_edge = False
        self.seen[f"decided {verdict.outcome.value}"] += 1

    def _evidence_is_of(self, vehicle: Vehicle, evidence: Evidence) -> None:
        """I3: everything in it was sensed after the arrival of this vehicle, and belongs to it."""
        assert evidence.arrived_at_ms == vehicle.arrived_at.wall_ms, "I3: arrival"
        if evidence.plate is not None:
            assert (evidence.plate.text, evidence.plate.since_arrival_ms) in vehicle.plates, (
                "I3: plate"
            )
        if evidence.card is not None:
            assert (evidence.card.uid, evidence.card.since_arrival_ms) in vehicle.cards, "I3: card"
        if not vehicle.restarted:
            _tags_are_of(vehicle, evidence.tag)
            _containers_are_of(vehicle, evidence.containers)
        if evidence.weight is not None and not vehicle.decided and not vehicle.restarted:
            self._weight_is_of(vehicle, evidence.weight)

    def _weight_is_of(self, vehicle: Vehicle, weight: WeightEvidence) -> None:
        """I6: settled, or an interval proved by the swing; of the whole vehicle either way."""
        if weight.within_kg == 0:
            taken = (weight.gross_kg, weight.since_arrival_ms)
            assert taken == vehicle.weighed, "I6: weight not settled on the whole vehicle"
            return
        assert vehicle.swing is not None, "I6: an interval that the swing does not prove"
        low_kg, high_kg, seen_at = vehicle.swing
        assert weight.since_arrival_ms == vehicle.axis_ms(seen_at), "I6: an old interval"
        assert weight.low_kg <= low_kg <= high_kg <= weight.high_kg, "I6: a narrower interval"

    def _remembers_only_what_was_sensed(self, lane: LaneState) -> None:
        """I3, I6: what the lane holds as evidence is what this vehicle gave since it arrived."""
        passage, vehicle = lane.passage, self.vehicle
        if passage is None or vehicle is None:
            return
        if passage.plate is not None:
            assert (passage.plate.text, passage.plate.since_arrival_ms) in vehicle.plates, (
                "I3: plate"
            )
        if passage.card is not None:
            assert (passage.card.uid, passage.card.since_arrival_ms) in vehicle.cards, "I3: card"
        if lane.phase is Phase.GATHERING:
            _tags_are_of(vehicle, passage.tag)
            _containers_are_of(vehicle, passage.containers)
        if passage.weight is not None and lane.phase is Phase.GATHERING:
            self._weight_is_of(vehicle, passage.weight)
            assert passage.weight.within_kg == 0, "I6: an interval held as a settled weight"
        if passage.swing is not None and lane.phase is Phase.GATHERING:
            self._weight_is_of(vehicle, passage.swing)

    def _may_release(
        self, vehicle: Vehicle, body: PassageDecided, event: DeclarationsFound, at: Instant
    ) -> None:
        """I4 by an account of its own: nothing missing, stale, faulty or contradictory."""
        assert not vehicle.restarted, "I4: released after a restart"
        assert not vehicle.evacuated, "I4: released during or after an evacuation"
        assert not vehicle.was_unfelt, "I4: released though another may stand in its place"
        assert vehicle.tail_seen, "I6: weighed with no tail seen at the rear beam"
        assert body.pack.is_in_force(at.wall_ms), "I4: released by rules that are not in force"
        assert not body.pack.is_fee_required or _is_paid(body), (
            "I4: released without what the rules demand"
        )
        low_kg, high_kg, weighed_at = vehicle.weighs_between()
        assert weighed_at.age_s(at) <= self.policy.weight_max_age_s, "I4: old weight"
        assert self.barrier is Barrier.CLOSED, "I4: released with the boom not closed"
        assert self.mode is Mode.AUTO, "I4: released in a mode that never releases"
        assert not [f for f in self.faults if prevents_release(f)], "I4: released with a fault"
        confirmed_at = event.manifest.confirmed_at
        assert confirmed_at is not None, "I4: released on an unconfirmed manifest"
        assert confirmed_at.age_s(at) <= self.policy.manifest_max_age_s, "I4: old manifest"
        evidence, declaration = body.evidence, body.verdict.declaration
        asked = self.asked[-1]
        assert evidence.plate is not None
        assert evidence.card is not None
        named = _named(evidence.plate, body.pack)
        self.seen["decided release on a picture in doubt"] += named != evidence.plate.text
        assert (asked.plate, asked.card_uid) == (named, evidence.card.uid), (
            "I3: released on an answer about other evidence"
        )
        assert declaration is not None
        assert declaration in event.declarations, "I4: released on a paper that was not found"
        plates = {normalize_plate(plate) for plate in declaration.plates}
        assert normalize_plate(named) in plates, "I4: another plate"
        _is_no_other(evidence.plate, plates)
        assert normalize_card(evidence.card.uid) == normalize_card(declaration.card_uid)
        self._is_no_other_by_its_tag(vehicle, declaration.tag_id)
        self._is_no_other_by_its_containers(vehicle, declaration.containers)
        allowed_kg = max(
            self.policy.weight_tolerance_kg,
            declaration.gross_kg * self.policy.weight_tolerance_permille // 1000,
        )
        difference_kg = max(declaration.gross_kg - low_kg, high_kg - declaration.gross_kg)
        assert difference_kg <= allowed_kg, "I4: released with the wrong weight"
        assert declaration.used_by is None, "I4: released on a used paper"
        assert not declaration.held_by, "I4: released under a hold"

    def _is_no_other_by_its_tag(self, vehicle: Vehicle, declared: str) -> None:
        """I4: a declared tag is not contradicted, and a reader that is lost is no silence."""
        if not declared:
            self.seen["released without a reader of tags"] += FaultCode.TAG_LINK in self.faults
            return
        assert FaultCode.TAG_LINK not in self.faults, "I4: released with its tag not looked for"
        if vehicle.tags:
            seen = {normalize_card(each) for each in vehicle.tags}
            assert normalize_card(declared) in seen, "I4: released with another tag"
            self.seen["released with its own tag"] += 1

    def _is_no_other_by_its_containers(self, vehicle: Vehicle, declared: tuple[str, ...]) -> None:
        """I4: a declared container is not contradicted, and nobody listening is no silence."""
        if declared:
            lost = FaultCode.CONTAINER_CAMERA in self.faults
            assert not lost, "I4: released with its container not looked for"
            assert set(vehicle.containers) <= set(declared), "I4: released with another container"
            self.seen["released with its own container"] += bool(vehicle.containers)

    def _overridden(
        self, body: PassageOverridden, event: Event, at: Instant, *, first: bool
    ) -> None:
        vehicle = self.vehicle
        assert vehicle is not None
        assert isinstance(event, Overridden), "an override that nobody ordered"
        assert first, "I1: an override was carried out twice"
        assert event.passage_id == body.passage_id == vehicle.passage_id, "I1: another passage"
        assert event.expires_at_ms >= at.wall_ms, "I1: an expired override was carried out"
        assert event.decision is body.decision
        assert self.evacuation is None, "I4: decided about a vehicle during an evacuation"
        assert vehicle.decided, "an override before the lane had handed the vehicle to a person"
        vehicle.released = event.decision is Outcome.RELEASE
        vehicle.front_cut = self.inputs.front_beam is True
        vehicle.exit_edge = False
        self.seen[f"overridden {event.decision.value}"] += 1

    def _weighed(self, body: WeighedAfterwards) -> None:
        vehicle = self.vehicle
        assert vehicle is not None
        assert body.passage_id == vehicle.passage_id, "I6: the weight of another vehicle"
        assert vehicle.owes_weight, "I6: weighed afterwards twice, or after a settled weight"
        vehicle.owes_weight = False
        self.seen["weighed afterwards"] += 1
        self.seen["weighed otherwise"] += not body.agrees

    def _closed(self, body: PassageClosed) -> None:
        assert self.vehicle is not None, "I5: closed while none was open"
        assert body.passage_id == self.vehicle.passage_id, "I5: closed another passage"
        assert body.passage_id not in self.closed, "I5: closed twice"
        if body.left is Left.EVACUATION:
            assert self.evacuation is not None, "left in an evacuation that is over"
            assert body.outcome is not Outcome.RELEASE, "I4: left in an evacuation, as released"
        assert not self.vehicle.owes_weight, "I6: an early verdict without the weight after it"
        self.closed.add(body.passage_id)
        self.vehicle = None
        self.seen[f"closed {body.outcome.value}"] += 1
        self.seen[f"left by {body.left.value}"] += 1

    # -- the boom

    def _raise(
        self, effect: RaiseBarrier, event: Event, at: Instant, result: Step, *, first: bool
    ) -> None:
        vehicle = self.vehicle
        assert vehicle is not None, "I1: raised for nobody"
        assert effect.passage_id == vehicle.passage_id, "I1: raised for another passage"
        assert effect.command_id not in self.sent, "a command id was used twice"
        assert vehicle.released, "I1: raised without release"
        assert not IN_HAND & self.faults, "I1: raised against whoever has the boom in hand"
        self.sent.add(effect.command_id)
        bodies = [e.body for e in result.effects if isinstance(e, Record)]
        position = result.effects.index(effect)
        if isinstance(event, Overridden):
            assert first
            assert event.decision is Outcome.RELEASE, "I1: raised by another decision"
            assert event.expires_at_ms >= at.wall_ms, "I1: raised by an expired override"
            why: object = next(b for b in bodies if isinstance(b, PassageOverridden))
        else:
            verdicts = [b for b in bodies if isinstance(b, PassageDecided)]
            assert len(verdicts) == 1, "I1: raised without a verdict in the same step"
            assert verdicts[0].verdict.outcome is Outcome.RELEASE, "I1: raised against the verdict"
            why = verdicts[0]
        assert result.effects.index(Record(body=why)) < position, "recorded before raised"  # type: ignore[arg-type]
        assert effect.valid_for_s <= self.policy.raise_valid_s
        self.seen["raised"] += 1

    def _evacuated(self, *, begins: bool) -> None:
        if self.vehicle is not None and begins:
            self.vehicle.evacuated = True
            self.seen["evacuated in mid passage"] += 1
        self.seen["evacuation ordered" if begins else "evacuation ended"] += 1

    def _raise_for_everybody(self, effect: RaiseForEvacuation) -> None:
        assert self.evacuation is not None, "I1: raised for an evacuation that nobody ordered"
        assert self.evacuation in effect.command_id, "I1: raised for another evacuation"
        assert effect.command_id not in self.sent, "a command id was used twice"
        assert self.barrier is not Barrier.OPEN, "raised a boom that is up"
        assert not IN_HAND & self.faults, "I1: raised against whoever has the boom in hand"
        assert effect.valid_for_s <= self.policy.raise_valid_s
        self.sent.add(effect.command_id)
        self.seen["raised for an evacuation"] += 1

    def _lower(self, effect: LowerBarrier, event: Event, at: Instant, *, first: bool) -> None:
        assert effect.command_id not in self.sent, "a command id was used twice"
        self.sent.add(effect.command_id)
        self.lowering, self.open_since, self.is_called = effect.command_id, None, False
        assert self.evacuation is None, "I2: lowered during an evacuation"
        assert not IN_HAND & self.faults, "I2: lowered against whoever has the boom in hand"
        assert self.inputs.exit_loop is False, "I2: lowered with the exit loop not known clear"
        assert self.inputs.front_beam is False, "I2: lowered with the front beam not known clear"
        if isinstance(event, LoweringOrdered):
            assert first, "I2: a lowering order was carried out twice"
            assert event.expires_at_ms >= at.wall_ms, "I2: an expired lowering order"
            assert self.inputs.entry_loop is False, "I2: entry loop"
            assert self.inputs.rear_beam is False, "I2: rear beam"
            assert self.weight_state is WeightState.EMPTY, "I2: the scale is not at zero"
            self.seen["lowered on order"] += 1
            return
        assert self.vehicle is not None, "I2: lowered by itself after nobody"
        assert not self.vehicle.in_hand, "I2: lowered by itself after somebody had it in hand"
        assert not self.vehicle.evacuated, "I2: lowered by itself after an evacuation"
        assert self.vehicle.released, "I2: lowered by itself without a release before"
        assert self.vehicle.exit_edge, "I2: the exit loop was not seen occupied since the release"
        self.seen["lowered by itself"] += 1

    # -- everything else

    def _answer(self, event: Event, result: Step, *, first: bool) -> None:
        """Each command is answered once, a repetition never carried out."""
        if not isinstance(event, ORDERS):
            return
        answers = [
            effect.body
            for effect in result.effects
            if isinstance(effect, Record)
            and isinstance(effect.body, PassageOverridden | CommandCarriedOut | CommandRefused)
        ]
        assert len(answers) == (1 if first else 0), "a command without exactly one answer"
        self.answered.add(event.command_id)
        self.seen["refused"] += sum(isinstance(answer, CommandRefused) for answer in answers)

    def _phases(self, before: LaneState, after: LaneState) -> None:
        change = (before.phase, after.phase)
        assert before.phase is after.phase or change in ALLOWED_CHANGES, (
            f"not a transition: {change}"
        )
        assert (after.phase is Phase.IDLE) == (self.vehicle is None)
        if before.phase is not after.phase:
            self.seen[f"{before.phase.value} -> {after.phase.value}"] += 1

    def _signals(self, lane: LaneState) -> None:
        assert self.lit == lane.lamps, "lamps were left behind"
        assert self.shown in ("", lane.sign.value)
        assert not {Lamp.EXIT_GREEN, Lamp.EXIT_RED} <= self.lit, "red and green at once"
        if self.lowering is not None or self.barrier is Barrier.CLOSING:
            assert Lamp.SOUNDER in self.lit, "the boom comes down without a sound"
            assert self.shown in ("boom_closing", "evacuation")
            self.seen["sounded"] += 1
        elif self.barrier in (Barrier.CLOSED, Barrier.OPEN, Barrier.OPENING):
            assert Lamp.SOUNDER not in self.lit, "it sounds though the boom does not come down"
        if self.lowering is not None or self.barrier not in (Barrier.CLOSED, Barrier.OPEN):
            assert Lamp.STROBE in self.lit, "a boom that moves, or may, without the strobe"
        elif self.vehicle is None and self.evacuation is None:
            assert Lamp.STROBE not in self.lit, "it flashes though the boom rests"
        if self.evacuation is not None:
            assert self.shown in ("", "evacuation")
            is_up = self.barrier is Barrier.OPEN and not IN_HAND & self.faults
            assert (Lamp.EXIT_GREEN in self.lit) == (Lamp.ENTRY_GREEN in self.lit) == is_up
            return
        if Lamp.ENTRY_GREEN in self.lit:
            assert self.vehicle is None, "invited a second vehicle"
            assert self.barrier is Barrier.CLOSED
            assert self.weight_state is WeightState.EMPTY
        if Lamp.EXIT_GREEN in self.lit:
            assert self.barrier is Barrier.OPEN, "green under a boom that is not up"
            assert self.vehicle is not None
            assert self.vehicle.released, "green for a vehicle that was not released"
            assert not IN_HAND & self.faults, "green while somebody has the boom in hand"

    def _somebody_is_called(self, at: Instant, result: Step) -> None:
        """A boom that is not down while nobody was let through is an alarm within ten seconds."""
        bodies = [e.body for e in result.effects if isinstance(e, Record)]
        is_let_through = self.vehicle is not None and self.vehicle.released
        if self.barrier not in NOT_DOWN or is_let_through or self.evacuation is not None:
            self.open_since, self.is_called = None, False
            return
        if self.is_called and any(isinstance(body, PassageOpened) for body in bodies):
            self.open_since, self.is_called = None, False  # and again for each vehicle
        self.open_since = self.open_since or at
        self.is_called |= any(
            isinstance(body, AlarmRaised) and body.code is Alarm.BOOM_LEFT_OPEN for body in bodies
        )
        is_late = self.open_since.age_s(at) > 10.001
        assert self.is_called or not is_late, "an open boom, and nobody was called"


_PLAIN = str.maketrans("", "", " -")
NINETY_NINE_TO_ONE = 99.0


def _tags_are_of(vehicle: Vehicle, tag: TagEvidence | None) -> None:
    """I3: every tag that was seen since the arrival, none else, and which one came first."""
    held = {} if tag is None else {tag.tag_id: tag.since_arrival_ms}
    assert list(held.items()) == list(vehicle.tags.items())[:1], "I3: tag"
    others = () if tag is None else tag.others
    assert others == tuple(vehicle.tags)[1:], "I3: other tags"


def _containers_are_of(vehicle: Vehicle, containers: ContainerEvidence | None) -> None:
    """I3: every container number that was read since the arrival, and none else."""
    read = list(vehicle.containers.items())[:CONTAINERS_MAX]
    if containers is None:
        assert not read, "I3: containers"
    else:
        assert containers.numbers == tuple(number for number, _ in read), "I3: containers"
        assert containers.since_arrival_ms == read[0][1], "I3: containers"


def _named(plate: PlateEvidence, pack: PolicyPack) -> str:
    """What was read without doubt, or the declared plate that the picture shows without doubt."""
    limits = pack.limits
    if (
        plate.confidence_permille >= limits.min_plate_confidence_permille
        and plate.frames_agreed >= limits.min_plate_frames
    ):
        return plate.text
    assert pack.identity.verified_plate_suffices, "I4: released on a plate in doubt"
    assert plate.none_milli_nats is not None, "I4: released on a picture that nobody weighed"
    best, *others = sorted(plate.candidates, key=lambda each: -each.milli_nats)
    against = sum(exp(each.milli_nats / 1000) for each in others)
    against += exp(plate.none_milli_nats / 1000)
    odds = exp(best.milli_nats / 1000) / against
    assert odds >= NINETY_NINE_TO_ONE * 0.99, "I4: released on a picture in doubt"
    return best.text


def _is_paid(body: PassageDecided) -> bool:
    declaration = body.verdict.declaration
    return declaration is not None and declaration.fee_paid is True


def _is_no_other(plate: PlateEvidence, plates: set[str]) -> None:
    """No other declared plate explains the picture nearly as well."""
    own = [each.milli_nats for each in plate.candidates if normalize_plate(each.text) in plates]
    other = [
        each.milli_nats for each in plate.candidates if normalize_plate(each.text) not in plates
    ]
    if own and other:
        assert max(own) - max(other) >= 4_500, "I4: another declared plate fits as well"
