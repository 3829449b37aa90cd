"""Where the boom is, from two limit switches, the last command and the time. Pure.

Theory of operation. The board tells only whether the boom is at its up or its down limit. What
lies between is known from the last command, as long as it can still be running: a boom needs at
most `travel_max_s` for the whole way. So the state keeps these things:

- `motion`: the command that is still running (RAISE, LOWER), or STOP after an emergency stop
  caught the boom between its limits, or None;
- `rest`: the limit where the boom was last at rest by right, None while that is not known;
- `limit`: the one limit that is made now, and since when;
- `falls`: whether it came down and has been at no limit since, whatever it was told after that;
- since when things are unexplained.

A limit counts once it was made for `LIMIT_BOUNCE_S` without a break: a switch that closes for one
poll in mid travel ends no motion. Only where the boom was at rest already its limit counts at once.

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
    any       a limit, not yet held     as if it were not made, but never late because of it

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

LIMIT_BOUNCE_S = 0.1
"""A limit switch may open this long in the wind before it means motion, and close this long before
it means rest. Three times what a contact bounces (30 ms)."""

_ROUNDING_S = 1e-6  # of a poll that comes exactly when a limit has been held for long enough


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
    limit: Limit | None = None  # the one limit that is made; None: neither, both, or not read
    limit_since_s: float = 0.0
    falls: bool = False  # lowered, or gone from its up limit by itself, and at no limit since
    adrift_since_s: float | None = None  # at no limit by right and nothing running, since then


def command(
    state: BarrierState, motion: Motion, at_s: float, *, is_doubtful: bool = False
) -> BarrierState:
    """A command went out at `at_s`. The position follows at once where it is certain.

    A doubtful raise does not hide a boom that may still be falling: LOWER stays in force.
    """
    if is_doubtful and motion is Motion.RAISE and state.motion is Motion.LOWER:
        return state
    commanded = replace(
        state,
        motion=motion,
        motion_s=at_s,
        is_doubtful=is_doubtful,
        falls=motion is Motion.LOWER or state.falls or _has_left(state),
        adrift_since_s=None,
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
    return replace(state, position=BarrierPosition.UNKNOWN, limit=None, adrift_since_s=None)


def observe(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    """Fold one poll of the inputs, taken at `at_s`, into the state. Never raises."""
    state = _note_limit(state, inputs, at_s)
    if inputs.barrier_fault or (inputs.barrier_up and inputs.barrier_down):
        return replace(state, position=BarrierPosition.FAULT, adrift_since_s=None)
    match state.motion:
        case Motion.RAISE:
            return _observe_raising(state, inputs, at_s)
        case Motion.LOWER:
            return _observe_lowering(state, inputs, at_s)
        case Motion.STOP:
            return _observe_stopped(state, at_s)
        case None:
            return _observe_resting(state, at_s)
        case _:
            assert_never(state.motion)


def may_be_falling(state: BarrierState, inputs: LaneInputs) -> bool:
    """Whether the boom may be coming down, told to or not, whatever else is wrong with it.

    Takes the state after `inputs` were observed. A raise that turned a falling boom has helped
    only where the up limit is made: until then, as long as a travel may take, it may be falling
    still. So may one that an emergency stop caught, once that is released; and one that is found
    between its limits after a start, as long as a travel may take: an agent before this one may
    have lowered it.
    """
    if inputs.barrier_up:
        return state.motion is Motion.LOWER
    match state.motion:
        case Motion.LOWER:
            return True
        case Motion.RAISE:
            return state.falls and inputs.received_s - state.motion_s <= state.travel_max_s
        case Motion.STOP:
            return state.falls and not inputs.emergency_stop
        case None:
            is_gone = state.rest is Limit.UP or _is_found_between(state, inputs.received_s)
            return _has_left(state) and is_gone
        case _:
            assert_never(state.motion)


def _has_left(state: BarrierState) -> bool:
    """Nothing runs, and it is not up where it rested, or at no limit and was never seen at one."""
    if state.motion is not None or state.limit is Limit.UP:
        return False
    return state.rest is Limit.UP or (state.rest is None and state.limit is None)


def _is_found_between(state: BarrierState, at_s: float) -> bool:
    """Seen at no limit since the start, for longer than a limit bounces, in time of a travel."""
    if state.adrift_since_s is None:
        return False
    seen_s = at_s - max(state.adrift_since_s, state.limit_since_s)
    return seen_s >= LIMIT_BOUNCE_S and at_s - state.adrift_since_s <= state.travel_max_s


def _note_limit(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    limit = None
    if inputs.barrier_up != inputs.barrier_down:
        limit = Limit.UP if inputs.barrier_up else Limit.DOWN
    return state if limit is state.limit else replace(state, limit=limit, limit_since_s=at_s)


def _is_held(state: BarrierState, limit: Limit, at_s: float) -> bool:
    held_s = at_s - state.limit_since_s
    return state.limit is limit and held_s >= LIMIT_BOUNCE_S - _ROUNDING_S


def _is_in_time(state: BarrierState, target: Limit, at_s: float) -> bool:
    """Whether the running travel has not taken too long: it ends as its limit is made."""
    arrived_s = state.limit_since_s if state.limit is target else at_s
    return arrived_s - state.motion_s <= state.travel_max_s


def _observe_raising(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    if _is_held(state, Limit.UP, at_s):
        return _at_rest(state, Limit.UP)
    if _is_stopped(inputs):
        return _stopped(state)
    if _is_in_time(state, Limit.UP, at_s):
        return replace(state, position=BarrierPosition.OPENING)
    if state.is_doubtful and _is_held(state, Limit.DOWN, at_s):
        return _at_rest(state, Limit.DOWN)
    return replace(state, position=BarrierPosition.FAULT)


def _observe_lowering(state: BarrierState, inputs: LaneInputs, at_s: float) -> BarrierState:
    if _is_held(state, Limit.DOWN, at_s):
        return _at_rest(state, Limit.DOWN)
    if _is_stopped(inputs):
        return _stopped(state)
    if _is_in_time(state, Limit.DOWN, at_s):
        return replace(state, position=BarrierPosition.CLOSING)
    if _is_held(state, Limit.UP, at_s):
        return _at_rest(state, Limit.UP)
    return replace(state, position=BarrierPosition.FAULT)


def _observe_stopped(state: BarrierState, at_s: float) -> BarrierState:
    for limit in Limit:
        if _is_held(state, limit, at_s):
            return _at_rest(state, limit)
    return replace(state, position=BarrierPosition.STOPPED_MID)


def _observe_resting(state: BarrierState, at_s: float) -> BarrierState:
    was_there = state.limit is state.rest and state.position is not BarrierPosition.FORCED
    if state.limit is Limit.DOWN and (was_there or _is_held(state, Limit.DOWN, at_s)):
        return _at_rest(state, Limit.DOWN)
    if state.limit is Limit.UP and state.rest is Limit.DOWN:
        return replace(state, position=BarrierPosition.FORCED, adrift_since_s=None)
    if state.limit is Limit.UP and (was_there or _is_held(state, Limit.UP, at_s)):
        return _at_rest(state, Limit.UP)
    since_s = at_s if state.adrift_since_s is None else state.adrift_since_s
    position = _adrift_position(state, at_s - since_s)
    return replace(state, position=position, adrift_since_s=since_s)


def _adrift_position(state: BarrierState, adrift_s: float) -> BarrierPosition:
    """At no limit, nothing running: bounce, force, or a start in the middle."""
    if state.position is BarrierPosition.FORCED:
        return BarrierPosition.FORCED
    if state.rest is None:
        is_late = adrift_s > state.travel_max_s
        return BarrierPosition.FAULT if is_late else BarrierPosition.UNKNOWN
    if adrift_s >= LIMIT_BOUNCE_S - _ROUNDING_S:
        return BarrierPosition.FORCED
    shakes = state.position is BarrierPosition.OPEN and state.limit is None
    return BarrierPosition.OPEN if shakes else BarrierPosition.UNKNOWN


def _at_rest(state: BarrierState, limit: Limit) -> BarrierState:
    position = BarrierPosition.OPEN if limit is Limit.UP else BarrierPosition.CLOSED
    return replace(
        state,
        position=position,
        motion=None,
        is_doubtful=False,
        rest=limit,
        falls=False,
        adrift_since_s=None,
    )


def _is_stopped(inputs: LaneInputs) -> bool:
    return inputs.emergency_stop and not inputs.barrier_up and not inputs.barrier_down


def _stopped(state: BarrierState) -> BarrierState:
    return replace(state, motion=Motion.STOP, position=BarrierPosition.STOPPED_MID)
