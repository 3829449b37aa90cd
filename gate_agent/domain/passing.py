"""After the verdict: the boom goes up and comes down, or the vehicle turns back."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.arrival import is_empty, open_passage, someone_is_here
from gate_agent.domain.deadlines import arm, disarm, is_armed
from gate_agent.domain.decision import Reason, Verdict
from gate_agent.domain.effects import Ignored, LowerBarrier, RaiseBarrier, Record
from gate_agent.domain.events import BarrierCommandFailed, BarrierMoved, RaiseSent
from gate_agent.domain.evidence import Evidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import (
    Alarm,
    FaultChanged,
    PassageClosed,
    PassageDecided,
)
from gate_agent.domain.state import DeadlineKind, LaneState, Passage, Step
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    Instant,
    Left,
    Outcome,
    Phase,
    WeightState,
)

LEFT_OPEN_S = 10.0
"""An open boom over an empty lane for this long is an alarm."""


def begin_release(lane: LaneState, at: Instant) -> Step:
    """Raise the boom for this passage; a boom that is already up needs no command."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    lane = disarm(lane, DeadlineKind.ABSENCE)
    lane = replace(lane, phase=Phase.RELEASING)
    if lane.barrier is Barrier.OPEN:
        timeline = replace(passage.timeline, boom_up=at)
        return Step(replace(lane, passage=replace(passage, timeline=timeline)))
    number = passage.raises + 1
    lane = replace(lane, passage=replace(passage, raises=number, exit_seen=False))
    command = RaiseBarrier(
        passage_id=passage.passage_id,
        command_id=CommandId(f"{passage.passage_id}-raise-{number}"),
        valid_for_s=lane.policy.raise_valid_s,
    )
    step = Step(lane, (command,))
    step = step.on(arm(step.lane, DeadlineKind.BOOM_UP, lane.policy.boom_up_timeout_s))
    return step.on(arm(step.lane, DeadlineKind.OPEN_TOO_LONG, lane.policy.open_too_long_s))


def begin_turning_back(lane: LaneState) -> Step:
    """The boom stays down; the vehicle leaves the way it came."""
    return follow_presence(replace(lane, phase=Phase.TURNING_BACK))


def note_raise_sent(lane: LaneState, event: RaiseSent, at: Instant) -> Step:
    """Keep when the raise command was on the wire."""
    passage = lane.passage
    if passage is None or event.command_id != f"{passage.passage_id}-raise-{passage.raises}":
        return Step(lane, (Ignored(why="confirmation of an old command"),))
    timeline = replace(passage.timeline, raise_sent=at)
    return Step(replace(lane, passage=replace(passage, timeline=timeline)))


def note_command_failed(lane: LaneState, event: BarrierCommandFailed, at: Instant) -> Step:
    """A raise that was never sent leaves the vehicle to a person; a lowering is tried again."""
    passage = lane.passage
    if passage is None or not event.command_id.startswith(passage.passage_id):
        return Step(lane, (Ignored(why="failure of an old command"),))
    if lane.phase is Phase.CLEARING:
        return follow_exit(replace(lane, phase=Phase.RELEASING))
    if lane.phase is Phase.RELEASING and passage.timeline.boom_up is None:
        return hold(lane, Reason.RELEASE_FAILED, at)
    return Step(lane, (Ignored(why=f"barrier command failed: {event.why}"),))


def hold(lane: LaneState, reason: Reason, at: Instant) -> Step:
    """Hand a passage that was already decided to a person after all."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    known = passage.verdict
    verdict = Verdict(
        outcome=Outcome.HOLD,
        reasons=tuple(dict.fromkeys([*(known.reasons if known else ()), reason])),
        declaration=known.declaration if known else None,
    )
    lane = replace(
        disarm(lane, *DeadlineKind),
        phase=Phase.HELD,
        passage=replace(passage, verdict=verdict, decided_by="lane"),
    )
    decided = PassageDecided(
        passage_id=passage.passage_id,
        verdict=verdict,
        evidence=_evidence_now(lane, passage),
        policy_version=lane.policy.version,
        at=at,
    )
    return Step(lane, (Record(body=decided),)).on(follow_presence(lane))


def _evidence_now(lane: LaneState, passage: Passage) -> Evidence:
    return Evidence(
        passage_id=passage.passage_id,
        arrived_at=passage.arrived_at,
        plate=passage.plate,
        card=passage.card,
        weight=passage.weight,
        manifest=lane.manifest,
        faults=lane.faults,
        barrier=lane.barrier,
        mode=lane.mode,
        interrupted=passage.interrupted,
        unexpected=passage.unexpected,
        scale_zeroed=passage.scale_zeroed,
        alone=passage.alone,
    )


def move_barrier(lane: LaneState, event: BarrierMoved, at: Instant) -> Step:
    """Follow the boom."""
    before = lane.barrier
    lane = replace(lane, barrier=event.position)
    if FaultCode.BARRIER_STUCK in lane.faults and event.position in (Barrier.OPEN, Barrier.CLOSED):
        lane = replace(lane, faults=lane.faults - {FaultCode.BARRIER_STUCK})
        step = Step(lane, (_fault(FaultCode.BARRIER_STUCK, raised=False),))
    else:
        step = Step(lane)
    if event.position is Barrier.FORCED and before is not Barrier.FORCED:
        step = step.plus(_alarm(lane, Alarm.BOOM_FORCED))
    if lane.phase is Phase.RELEASING:
        return step.on(_boom_while_releasing(lane, at))
    if lane.phase is Phase.CLEARING:
        return step.on(_boom_while_clearing(lane, at))
    if lane.phase is Phase.IDLE and event.position is Barrier.OPEN:
        return step.on(arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S))
    return step


def _boom_while_releasing(lane: LaneState, at: Instant) -> Step:
    passage = lane.passage
    if passage is None:
        return Step(lane)
    if lane.barrier is Barrier.OPEN and passage.timeline.boom_up is None:
        timeline = replace(passage.timeline, boom_up=at)
        lane = replace(lane, passage=replace(passage, timeline=timeline))
        return follow_exit(disarm(lane, DeadlineKind.BOOM_UP))
    if lane.barrier is Barrier.CLOSED and (
        passage.timeline.boom_up is not None or passage.interrupted
    ):
        # Lowered by somebody else, or closed while the agent was down.
        if passage.exit_seen:
            return close_passage(lane, Left.EXIT, at)
        return hold(lane, Reason.INTERRUPTED if passage.interrupted else Reason.RELEASE_FAILED, at)
    return Step(lane)


def _boom_while_clearing(lane: LaneState, at: Instant) -> Step:
    if lane.barrier is Barrier.CLOSED:
        passage = lane.passage
        seen = passage is not None and passage.exit_seen
        return close_passage(lane, Left.EXIT if seen else Left.UNSEEN, at)
    if lane.barrier in (Barrier.OPEN, Barrier.OPENING):
        # The barrier or its driver reversed because something came under the boom.
        return follow_exit(replace(lane, phase=Phase.RELEASING))
    return Step(lane)


def follow_exit(lane: LaneState) -> Step:
    """Lower after the exit loop was seen occupied and is clear again, for a moment (I2)."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.RELEASING:
        return Step(lane)
    if lane.inputs.exit_loop is True and not passage.exit_seen:
        passage = replace(passage, exit_seen=True)
        lane = replace(lane, passage=passage)
    if may_lower(lane):
        if is_armed(lane, DeadlineKind.LOWER):
            return Step(lane)
        return arm(lane, DeadlineKind.LOWER, lane.policy.lower_delay_s)
    lane = disarm(lane, DeadlineKind.LOWER)
    if lane.barrier is Barrier.OPEN and is_empty(lane) and not passage.exit_seen:
        if is_armed(lane, DeadlineKind.LEFT_OPEN):
            return Step(lane)
        return arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S)
    return Step(disarm(lane, DeadlineKind.LEFT_OPEN))


def may_lower(lane: LaneState) -> bool:
    """I2: seen occupied and then clear since the raise, and nothing occupied or unknown now."""
    return (
        lane.passage is not None
        and lane.passage.exit_seen
        and lane.inputs.exit_loop is False
        and lane.inputs.front_beam is False
        and lane.barrier is Barrier.OPEN
    )


def lower(lane: LaneState, at: Instant) -> Step:
    """The way has been clear for long enough: lower the boom."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.RELEASING or not may_lower(lane):
        return Step(lane, (Ignored(why="the way is not clear any more"),))
    timeline = replace(passage.timeline, exit_clear=at)
    lane = disarm(lane, DeadlineKind.OPEN_TOO_LONG, DeadlineKind.LEFT_OPEN)
    lane = replace(lane, phase=Phase.CLEARING, passage=replace(passage, timeline=timeline))
    return Step(lane, (LowerBarrier(command_id=lowering_id(passage)),))


def lowering_id(passage: Passage) -> CommandId:
    """The id of the command that lowers the boom after this passage."""
    return CommandId(f"{passage.passage_id}-lower-{passage.raises}")


def boom_not_up(lane: LaneState, at: Instant) -> Step:
    """The boom did not reach its upper limit in time."""
    if lane.phase is not Phase.RELEASING:
        return Step(lane)
    step = Step(
        replace(lane, faults=lane.faults | {FaultCode.BARRIER_STUCK}),
        (_fault(FaultCode.BARRIER_STUCK, raised=True),),
    )
    passage = lane.passage
    moving = lane.barrier in (Barrier.OPENING, Barrier.OPEN, Barrier.STOPPED_MID)
    if passage is not None and not passage.exit_seen and not moving:
        # It did not move, or nobody knows: the vehicle is a person's.
        return step.on(hold(step.lane, Reason.RELEASE_FAILED, at))
    return step


def follow_presence(lane: LaneState) -> Step:
    """Notice that a vehicle which was not released has gone."""
    if lane.phase not in (Phase.GATHERING, Phase.HELD, Phase.TURNING_BACK):
        return Step(lane)
    lane = _note_backing(lane)
    if not is_gone(lane):
        return Step(disarm(lane, DeadlineKind.ABSENCE))
    if is_armed(lane, DeadlineKind.ABSENCE):
        return Step(lane)
    return arm(lane, DeadlineKind.ABSENCE, lane.policy.absence_s)


def _note_backing(lane: LaneState) -> LaneState:
    passage = lane.passage
    backing = lane.phase is not Phase.GATHERING and lane.inputs.entry_loop is True
    if passage is None or not backing or passage.entry_seen_again:
        return lane
    return replace(lane, passage=replace(passage, entry_seen_again=True))


def is_gone(lane: LaneState) -> bool:
    """Whether the vehicle has left by the entry.

    With the scale silent a vehicle that stands wholly on the platform is invisible, so then it
    must have been seen on the entry loop after the verdict.
    """
    if is_empty(lane):
        return True
    inputs = lane.inputs
    return (
        lane.weight_state is WeightState.UNAVAILABLE
        and lane.passage is not None
        and lane.passage.entry_seen_again
        and inputs.entry_loop is False
        and inputs.rear_beam is False
        and inputs.front_beam is False
    )


def absence_confirmed(lane: LaneState, at: Instant) -> Step:
    """The lane has been empty for long enough: the passage ends."""
    passage = lane.passage
    if passage is None or not is_gone(lane):
        return Step(lane)
    if passage.verdict is None:
        undecided = hold(lane, Reason.LEFT_UNDECIDED, at)
        return undecided.on(close_passage(undecided.lane, Left.ENTRY, at))
    return close_passage(lane, Left.UNSEEN if passage.interrupted else Left.ENTRY, at)


def close_passage(lane: LaneState, left: Left, at: Instant) -> Step:
    """Write the one closing record and be ready for the next vehicle, who may be here already."""
    passage = lane.passage
    if passage is None or passage.verdict is None:
        return Step(lane)
    closed = PassageClosed(
        passage_id=passage.passage_id,
        outcome=passage.verdict.outcome,
        decided_by=passage.decided_by,
        left=left,
        arrived_at=passage.arrived_at,
        timeline=passage.timeline,
    )
    lane = replace(lane, phase=Phase.IDLE, passage=None, deadlines=())
    step = Step(lane, (Record(body=closed),))
    if someone_is_here(lane):
        return step.on(open_passage(lane, at, unexpected=True))
    return step


def _fault(code: FaultCode, *, raised: bool) -> Record:
    return Record(body=FaultChanged(code=code, raised=raised, detail=""))
