"""After the verdict: the boom goes up and comes down, or the vehicle turns back."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.arrival import (
    adopt,
    is_empty,
    open_passage,
    someone_is_here,
    waits_at_entry,
)
from gate_agent.domain.at_hand import evidence_of
from gate_agent.domain.deadlines import arm, disarm, is_armed
from gate_agent.domain.decision import Reason
from gate_agent.domain.departures import note_departure
from gate_agent.domain.effects import Ignored, LowerBarrier, RaiseBarrier, Record
from gate_agent.domain.events import BarrierCommandFailed, BarrierMoved, RaiseSent
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.handover import handed_over
from gate_agent.domain.noticing import notice, weighed_in_the_end
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
    Phase,
)
from gate_agent.domain.watching import alarm
from gate_agent.domain.way_out import LOWERINGS_MAX, is_gone, is_way_clear, is_weightless, keep_clip

LEFT_OPEN_S = 10.0
"""An open boom over an empty lane, or one that was told to come down, is an alarm after this."""

ASTRAY = (Barrier.FAULT, Barrier.STOPPED_MID, Barrier.FORCED)
"""Where a boom is that goes neither up nor down by itself."""

NOT_DOWN = (Barrier.OPEN, Barrier.STOPPED_MID, Barrier.FORCED)
"""Where a boom stays that nobody lowers."""


def begin_release(lane: LaneState, at: Instant) -> Step:
    """Raise the boom for this passage; a boom that is already up needs no command."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    is_up = lane.barrier is Barrier.OPEN
    timeline = replace(passage.timeline, raise_sent=None, boom_up=at if is_up else None)
    nose_out = lane.inputs.front_beam is True
    passage = replace(
        passage, timeline=timeline, front_seen=nose_out, exit_seen=False, way_was_clear=False
    )
    lane = replace(lane, phase=Phase.RELEASING, passage=passage)
    lane = disarm(lane, DeadlineKind.ABSENCE, DeadlineKind.LEFT_OPEN)
    return watch_open(lane) if is_up else _raise(lane, passage)


def _raise(lane: LaneState, passage: Passage) -> Step:
    passage = replace(passage, raises=passage.raises + 1)
    lane = replace(lane, passage=passage)
    command = RaiseBarrier(
        passage_id=passage.passage_id,
        command_id=raising_id(passage),
        valid_for_s=lane.policy.raise_valid_s,
    )
    step = Step(lane, (command,))
    step = step.on(arm(step.lane, DeadlineKind.BOOM_UP, lane.policy.boom_up_timeout_s))
    return step.on(watch_open(step.lane))


def watch_open(lane: LaneState) -> Step:
    """From now on a boom that stays up too long is an alarm."""
    return arm(lane, DeadlineKind.OPEN_TOO_LONG, lane.policy.open_too_long_s)


def begin_turning_back(lane: LaneState) -> Step:
    """The boom stays down; the vehicle leaves the way it came."""
    return follow_presence(replace(lane, phase=Phase.TURNING_BACK))


def note_raise_sent(lane: LaneState, event: RaiseSent, at: Instant) -> Step:
    """Keep when the raise command was on the wire."""
    passage = lane.passage
    if passage is None or event.command_id != raising_id(passage):
        return Step(lane, (Ignored(why="confirmation of an old command"),))
    timeline = replace(passage.timeline, raise_sent=at)
    return Step(replace(lane, passage=replace(passage, timeline=timeline)))


def note_command_failed(lane: LaneState, event: BarrierCommandFailed, at: Instant) -> Step:
    """A raise that was never sent leaves the vehicle to a person; a lowering is tried again."""
    passage = lane.passage
    if passage is None:
        return Step(lane, (Ignored(why="failure of an old command"),))
    is_raise = event.command_id == raising_id(passage)
    if is_raise and lane.phase is Phase.RELEASING and passage.timeline.boom_up is None:
        return hold(lane, Reason.RELEASE_FAILED, at)
    is_lowering = event.command_id == lowering_id(passage) or event.command_id.startswith(
        f"{passage.passage_id}-order-"
    )
    if is_lowering and lane.phase is Phase.CLEARING:
        return _open_again(lane)
    return Step(lane, (Ignored(why=f"barrier command failed: {event.why}"),))


def _open_again(lane: LaneState) -> Step:
    """The boom is not coming down after all: back to waiting for a clear way.

    After a lowering by the lane itself the watch that the raise began goes on: a boom that
    ignores one lowering after the other must not put its own alarm off for ever.
    """
    passage = lane.passage
    lane = disarm(replace(lane, phase=Phase.RELEASING), DeadlineKind.LEFT_OPEN)
    by_order = passage is None or passage.lowerings == 0
    step = watch_open(lane) if by_order else Step(lane)
    return step.on(follow_exit(step.lane))


def hold(lane: LaneState, reason: Reason, at: Instant) -> Step:
    """Hand a passage that was already decided to a person after all."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    verdict = handed_over(passage.verdict, reason)
    lane = replace(
        disarm(lane, *DeadlineKind),
        phase=Phase.HELD,
        passage=replace(passage, verdict=verdict, decided_by="lane"),
    )
    decided = PassageDecided(
        passage_id=passage.passage_id,
        verdict=verdict,
        evidence=evidence_of(lane, passage, at),
        pack=lane.pack,
        wall_ms=at.wall_ms,
        handed_over_for=reason,
        verdict_before=passage.verdict,
    )
    return Step(lane, (Record(body=decided),)).on(follow_presence(lane))


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
        step = step.on(alarm(lane, Alarm.BOOM_FORCED))
    if lane.phase is Phase.RELEASING:
        return step.on(_boom_while_releasing(lane, at))
    if lane.phase is Phase.CLEARING:
        return step.on(_boom_while_clearing(lane, at))
    return step


def _boom_while_releasing(lane: LaneState, at: Instant) -> Step:
    passage = lane.passage
    if passage is None:
        return Step(lane)
    if lane.barrier is Barrier.OPEN:
        timeline = replace(passage.timeline, boom_up=passage.timeline.boom_up or at)
        lane = replace(lane, passage=replace(passage, timeline=timeline))
        return follow_exit(disarm(lane, DeadlineKind.BOOM_UP))
    is_expected_up = passage.timeline.boom_up is None and is_armed(lane, DeadlineKind.BOOM_UP)
    if lane.barrier is Barrier.CLOSED and not is_expected_up:
        # Lowered by somebody else, freed by hand, or closed while the agent was down.
        if passage.exit_seen:
            return close_passage(lane, Left.EXIT, at)
        return hold(lane, _why_not_up(passage), at)
    if passage.exit_seen:
        # It comes down without the lane: its own controller, or somebody at it.
        is_up_again = lane.barrier in (Barrier.OPENING, Barrier.CLOSED)
        step = Step(lane) if is_up_again else keep_clip(lane)
        return step.on(follow_exit(step.lane))
    if lane.barrier in ASTRAY and not is_armed(lane, DeadlineKind.BOOM_UP):
        return _boom_astray(lane, passage, at)
    return Step(lane)


def _boom_astray(lane: LaneState, passage: Passage, at: Instant) -> Step:
    """A boom that did not get up, or did not stay up, before a released vehicle: a person's."""
    if passage.timeline.boom_up is None:
        return hold(lane, _why_not_up(passage), at)
    return arm(lane, DeadlineKind.BOOM_UP, lane.policy.boom_up_timeout_s)


def _why_not_up(passage: Passage) -> Reason:
    return Reason.INTERRUPTED if passage.interrupted else Reason.RELEASE_FAILED


def _boom_while_clearing(lane: LaneState, at: Instant) -> Step:
    if lane.barrier is Barrier.CLOSED:
        passage = lane.passage
        seen = passage is not None and passage.exit_seen
        return close_passage(lane, Left.EXIT if seen else Left.UNSEEN, at)
    if lane.barrier in (Barrier.OPEN, Barrier.OPENING):
        # The barrier or its driver reversed because something came under the boom.
        return _open_again(lane)
    return Step(lane)


def follow_exit(lane: LaneState) -> Step:
    """Lower after the exit loop was seen occupied and is clear again, for a moment (I2)."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.RELEASING:
        return Step(lane)
    if is_way_clear(lane):
        if is_armed(lane, DeadlineKind.LOWER):
            return Step(lane)
        step = keep_clip(lane)
        return step.on(arm(step.lane, DeadlineKind.LOWER, lane.policy.lower_delay_s))
    lane = disarm(lane, DeadlineKind.LOWER)
    is_up = lane.barrier is Barrier.OPEN
    needs_order = not passage.exit_seen or passage.lowerings >= LOWERINGS_MAX or not is_up
    if lane.barrier in NOT_DOWN and is_empty(lane) and needs_order:
        if is_armed(lane, DeadlineKind.LEFT_OPEN):
            return Step(lane)
        return arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S)
    return Step(disarm(lane, DeadlineKind.LEFT_OPEN))


def lower(lane: LaneState, at: Instant) -> Step:
    """The way has been clear for long enough: lower the boom."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.RELEASING or not is_way_clear(lane):
        return Step(lane, (Ignored(why="the way is not clear any more"),))
    timeline = replace(passage.timeline, exit_clear=at)
    if passage.evacuated or passage.in_hand:  # then it comes down by a person's order only
        gone = replace(lane, passage=replace(passage, timeline=timeline))
        return close_passage(gone, Left.EXIT, at)
    passage = replace(passage, timeline=timeline, lowerings=passage.lowerings + 1)
    lane = replace(lane, phase=Phase.CLEARING, passage=passage)
    step = Step(lane, (LowerBarrier(command_id=lowering_id(passage)),))
    return step.on(arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S))


def raising_id(passage: Passage) -> CommandId:
    """The id of the latest command that raised the boom for this passage."""
    return CommandId(f"{passage.passage_id}-raise-{passage.raises}")


def lowering_id(passage: Passage) -> CommandId:
    """The id of the latest lowering by the lane itself. A driver does each id only once."""
    return CommandId(f"{passage.passage_id}-lower-{passage.lowerings}")


def boom_not_up(lane: LaneState, at: Instant) -> Step:
    """The boom did not reach its upper limit in time."""
    if lane.phase is not Phase.RELEASING:
        return Step(lane)
    step = Step(lane)
    if FaultCode.BARRIER_STUCK not in lane.faults:
        stuck = replace(lane, faults=lane.faults | {FaultCode.BARRIER_STUCK})
        step = Step(stuck, (_fault(FaultCode.BARRIER_STUCK, raised=True),))
    passage = lane.passage
    moving = lane.barrier in (Barrier.OPENING, Barrier.OPEN)
    if passage is not None and not passage.exit_seen and not moving:
        # It did not move, stopped half way, or nobody knows: the vehicle is a person's.
        return step.on(hold(step.lane, Reason.RELEASE_FAILED, at))
    return step


def follow_presence(lane: LaneState) -> Step:
    """Notice that a vehicle which was not released has gone."""
    if lane.phase not in (Phase.GATHERING, Phase.HELD, Phase.TURNING_BACK):
        return Step(lane)
    lane = _note_backing(lane)
    is_leaving = is_gone(lane)
    if not is_leaving and not is_weightless(lane):
        return Step(disarm(lane, DeadlineKind.ABSENCE))
    if is_armed(lane, DeadlineKind.ABSENCE):
        return Step(lane)
    step = keep_clip(lane) if is_leaving else Step(lane)
    return step.on(arm(step.lane, DeadlineKind.ABSENCE, lane.policy.absence_s))


def _note_backing(lane: LaneState) -> LaneState:
    passage = lane.passage
    if passage is None or passage.entry_seen_again or lane.inputs.entry_loop is not True:
        return lane
    if lane.phase is Phase.GATHERING and not passage.rear_beam_passed:
        return lane  # still coming in
    return replace(lane, passage=replace(passage, entry_seen_again=True))


def absence_confirmed(lane: LaneState, at: Instant) -> Step:
    """The lane has been empty for long enough: the passage ends. Unless only the scale says so."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    if not is_gone(lane):
        return notice(lane, Alarm.ZEROED_UNDER_LOAD) if is_weightless(lane) else Step(lane)
    why = Reason.LANE_EVACUATED if passage.evacuated else Reason.LEFT_UNDECIDED
    step = Step(lane) if passage.verdict else hold(lane, why, at)
    if passage.exit_seen and lane.evacuation is not None:
        return step.on(close_passage(step.lane, Left.EVACUATION, at))
    if passage.exit_seen:
        step = step.on(alarm(step.lane, Alarm.LEFT_UNRELEASED))
        return step.on(close_passage(step.lane, Left.EXIT, at))
    left = Left.UNSEEN if passage.interrupted else Left.ENTRY
    return step.on(close_passage(step.lane, left, at))


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
        clip_id=passage.clip_id,
    )
    step = weighed_in_the_end(lane)
    if left in (Left.EXIT, Left.EVACUATION):
        step = step.on(Step(note_departure(step.lane, passage, at)))
    lane = replace(step.lane, phase=Phase.IDLE, passage=None, deadlines=())
    step = step.on(Step(lane, (Record(body=closed),)))
    step = step.on(adopt(step.lane))
    lane = step.lane
    if someone_is_here(lane):
        return step.on(open_passage(lane, at, unexpected=not waits_at_entry(lane)))
    return step


def _fault(code: FaultCode, *, raised: bool) -> Record:
    return Record(body=FaultChanged(code=code, raised=raised, detail=""))
