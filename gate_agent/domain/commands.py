"""What supervisors order. Each command is for one thing, expires, and is done at most once."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain import evacuation
from gate_agent.domain.arrival import is_empty
from gate_agent.domain.deadlines import arm, disarm
from gate_agent.domain.decision import Verdict
from gate_agent.domain.effects import Ignored, LowerBarrier, Record, mark_used
from gate_agent.domain.evacuation import OF_EVACUATION
from gate_agent.domain.events import (
    EvacuationEnded,
    EvacuationOrdered,
    LoweringOrdered,
    ModeSet,
    Overridden,
)
from gate_agent.domain.faults import IN_HAND, FaultCode
from gate_agent.domain.passing import (
    LEFT_OPEN_S,
    NOT_DOWN,
    begin_release,
    begin_turning_back,
    follow_exit,
)
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import (
    CommandCarriedOut,
    CommandRefused,
    PassageOverridden,
    Refusal,
)
from gate_agent.domain.slips import REMEMBERED_SLIPS, emergency_kinds, is_drill, kind_of_slip
from gate_agent.domain.state import DeadlineKind, Evacuation, LaneState, Passage, Step
from gate_agent.domain.vocabulary import (
    CommandId,
    Instant,
    Mode,
    Outcome,
    PassageId,
    Phase,
)
from gate_agent.domain.way_out import keep_clip

REMEMBERED_COMMANDS = 64
_CUT_OFF = frozenset({FaultCode.UPLINK, FaultCode.CLOCK})
"""With one of these no order of the console for an evacuation need come through in time."""


def override(lane: LaneState, event: Overridden, at: Instant) -> Step:
    """Carry out a supervisor's decision, if it is for the vehicle that waits here (I1)."""
    if event.command_id in lane.carried_out:
        return Step(lane, (Ignored(why="command already carried out"),))
    passage = lane.passage
    if event.expires_at_ms < at.wall_ms:
        return _refuse(lane, event.command_id, Refusal.EXPIRED, event.passage_id)
    if lane.evacuation is not None:
        return _refuse(lane, event.command_id, Refusal.EVACUATION, event.passage_id)
    if passage is None or passage.passage_id != event.passage_id:
        return _refuse(lane, event.command_id, Refusal.OTHER_PASSAGE, event.passage_id)
    if not _is_waiting(lane) or event.decision is Outcome.HOLD:
        return _refuse(lane, event.command_id, Refusal.NOT_WAITING, event.passage_id)
    if event.decision is Outcome.RELEASE and IN_HAND & lane.faults:
        return _refuse(lane, event.command_id, Refusal.IN_HAND, event.passage_id)
    if (why := _bad_place(lane, event) or _bad_slip(lane, event)) is not None:
        return _refuse(lane, event.command_id, why, event.passage_id)
    return _carry_out(_remember(lane, event.command_id), passage, event, at)


def _bad_place(lane: LaneState, event: Overridden | ModeSet) -> Refusal | None:
    """What is ordered at the lane itself counts in an emergency that cuts it off from the hub.

    While the hub is heard the console gives the orders: there roles are checked and deeds audited.
    """
    if not event.local:
        return None
    if FaultCode.UPLINK not in lane.faults:
        return Refusal.HUB_HEARD
    begins = isinstance(event, ModeSet) and event.mode is Mode.EMERGENCY
    return None if begins or lane.mode is Mode.EMERGENCY else Refusal.NOT_IN_EMERGENCY


def _bad_slip(lane: LaneState, event: Overridden) -> Refusal | None:
    """In an emergency a release needs a slip of a book of its kind, and a slip opens once."""
    if event.slip and event.slip in lane.used_slips:
        return Refusal.SLIP_USED
    is_release = lane.mode is Mode.EMERGENCY and event.decision is Outcome.RELEASE
    if is_release or event.slip:
        kind = kind_of_slip(lane.pack, event.slip)
        if kind is None or not lane.emergency:
            return Refusal.SLIP_MISSING
        if kind != lane.emergency:
            return Refusal.SLIP_OTHER_KIND
    if is_release and is_drill(lane.pack, lane.emergency) and not _is_due(lane):
        return Refusal.DRILL
    return None


def _is_due(lane: LaneState) -> bool:
    """Whether the rules have nothing against the vehicle but that there is an emergency."""
    verdict = lane.passage.verdict if lane.passage else None
    return verdict is not None and verdict.reasons == (Reason.LANE_EMERGENCY,)


def _is_waiting(lane: LaneState) -> bool:
    return lane.phase in (Phase.HELD, Phase.TURNING_BACK)


def _carry_out(lane: LaneState, passage: Passage, event: Overridden, at: Instant) -> Step:
    known = passage.verdict
    verdict = replace(known or Verdict(outcome=event.decision), outcome=event.decision)
    passage = replace(passage, verdict=verdict, decided_by=event.by)
    lane = replace(lane, passage=passage)
    done = PassageOverridden(
        passage_id=event.passage_id,
        command_id=event.command_id,
        decision=event.decision,
        by=event.by,
        reason=event.reason,
        slip=event.slip,
        emergency=lane.emergency,
        local=event.local,
    )
    if event.slip:
        lane = replace(lane, used_slips=(*lane.used_slips, event.slip)[-REMEMBERED_SLIPS:])
    step = Step(lane, (Record(body=done),))
    if event.decision is not Outcome.RELEASE:
        return step.on(begin_turning_back(lane))
    declaration = verdict.declaration
    if declaration is not None and declaration.used_by is None:
        step = step.plus(mark_used(declaration, passage.passage_id))
    return step.on(begin_release(lane, at))


def lower_on_order(lane: LaneState, event: LoweringOrdered, at: Instant) -> Step:
    """Lower a boom that was left open, by a named person's order, over a lane known to be empty."""
    if event.command_id in lane.carried_out:
        return Step(lane, (Ignored(why="command already carried out"),))
    if event.expires_at_ms < at.wall_ms:
        return _refuse(lane, event.command_id, Refusal.EXPIRED, None)
    if lane.evacuation is not None:
        return _refuse(lane, event.command_id, Refusal.EVACUATION, None)
    if IN_HAND & lane.faults:
        return _refuse(lane, event.command_id, Refusal.IN_HAND, None)
    if lane.barrier not in NOT_DOWN:
        return _refuse(lane, event.command_id, Refusal.BOOM_NOT_OPEN, None)
    if lane.phase not in (Phase.IDLE, Phase.RELEASING, Phase.CLEARING) or not is_empty(lane):
        return _refuse(lane, event.command_id, Refusal.LANE_NOT_EMPTY, None)
    lane = _remember(lane, event.command_id)
    kept = keep_clip(lane)
    lane = kept.lane
    if lane.passage is not None:
        lane = replace(lane, phase=Phase.CLEARING, deadlines=())
    done = CommandCarriedOut(
        command_id=event.command_id, command="lower_barrier", by=event.by, reason=event.reason
    )
    prefix = lane.passage.passage_id if lane.passage else lane.lane_id
    command_id = CommandId(f"{prefix}-order-{event.command_id}")
    step = kept.on(Step(lane, (Record(body=done), LowerBarrier(command_id=command_id))))
    return step.on(arm(lane, DeadlineKind.LEFT_OPEN, LEFT_OPEN_S))


def set_mode(lane: LaneState, event: ModeSet, at: Instant) -> Step:
    """Change what the lane may do; it applies to the vehicle that is being checked now."""
    if event.command_id in lane.carried_out:
        return Step(lane, (Ignored(why="command already carried out"),))
    if event.expires_at_ms < at.wall_ms:
        return _refuse(lane, event.command_id, Refusal.EXPIRED, None)
    is_emergency = event.mode is Mode.EMERGENCY
    if (why := _bad_place(lane, event)) is not None:
        return _refuse(lane, event.command_id, why, None)
    if is_emergency and event.kind not in emergency_kinds(lane.pack):
        return _refuse(lane, event.command_id, Refusal.KIND_UNKNOWN, None)
    before = lane.mode_before if lane.mode is Mode.EMERGENCY else lane.mode
    lane = replace(
        _remember(lane, event.command_id),
        mode=event.mode,
        emergency=event.kind if is_emergency else "",
        mode_before=before,
    )
    done = CommandCarriedOut(
        command_id=event.command_id,
        command="set_mode",
        by=event.by,
        reason=event.reason,
        mode=event.mode.value,
        emergency=lane.emergency,
        local=event.local,
    )
    return Step(lane, (Record(body=done),))


def evacuate(lane: LaneState, event: EvacuationOrdered, at: Instant) -> Step:
    """Raise the boom and keep it open from now on, whoever stands in the lane.

    Ordered again while it lasts, the newer order is the one that has to be ended.
    """
    if event.command_id in lane.carried_out:
        return Step(lane, (Ignored(why="command already carried out"),))
    if event.expires_at_ms < at.wall_ms:
        return _refuse(lane, event.command_id, Refusal.EXPIRED, None)
    if event.local and not _CUT_OFF & lane.faults:
        return _refuse(lane, event.command_id, Refusal.HUB_HEARD, None)
    passage = lane.passage
    lane = replace(
        _remember(lane, event.command_id),
        evacuation=Evacuation(command_id=event.command_id),
        passage=replace(passage, evacuated=True) if passage else None,
    )
    return Step(lane, (_done(event, "evacuate"),)).on(evacuation.begin(lane))


def end_evacuation(lane: LaneState, event: EvacuationEnded, at: Instant) -> Step:
    """The boom is no longer kept open. It stays where it is: coming down is another order."""
    if event.command_id in lane.carried_out:
        return Step(lane, (Ignored(why="command already carried out"),))
    if event.expires_at_ms < at.wall_ms:
        return _refuse(lane, event.command_id, Refusal.EXPIRED, None)
    if event.local and not _CUT_OFF & lane.faults:
        return _refuse(lane, event.command_id, Refusal.HUB_HEARD, None)
    if lane.evacuation is None or lane.evacuation.command_id != event.evacuation_id:
        return _refuse(lane, event.command_id, Refusal.NO_EVACUATION, None)
    lane = replace(disarm(_remember(lane, event.command_id), *OF_EVACUATION), evacuation=None)
    return Step(lane, (_done(event, "end_evacuation"),)).on(follow_exit(lane))


def _done(event: EvacuationOrdered | EvacuationEnded, command: str) -> Record:
    return Record(
        body=CommandCarriedOut(
            command_id=event.command_id,
            command=command,
            by=event.by,
            reason=event.reason,
            local=event.local,
        )
    )


def _remember(lane: LaneState, command_id: CommandId) -> LaneState:
    return replace(lane, carried_out=(*lane.carried_out, command_id)[-REMEMBERED_COMMANDS:])


def _refuse(
    lane: LaneState, command_id: CommandId, why: Refusal, passage_id: PassageId | None
) -> Step:
    lane = _remember(lane, command_id)
    refused = CommandRefused(passage_id=passage_id, command_id=command_id, why=why)
    return Step(lane, (Record(body=refused),))
