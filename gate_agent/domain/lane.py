"""The lane: `step(lane, event, at)` is the whole of it. Total, pure, replayable.

Theory of operation. Three small machines, coupled, not one big one:

- **Mode** (what people want): AUTO, ATTENDED, EMERGENCY of a kind, CLOSED; changed only by command.
- **Faults** (what the equipment can do): raised and cleared; `faults.py` says what each prevents.
- **Phase** (where the vehicle is), see `TRANSITIONS`.

Coupling: mode and faults never move the boom and never move the phase; they are evidence, so they
can only turn a release into a Hold when the verdict is made. Lamps and sign are a function of the
state (`signals.py`). Beside them stands the evacuation (`evacuation.py`): while one lasts the boom
is LOCKED_OPEN, raised and kept so whatever mode, faults and phase are; it moves no phase either.

Invariants, each held by a property test against the history of effects
(tests/stateful/test_lane_invariants.py):

- I1 the barrier is raised only for a Release verdict of *this* passage or an unexpired override
  that names *this* passage. (A physical emergency opening is the barrier's own.) Or for an
  evacuation that a named person's unexpired order began and none has ended: then for nobody's
  passage. Never while an emergency stop or the barrier's own switch says that it is in hand.
- I2 the lane lowers the barrier by itself only after the front beam was seen cut and then the exit
  loop occupied and clear since the raise (after a restart: the exit loop alone,
  once the scale says zero), and nothing under or before the boom is occupied or unknown; three
  times at most for one passage. A boom that
  was left open over an empty lane comes down by a named person's order, with every loop and beam
  known clear and the scale at zero. While an evacuation lasts nothing lowers it, and after its end
  it comes down by such an order only: no passage that saw an evacuation lowers. Nor does one
  during which somebody had the boom in hand; while he has it, no order lowers it either.
- I3 evidence older than the arrival, or of another passage, is never used.
- I4 missing, stale or faulty evidence can only make a verdict stricter. That there was an
  evacuation is evidence: nobody is released during one, by verdict or override, nothing is used up.
- I5 every passage ends with exactly one closing record; that of a vehicle which drives out of an
  evacuation unreleased says so. None ends because the scale says zero under a vehicle that was
  wholly on the platform and was not seen to leave.
- I6 the weight used was settled, or an interval in which it must settle lay wholly inside the
  tolerance; either way with the vehicle wholly on the platform.
- I7 folding the journal reproduces the snapshot.
- I8 `step` is total: no event raises, whatever the state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from gate_agent.domain import (
    commands,
    evacuation,
    falling,
    gathering,
    left_open,
    loops,
    marks,
    noticing,
    passing,
    watching,
    way_out,
)
from gate_agent.domain.arrival import adopt, open_passage, someone_is_here
from gate_agent.domain.deadlines import disarm, kind_of
from gate_agent.domain.decision import Reason
from gate_agent.domain.effects import Ignored, Lamp, Record, SetLamp, Show
from gate_agent.domain.events import (
    AgentStarted,
    BarrierCommandFailed,
    BarrierMoved,
    CardPresented,
    ClaimAnswered,
    ClipKept,
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
    PolicyChanged,
    RaiseSent,
    TagRead,
    WeightObserved,
)
from gate_agent.domain.faults import IN_HAND, FaultCode
from gate_agent.domain.hiding import follow_hiding
from gate_agent.domain.manifest import NO_MANIFEST
from gate_agent.domain.policy_pack import default_pack
from gate_agent.domain.records import Alarm, FaultChanged, LaneStarted
from gate_agent.domain.signals import wanted_lamps, wanted_reason, wanted_sign
from gate_agent.domain.state import UNREAD, DeadlineKind, Inputs, LaneState, Step
from gate_agent.domain.vocabulary import Barrier, Instant, Phase, WeightState

TRANSITIONS: tuple[tuple[Phase, str, Phase], ...] = (
    (Phase.IDLE, "a vehicle comes", Phase.GATHERING),
    (Phase.GATHERING, "verdict Release", Phase.RELEASING),
    (Phase.GATHERING, "verdict Hold or Inspect", Phase.HELD),
    (Phase.GATHERING, "verdict Refuse", Phase.TURNING_BACK),
    (Phase.GATHERING, "left undecided", Phase.IDLE),
    (Phase.HELD, "supervisor: Release", Phase.RELEASING),
    (Phase.HELD, "supervisor: Inspect or Refuse", Phase.TURNING_BACK),
    (Phase.HELD, "the vehicle is gone", Phase.IDLE),
    (Phase.TURNING_BACK, "supervisor: Release", Phase.RELEASING),
    (Phase.TURNING_BACK, "the vehicle is gone", Phase.IDLE),
    (Phase.RELEASING, "past the boom and clear", Phase.CLEARING),
    (Phase.RELEASING, "the raise failed", Phase.HELD),
    (Phase.RELEASING, "closed after the vehicle passed", Phase.IDLE),
    (Phase.CLEARING, "something came under the boom", Phase.RELEASING),
    (Phase.CLEARING, "boom down", Phase.IDLE),
    (Phase.GATHERING, "the agent restarted", Phase.HELD),
    (Phase.TURNING_BACK, "the agent restarted", Phase.HELD),
    (Phase.CLEARING, "the agent restarted", Phase.RELEASING),
)
"""Every change of phase. Where a passage ends with the next vehicle already in the lane, two rows
happen in one step. docs/explanation/lane.md draws it, a test compares both."""


_SIGNALS_LOST = frozenset({FaultCode.BUS_LINK, FaultCode.STORE})
"""While one of these lasted, lamps and sign may have been switched without the lane's asking."""


def step(lane: LaneState, event: Event, at: Instant) -> Step:
    """The lane after `event`, and the effects it asks for, in order."""
    after = _handle(lane, event, at)
    after = after.on(evacuation.keep_open(lane, after.lane))
    after = loops.watch(lane, event, left_open.watch(lane, event, after))
    after = falling.follow_fall(lane, event, after)
    force = isinstance(event, AgentStarted) or (
        isinstance(event, FaultCleared) and event.code in _SIGNALS_LOST
    )
    return after.on(_signal(after.lane, force=force))


def _handle(lane: LaneState, event: Event, at: Instant) -> Step:  # noqa: C901, PLR0911, PLR0912 - one case an event
    match event:
        case AgentStarted():
            return _start(lane, event, at)
        case PolicyChanged():
            return _change_policy(lane, event)
        case InputsChanged():
            return _follow_inputs(lane, event, at)
        case WeightObserved():
            return _follow_weight(lane, event, at)
        case BarrierMoved():
            return passing.move_barrier(lane, event, at)
        case RaiseSent():
            return passing.note_raise_sent(lane, event, at)
        case BarrierCommandFailed():
            return passing.note_command_failed(lane, event, at)
        case PlateRead():
            return gathering.take_plate(lane, event, at)
        case ClipKept():
            return noticing.note_clip(lane, event)
        case CardPresented():
            return gathering.take_card(lane, event, at)
        case TagRead():
            return marks.take_tag(lane, event, at)
        case ContainersRead():
            step = marks.take_containers(lane, event, at)
            return step.on(gathering.look_up(step.lane, at))
        case DeclarationsFound():
            return gathering.take_declarations(lane, event, at)
        case ClaimAnswered():
            return gathering.take_claim(lane, event, at)
        case DeadlineExpired():
            return _expire(lane, event, at)
        case Overridden():
            return commands.override(lane, event, at)
        case LoweringOrdered():
            return commands.lower_on_order(lane, event, at)
        case EvacuationOrdered():
            return commands.evacuate(lane, event, at)
        case EvacuationEnded():
            return commands.end_evacuation(lane, event, at)
        case ModeSet():
            return commands.set_mode(lane, event, at)
        case FaultRaised():
            return _raise_fault(lane, event)
        case FaultCleared():
            return _clear_fault(lane, event)
        case _:
            assert_never(event)


def _start(lane: LaneState, event: AgentStarted, at: Instant) -> Step:
    """Nothing sensed before the start is known any more; an open passage is interrupted.

    That the clock is wrong was no sensing: it is believed until the hub's clock agrees.
    """
    passage = lane.passage
    cleared = tuple(
        Record(body=FaultChanged(code=fault, raised=False, detail="the agent restarted"))
        for fault in sorted(lane.faults - {FaultCode.CLOCK})
    )
    lane = replace(
        lane,
        policy=event.policy,
        pack=event.pack or (lane.pack if lane.pack.owner else default_pack(event.policy)),
        next_pack=None,
        inputs=UNREAD,
        barrier=Barrier.UNKNOWN,
        weight_state=WeightState.UNAVAILABLE,
        weight_kg=None,
        faults=lane.faults & {FaultCode.CLOCK},
        manifest=NO_MANIFEST,
        deadlines=(),
    )
    started = LaneStarted(
        version=event.version, interrupted=passage.passage_id if passage else None
    )
    step = Step(lane, (Record(body=started), *cleared))
    if passage is None:
        return step
    lane = replace(lane, passage=replace(passage, interrupted=True, lookup=None))
    if lane.phase in (Phase.RELEASING, Phase.CLEARING):
        # The boom may be up with the vehicle under it. The raise is never repeated: where the
        # boom turns out to be down, `passing` hands the vehicle to a person.
        return step.on(passing.watch_open(replace(lane, phase=Phase.RELEASING)))
    return step.on(passing.hold(lane, Reason.INTERRUPTED, at))


def _change_policy(lane: LaneState, event: PolicyChanged) -> Step:
    """Adopt other rules. A vehicle that has come is judged by those under which it came."""
    lane = replace(lane, next_pack=event.pack)
    return Step(lane) if lane.passage is not None else adopt(lane)


def _follow_inputs(lane: LaneState, event: InputsChanged, at: Instant) -> Step:
    before = lane.inputs
    lane = replace(
        lane,
        inputs=Inputs(
            entry_loop=event.entry_loop,
            front_beam=event.front_beam,
            rear_beam=event.rear_beam,
            exit_loop=event.exit_loop,
        ),
    )
    if lane.phase is Phase.IDLE:
        return _inputs_while_idle(lane, before, at)
    step = watching.watch_tailgating(way_out.note_exit(lane))
    lane = gathering.follow_beams(step.lane, at)
    step = step.on(follow_hiding(lane, at))
    lane = step.lane
    step = step.on(passing.follow_presence(lane))
    return step.on(passing.follow_exit(step.lane))


def _inputs_while_idle(lane: LaneState, before: Inputs, at: Instant) -> Step:
    step = Step(lane)
    if lane.inputs.exit_loop is True and before.exit_loop is False:
        step = watching.alarm(lane, Alarm.WRONG_WAY)
    if someone_is_here(lane):
        came_in = lane.inputs.entry_loop is True and lane.inputs.front_beam is not True
        return step.on(open_passage(lane, at, unexpected=not came_in))
    return step


def _follow_weight(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    step = gathering.take_weight(lane, event, at)
    if step.lane.phase is Phase.IDLE and someone_is_here(step.lane):
        return step.on(open_passage(step.lane, at, unexpected=True))
    step = step.on(follow_hiding(step.lane, at))
    step = step.on(watching.watch_weight(step.lane))
    step = step.on(noticing.follow_early(step.lane, event, at))
    step = step.on(noticing.notice_weight(step.lane, event, at))
    step = step.on(passing.follow_presence(step.lane))
    step = step.on(Step(way_out.note_exit(step.lane)))
    return step.on(passing.follow_exit(step.lane))


def _expire(lane: LaneState, event: DeadlineExpired, at: Instant) -> Step:  # noqa: C901, PLR0911, PLR0912 - one case a kind
    kind = kind_of(lane, event.token)
    if kind is None:
        return Step(lane, (Ignored(why="deadline no longer armed"),))
    lane = disarm(lane, kind)
    match kind:
        case DeadlineKind.GATHER:
            return gathering.gather_over(lane, at)
        case DeadlineKind.LOOKUP:
            return gathering.lookup_failed(lane, at)
        case DeadlineKind.CLAIM:
            return gathering.claim_unanswered(lane, at)
        case DeadlineKind.ABSENCE:
            return passing.absence_confirmed(lane, at)
        case DeadlineKind.BOOM_UP:
            return passing.boom_not_up(lane, at)
        case DeadlineKind.LOWER:
            return passing.lower(lane, at)
        case DeadlineKind.OPEN_TOO_LONG:
            return watching.alarm(lane, Alarm.OPEN_TOO_LONG)
        case DeadlineKind.LEFT_OPEN if lane.evacuation is not None:
            return Step(lane)
        case DeadlineKind.LEFT_OPEN:
            return watching.alarm(falling.hangs(lane), Alarm.BOOM_LEFT_OPEN)
        case (
            DeadlineKind.EXIT_LOOP_HELD
            | DeadlineKind.ENTRY_LOOP_STUCK
            | DeadlineKind.EXIT_LOOP_STUCK
        ):
            return watching.alarm(lane, loops.ALARM_OF[kind])
        case DeadlineKind.KEEP_OPEN:
            return evacuation.again(lane)
        case _:
            assert_never(kind)


def _raise_fault(lane: LaneState, event: FaultRaised) -> Step:
    if event.code in lane.faults:
        return Step(lane)
    lane = replace(lane, faults=lane.faults | {event.code})
    if event.code in IN_HAND and lane.passage is not None:
        lane = replace(lane, passage=replace(lane.passage, in_hand=True))
    changed = FaultChanged(code=event.code, raised=True, detail=event.detail)
    return Step(lane, (Record(body=changed),))


def _clear_fault(lane: LaneState, event: FaultCleared) -> Step:
    if event.code not in lane.faults:
        return Step(lane)
    lane = replace(lane, faults=lane.faults - {event.code})
    changed = FaultChanged(code=event.code, raised=False, detail="")
    return Step(lane, (Record(body=changed),)).on(passing.follow_exit(lane))


def _signal(lane: LaneState, *, force: bool) -> Step:
    """Switch what differs from what should be lit and shown; everything when forced."""
    lamps, sign, reason = wanted_lamps(lane), wanted_sign(lane), wanted_reason(lane)
    shown = (lane.sign, lane.sign_reason, lane.sign_emergency)
    wanted = (sign, reason, lane.emergency)
    if not force and lamps == lane.lamps and wanted == shown:
        return Step(lane)
    effects: list[SetLamp | Show] = [
        SetLamp(lamp=lamp, on=lamp in lamps)
        for lamp in Lamp
        if force or (lamp in lamps) != (lamp in lane.lamps)
    ]
    if force or wanted != shown:
        effects.append(Show(sign=sign, reason=reason, emergency=lane.emergency))
    lane = replace(lane, lamps=lamps, sign=sign, sign_reason=reason, sign_emergency=lane.emergency)
    return Step(lane, tuple(effects))
