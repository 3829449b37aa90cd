"""Lamps and sign as a function of the lane: never switched by hand, so never left behind."""

from __future__ import annotations

from gate_agent.domain.deadlines import is_armed
from gate_agent.domain.effects import Lamp, Sign
from gate_agent.domain.faults import IN_HAND, prevents_release
from gate_agent.domain.reasons import OUTCOME_OF, Reason
from gate_agent.domain.state import DeadlineKind, LaneState
from gate_agent.domain.vocabulary import Barrier, Mode, Outcome, Phase, WeightState


def wanted_lamps(lane: LaneState) -> frozenset[Lamp]:
    """The lamps that should be lit now."""
    lamps = (
        _lamps_of_an_evacuation(lane) if lane.evacuation is not None else _lamps_of_a_passage(lane)
    )
    if lane.falling is not None:
        lamps |= {Lamp.SOUNDER}
    return lamps | {Lamp.STROBE} if _may_move(lane) else lamps


def _may_move(lane: LaneState) -> bool:
    """Whether the boom moves, is about to, or nobody knows where it stands: the strobe warns."""
    if lane.barrier is Barrier.CLOSED:
        return lane.falling is not None or is_armed(lane, DeadlineKind.BOOM_UP) or _is_kept_up(lane)
    if lane.barrier is Barrier.OPEN:
        return lane.falling is not None or is_armed(lane, DeadlineKind.LOWER)
    return True


def _is_kept_up(lane: LaneState) -> bool:
    return lane.evacuation is not None and not IN_HAND & lane.faults


def _lamps_of_a_passage(lane: LaneState) -> frozenset[Lamp]:
    lamps = set()
    if is_inviting(lane):
        lamps.add(Lamp.ENTRY_GREEN)
    if _may_drive_out(lane):
        lamps.add(Lamp.EXIT_GREEN)
    else:
        lamps.add(Lamp.EXIT_RED)
    return frozenset(lamps)


def _lamps_of_an_evacuation(lane: LaneState) -> frozenset[Lamp]:
    """Drive through and out, once the boom is up; until then stop before it."""
    if lane.barrier is Barrier.OPEN and not IN_HAND & lane.faults:
        return frozenset({Lamp.ENTRY_GREEN, Lamp.EXIT_GREEN})
    return frozenset({Lamp.EXIT_RED})


def is_inviting(lane: LaneState) -> bool:
    """Whether the next vehicle may drive in: idle, able to judge it, scale at zero, boom down."""
    return (
        lane.phase is Phase.IDLE
        and lane.evacuation is None
        and lane.mode is not Mode.CLOSED
        and lane.barrier is Barrier.CLOSED
        and lane.weight_state is WeightState.EMPTY
        and lane.inputs.exit_loop is False
        and not any(prevents_release(fault) for fault in lane.faults)
    )


def wanted_sign(lane: LaneState) -> Sign:
    """The text that should be shown now."""
    if lane.evacuation is not None:
        return Sign.EVACUATION
    if lane.falling is not None:
        return Sign.BOOM_CLOSING
    return _sign_of_phase(lane)


def _sign_of_phase(lane: LaneState) -> Sign:
    match lane.phase:
        case Phase.IDLE:
            return Sign.WELCOME if is_inviting(lane) else Sign.OUT_OF_SERVICE
        case Phase.GATHERING:
            return _gathering_sign(lane)
        case Phase.HELD:
            return _held_sign(lane)
        case Phase.RELEASING:
            return Sign.WAIT_FOR_OFFICER if IN_HAND & lane.faults else Sign.PROCEED
        case Phase.CLEARING:
            return Sign.BOOM_CLOSING
        case Phase.TURNING_BACK:
            return _turned_sign(lane)


def wanted_reason(lane: LaneState) -> Reason | None:
    """The reason that the sign tells the driver what to do about: held, or turned back for it.

    None while a vehicle is sent to inspection: nothing tells who wants it inspected, or why. None
    where a person decided otherwise than the lane.
    """
    verdict = lane.passage.verdict if lane.passage else None
    shown_for = {Sign.WAIT_FOR_OFFICER: Outcome.HOLD, Sign.TURN_BACK: Outcome.REFUSE}
    outcome = shown_for.get(wanted_sign(lane))
    if verdict is None or outcome is None:
        return None
    if verdict.outcome is not outcome and outcome is Outcome.REFUSE:
        return None
    return next((each for each in verdict.reasons if OUTCOME_OF[each] is outcome), None)


def _may_drive_out(lane: LaneState) -> bool:
    return (
        lane.phase is Phase.RELEASING
        and lane.barrier is Barrier.OPEN
        and not IN_HAND & lane.faults
        and not _has_passed(lane)
    )


def _has_passed(lane: LaneState) -> bool:
    """The vehicle is past the boom: the lamp must not invite a second one."""
    return (
        lane.passage is not None and lane.passage.exit_seen and lane.inputs.front_beam is not True
    )


def _gathering_sign(lane: LaneState) -> Sign:
    passage = lane.passage
    if passage is None or not passage.rear_beam_passed:
        return Sign.PULL_FORWARD
    return Sign.PRESENT_CARD if passage.card is None else Sign.WEIGHING


def _held_sign(lane: LaneState) -> Sign:
    verdict = lane.passage.verdict if lane.passage else None
    if verdict is not None and verdict.outcome is Outcome.INSPECT:
        return Sign.GO_TO_INSPECTION
    return Sign.WAIT_FOR_OFFICER


def _turned_sign(lane: LaneState) -> Sign:
    verdict = lane.passage.verdict if lane.passage else None
    if verdict is not None and verdict.outcome is Outcome.INSPECT:
        return Sign.GO_TO_INSPECTION
    return Sign.TURN_BACK
