"""Where the boom is, from two limit switches, the last command and the time. Pure.

Theory of operation. The board tells only whether the boom is at its up or its down limit. What
lies between is known from the last command, as long as it can still be running: a boom needs at
most `travel_max_s` for the whole way. So the state keeps three things:

- `motion`: the command that is still running (RAISE, LOWER), or STOP after an emergency stop
  caught the boom between its limits, or None;
- `rest`: the limit where the boom was last at rest by right, None while that is not known;
- since when things are unexplained.

    running   what the switches say     position
    any       fault input, or both      FAULT
    RAISE     up                        OPEN, the command has ended
              otherwise, in time        OPENING (a limit that bounces on leaving changes nothing)
              otherwise, too late       FAULT; CLOSED if the command may never have arrived
    LOWER     down                      CLOSED, the command has ended
              otherwise, in time        CLOSING
              up, too late              OPEN: the controller's own safety would not lower it
              neither, too late         FAULT
    STOP      up / down / neither       OPEN / CLOSED / STOPPED_MID
    None      down                      CLOSED
              up                        OPEN, or FORCED if it rested at the down limit
              neither, rested           FORCED (after `LIMIT_BOUNCE_S`)
              neither, never rested     UNKNOWN, after `travel_max_s` FAULT

FORCED and FAULT pass by themselves when the boom is back where it belongs; a raise that the boom
ignored stays a FAULT until it moves or is commanded again. CLOSED is said only with the down
limit made and the up limit not made, at the very poll it is said of. UNKNOWN is never CLOSED.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from devices.readings import BarrierPosition

if TYPE_CHECKING:
    from devices.readings import LaneInputs

LIMIT_BOUNCE_S = 0.1  # a limit switch may open this long in the wind before it means motion


class Motion(StrEnum):
    """What the boom was last told and may still be doing."""

    RAISE = "raise"
    LOWER = "lower"
    STOP = "stop"


class Limit(StrEnum):
    """A limit switch where the boom rests."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierState:
    """What is known of the boom. All times are monotonic seconds.

    `travel_max_s` is the longest a whole travel may take. `is_doubtful`: the running command may
    never have reached the board (its write was not confirmed).
    """

    travel_max_s: float
    position: BarrierPosition = BarrierPosition.UNKNOWN
    motion: Motion | None = None
    motion_s: float = 0.0
    is_doubtful: bool = False
    rest: Limit | None = None
    adrift_since_s: float | None = None  # neither limit made and nothing running, since then


def command(
    state: BarrierState, motion: Motion, at_s: float, *, is_doubtful: bool = False
) -> BarrierState:
    """A command went out at `at_s`. The position follows at once where it is certain.

    A doubtful raise does not hide a boom that may still be falling: LOWER stays in force.
    """
    if is_doubtful and motion is Motion.RAISE and state.motion is Motion.LOWER:
        return state
    commanded = replace(
        state, motion=motion, motion_s=at_s, is_doubtful=is_doubtful, adrift_since_s=None
    )
    if is_doubtful:
        return replace(commanded, position=BarrierPosition.UNKNOWN)
    match motion, state.position:
        case Motion.RAISE, BarrierPosition.OPEN:
            return commanded
        case Motion.LOWER, BarrierPosition.CLOSED:
            return commanded
        case Motion.RAISE, _:
            return replace(commanded, position=BarrierPosition.OPENING)
        case Motion.LOWER, _:
            return replace(commanded, position=BarrierPosition.CLOSING)
        case _:
            return replace(commanded, position=BarrierPosition.STOPPED_MID)


def lose(state: BarrierState) -> BarrierState:
    """The inputs cannot be read: the boom may be anywhere. What was commanded is remembered."""
    return replace(state, position=BarrierPosition.UNKNOWN, adrift_since_s=None)


def observe(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    """Fold one poll of the inputs, taken at `at_s`, into the state. Never raises."""
    if inputs.barrier_fault or (inputs.barrier_up and inputs.barrier_down):
        return replace(state, position=BarrierPosition.FAULT, adrift_since_s=None)
    match state.motion:
        case Motion.RAISE:
            return _observe_raising(state, inputs, at_s)
        case Motion.LOWER:
            return _observe_lowering(state, inputs, at_s)
        case Motion.STOP:
            return _observe_stopped(state, inputs)
        case None:
            return _observe_resting(state, inputs, at_s)
        case _:
            assert_never(state.motion)


def may_be_falling(state: BarrierState, inputs: LaneInputs) -> bool:
    """Whether the boom may be coming down, told to or not, whatever else is wrong with it.

    Takes the state after `inputs` were observed.
    """
    neither = not inputs.barrier_up and not inputs.barrier_down
    is_adrift = state.motion is None and state.rest is Limit.UP and neither
    return state.motion is Motion.LOWER or is_adrift


def _observe_raising(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    if inputs.barrier_up:
        return _at_rest(state, Limit.UP)
    if _is_stopped(inputs):
        return _stopped(state)
    if at_s - state.motion_s <= state.travel_max_s:
        return replace(state, position=BarrierPosition.OPENING)
    if inputs.barrier_down and state.is_doubtful:
        return _at_rest(state, Limit.DOWN)
    return replace(state, position=BarrierPosition.FAULT)


def _observe_lowering(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    if inputs.barrier_down:
        return _at_rest(state, Limit.DOWN)
    if _is_stopped(inputs):
        return _stopped(state)
    if at_s - state.motion_s <= state.travel_max_s:
        return replace(state, position=BarrierPosition.CLOSING)
    if inputs.barrier_up:
        return _at_rest(state, Limit.UP)
    return replace(state, position=BarrierPosition.FAULT)


def _observe_stopped(state: BarrierState, inputs: LaneInputs) -> BarrierState:
    if inputs.barrier_up:
        return _at_rest(state, Limit.UP)
    if inputs.barrier_down:
        return _at_rest(state, Limit.DOWN)
    return replace(state, position=BarrierPosition.STOPPED_MID)


def _observe_resting(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    if inputs.barrier_down:
        return _at_rest(state, Limit.DOWN)
    if inputs.barrier_up and state.rest is not Limit.DOWN:
        return _at_rest(state, Limit.UP)
    if inputs.barrier_up:
        return replace(state, position=BarrierPosition.FORCED, adrift_since_s=None)
    since_s = at_s if state.adrift_since_s is None else state.adrift_since_s
    position = _adrift_position(state, at_s - since_s)
    return replace(state, position=position, adrift_since_s=since_s)


def _adrift_position(state: BarrierState, adrift_s: float) -> BarrierPosition:
    """Neither limit, nothing running: bounce, force, or a start in the middle."""
    if state.position is BarrierPosition.FORCED:
        return BarrierPosition.FORCED
    match state.rest:
        case Limit.UP:
            return BarrierPosition.OPEN if adrift_s < LIMIT_BOUNCE_S else BarrierPosition.FORCED
        case Limit.DOWN:
            return BarrierPosition.UNKNOWN if adrift_s < LIMIT_BOUNCE_S else BarrierPosition.FORCED
        case None:
            is_late = adrift_s > state.travel_max_s
            return BarrierPosition.FAULT if is_late else BarrierPosition.UNKNOWN
        case _:
            assert_never(state.rest)


def _at_rest(state: BarrierState, limit: Limit) -> BarrierState:
    position = BarrierPosition.OPEN if limit is Limit.UP else BarrierPosition.CLOSED
    return replace(
        state,
        position=position,
        motion=None,
        is_doubtful=False,
        rest=limit,
        adrift_since_s=None,
    )


def _is_stopped(inputs: LaneInputs) -> bool:
    return inputs.emergency_stop and not inputs.barrier_up and not inputs.barrier_down


def _stopped(state: BarrierState) -> BarrierState:
    return replace(state, motion=Motion.STOP, position=BarrierPosition.STOPPED_MID)
