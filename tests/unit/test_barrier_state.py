"""The positions of the boom, one situation at a time."""

import pytest

from devices.barrier.state import (
    LIMIT_BOUNCE_S,
    BarrierState,
    Motion,
    command,
    lose,
    may_be_falling,
    observe,
)
from devices.readings import BarrierPosition, LaneInputs
from tests.lane_inputs import lane_inputs

UP = {"barrier_up": True}
DOWN = {"barrier_down": True}
MID: dict[str, bool] = {}
T = 4.0


def at_down(at_s: float = 0.0) -> BarrierState:
    return fold(BarrierState(travel_max_s=T), *held(at_s - LIMIT_BOUNCE_S, DOWN))


def at_up(at_s: float = 0.0) -> BarrierState:
    return fold(BarrierState(travel_max_s=T), *held(at_s - LIMIT_BOUNCE_S, UP))


def held(from_s: float, switches: dict[str, bool]) -> tuple[tuple[float, dict[str, bool]], ...]:
    """Polls that see the same for as long as a limit must be made."""
    return ((from_s, switches), (from_s + LIMIT_BOUNCE_S, switches))


def seen(switches: dict[str, bool], at_s: float, **more: bool) -> LaneInputs:
    return lane_inputs(received_s=at_s, **switches, **more)


def fold(state: BarrierState, *polls: tuple[float, dict[str, bool]]) -> BarrierState:
    for at_s, switches in polls:
        state = observe(state, seen(switches, at_s), at_s)
    return state


def test_nothing_is_known_before_the_first_poll() -> None:
    assert BarrierState(travel_max_s=T).position is BarrierPosition.UNKNOWN


def test_a_boom_at_a_limit_after_start_is_there_by_right() -> None:
    assert at_down().position is BarrierPosition.CLOSED
    assert at_up().position is BarrierPosition.OPEN


def test_a_raised_boom_opens_and_is_open_at_its_up_limit() -> None:
    state = command(at_down(), Motion.RAISE, 1.0)
    assert state.position is BarrierPosition.OPENING
    assert fold(state, (1.02, DOWN)).position is BarrierPosition.OPENING
    assert fold(state, (1.02, DOWN), (1.5, MID)).position is BarrierPosition.OPENING
    assert fold(state, (1.5, MID), *held(2.5, UP)).position is BarrierPosition.OPEN


def test_a_lowered_boom_closes_and_is_closed_at_its_down_limit() -> None:
    state = command(at_up(), Motion.LOWER, 1.0)
    assert state.position is BarrierPosition.CLOSING
    assert fold(state, (1.02, UP), (1.5, MID)).position is BarrierPosition.CLOSING
    assert fold(state, (1.5, MID), *held(2.5, DOWN)).position is BarrierPosition.CLOSED


def test_a_limit_switch_that_bounces_on_leaving_is_no_arrival() -> None:
    state = command(at_down(), Motion.RAISE, 1.0)
    state = fold(state, (1.1, MID), (1.11, DOWN), (1.12, MID))
    assert state.position is BarrierPosition.OPENING


def test_a_boom_shaking_in_the_wind_stays_open() -> None:
    state = fold(at_up(), (1.0, MID), (1.0 + LIMIT_BOUNCE_S / 2, UP))
    assert state.position is BarrierPosition.OPEN
    assert fold(at_up(), (1.0, MID)).position is BarrierPosition.OPEN


def test_a_boom_that_leaves_its_down_limit_unasked_is_at_once_no_longer_closed() -> None:
    state = fold(at_down(), (1.0, MID))
    assert state.position is BarrierPosition.UNKNOWN
    state = fold(state, (1.0 + LIMIT_BOUNCE_S, MID))
    assert state.position is BarrierPosition.FORCED


def test_a_forced_boom_stays_forced_until_it_is_down_or_commanded() -> None:
    forced = fold(at_down(), (1.0, MID), (1.2, MID), (1.3, UP))
    assert forced.position is BarrierPosition.FORCED
    assert fold(forced, (60.0, UP), (61.0, MID)).position is BarrierPosition.FORCED
    assert fold(forced, *held(60.0, DOWN)).position is BarrierPosition.CLOSED
    raised = fold(command(forced, Motion.RAISE, 60.0), *held(60.02, UP))
    assert raised.position is BarrierPosition.OPEN


def test_a_boom_forced_up_between_two_polls_is_seen() -> None:
    assert fold(at_down(), (1.0, UP)).position is BarrierPosition.FORCED


def test_a_boom_that_falls_by_itself_is_forced_and_then_closed() -> None:
    state = fold(at_up(), (1.0, MID), (1.2, MID))
    assert state.position is BarrierPosition.FORCED
    assert fold(state, *held(1.5, DOWN)).position is BarrierPosition.CLOSED


def test_both_limits_at_once_are_a_fault() -> None:
    assert fold(at_down(), (1.0, UP | DOWN)).position is BarrierPosition.FAULT
    assert fold(at_down(), (1.0, UP | DOWN), (2.0, DOWN)).position is BarrierPosition.CLOSED


def test_the_fault_input_is_a_fault_wherever_the_boom_is() -> None:
    state = observe(at_down(), seen(DOWN, 1.0, barrier_fault=True), 1.0)
    assert state.position is BarrierPosition.FAULT


def test_a_boom_that_takes_too_long_is_a_fault_until_it_arrives() -> None:
    state = command(at_down(), Motion.RAISE, 1.0)
    state = fold(state, (2.0, MID), (1.0 + T, MID))
    assert state.position is BarrierPosition.OPENING
    state = fold(state, (1.01 + T, MID))
    assert state.position is BarrierPosition.FAULT
    assert fold(state, *held(8.0, UP)).position is BarrierPosition.OPEN


def test_a_boom_that_ignores_a_raise_is_a_fault_until_it_is_commanded_again() -> None:
    state = fold(command(at_down(), Motion.RAISE, 1.0), (1.01 + T, DOWN))
    assert state.position is BarrierPosition.FAULT
    assert fold(state, (100.0, DOWN)).position is BarrierPosition.FAULT
    again = fold(command(state, Motion.RAISE, 101.0), (101.1, DOWN), *held(103.0, UP))
    assert again.position is BarrierPosition.OPEN


def test_a_raise_that_may_never_have_arrived_leaves_no_lasting_fault() -> None:
    state = command(at_down(), Motion.RAISE, 1.0, is_doubtful=True)
    assert state.position is BarrierPosition.UNKNOWN
    assert fold(state, (1.01, DOWN), (1.01 + T, DOWN)).position is BarrierPosition.CLOSED
    assert fold(state, (1.5, MID), *held(2.5, UP)).position is BarrierPosition.OPEN


def test_a_doubtful_raise_does_not_hide_that_the_boom_may_still_fall() -> None:
    closing = fold(command(at_up(), Motion.LOWER, 1.0), (1.5, MID))
    doubtful = command(closing, Motion.RAISE, 1.6, is_doubtful=True)
    assert fold(doubtful, (1.7, MID)).position is BarrierPosition.CLOSING


def test_a_boom_that_its_own_controller_will_not_lower_is_open_again() -> None:
    state = fold(command(at_up(), Motion.LOWER, 1.0), (1.5, UP))
    assert state.position is BarrierPosition.CLOSING
    assert fold(state, (1.01 + T, UP)).position is BarrierPosition.OPEN


def test_a_boom_that_stops_half_lowered_is_a_fault() -> None:
    state = fold(command(at_up(), Motion.LOWER, 1.0), (2.0, MID), (1.01 + T, MID))
    assert state.position is BarrierPosition.FAULT


@pytest.mark.parametrize("motion", [Motion.RAISE, Motion.LOWER])
def test_an_emergency_stop_between_the_limits_stops_the_boom_until_it_is_commanded(
    motion: Motion,
) -> None:
    state = command(at_up() if motion is Motion.LOWER else at_down(), motion, 1.0)
    state = observe(state, seen(MID, 1.5, emergency_stop=True), 1.5)
    assert state.position is BarrierPosition.STOPPED_MID
    assert fold(state, (60.0, MID)).position is BarrierPosition.STOPPED_MID
    assert fold(state, *held(60.0, UP)).position is BarrierPosition.OPEN
    assert fold(state, *held(60.0, DOWN)).position is BarrierPosition.CLOSED
    assert command(state, Motion.RAISE, 61.0).position is BarrierPosition.OPENING


def test_a_boom_never_seen_at_a_limit_is_unknown_and_then_a_fault() -> None:
    state = fold(BarrierState(travel_max_s=T), (0.0, MID), (T, MID))
    assert state.position is BarrierPosition.UNKNOWN
    assert fold(state, (T + 0.1, MID)).position is BarrierPosition.FAULT


def test_a_boom_that_cannot_be_read_is_never_closed() -> None:
    state = lose(at_down())
    assert state.position is BarrierPosition.UNKNOWN
    assert fold(state, (30.0, DOWN)).position is BarrierPosition.CLOSED
    assert fold(state, (30.0, UP)).position is BarrierPosition.FORCED


def test_commands_towards_where_the_boom_is_change_nothing() -> None:
    assert command(at_up(), Motion.RAISE, 1.0).position is BarrierPosition.OPEN
    assert command(at_down(), Motion.LOWER, 1.0).position is BarrierPosition.CLOSED
    assert command(at_down(), Motion.STOP, 1.0).position is BarrierPosition.STOPPED_MID


@pytest.mark.parametrize("motion", [Motion.RAISE, Motion.LOWER])
@pytest.mark.parametrize("false", [UP, DOWN])
def test_a_limit_that_closes_for_less_than_a_bounce_in_mid_travel_is_no_arrival(
    motion: Motion, false: dict[str, bool]
) -> None:
    state = command(at_down() if motion is Motion.RAISE else at_up(), motion, 1.0)
    running = fold(state, (1.5, MID)).position
    state = fold(state, (1.5, MID), (1.52, false), (1.6, false))
    assert (state.position, state.motion) == (running, motion)
    state = fold(state, (1.62, MID))
    assert (state.position, state.motion) == (running, motion)


def test_a_limit_is_told_no_later_than_the_bounce_that_it_waits_for() -> None:
    """However the polls of 20 ms fall, rounding of floats included."""
    for start in range(50):
        made_s = 1.5 + start * 0.0137
        state = fold(command(at_up(), Motion.LOWER, 1.0), (1.4, MID))
        for poll in range(6):
            assert state.position is BarrierPosition.CLOSING
            state = fold(state, (made_s + 0.02 * poll, DOWN))
        assert state.position is BarrierPosition.CLOSED


def test_a_boom_that_arrives_in_the_last_moment_is_never_in_fault() -> None:
    state = fold(command(at_up(), Motion.LOWER, 1.0), (1.5, MID), (0.99 + T, DOWN))
    for later_s in (1.01 + T, 1.05 + T):
        state = fold(state, (later_s, DOWN))
        assert state.position is BarrierPosition.CLOSING
    assert fold(state, (1.1 + T, DOWN)).position is BarrierPosition.CLOSED


def test_a_raise_between_both_limits_made_is_a_fault_until_one_of_them_is_left() -> None:
    state = fold(command(at_down(), Motion.RAISE, 1.0), (1.5, MID), *held(2.0, UP | DOWN))
    assert (state.position, state.motion) == (BarrierPosition.FAULT, Motion.RAISE)
    assert fold(state, (2.2, UP)).position is BarrierPosition.OPENING  # not held yet
    assert fold(state, *held(2.2, UP)).position is BarrierPosition.OPEN
    assert fold(state, (9.0, UP)).position is BarrierPosition.FAULT  # too late, and not held
    assert fold(state, *held(9.0, UP)).position is BarrierPosition.OPEN


def test_a_forced_boom_that_touches_its_down_limit_for_a_poll_is_not_closed() -> None:
    forced = fold(at_down(), (1.0, MID), (1.2, MID))
    assert fold(forced, (1.3, DOWN)).position is BarrierPosition.FORCED
    assert fold(forced, (1.3, DOWN), (1.32, MID)).position is BarrierPosition.FORCED


def test_a_boom_found_at_a_limit_is_unknown_until_that_has_held() -> None:
    state = fold(BarrierState(travel_max_s=T), (0.0, DOWN))
    assert state.position is BarrierPosition.UNKNOWN
    assert fold(state, (0.02, MID), (0.04, DOWN)).position is BarrierPosition.UNKNOWN


def test_what_may_be_falling_is_all_that_came_down_and_is_at_no_limit_again() -> None:
    lowered = fold(command(at_up(), Motion.LOWER, 1.0), (1.5, MID))
    raised = command(lowered, Motion.RAISE, 1.6)
    drifted = fold(at_up(), (1.5, MID))
    stopped = observe(lowered, seen(MID, 1.6, emergency_stop=True), 1.6)
    for before in (lowered, raised, drifted, stopped, command(stopped, Motion.RAISE, 1.6)):
        state = fold(before, (1.7, MID))
        assert may_be_falling(state, seen(MID, 1.7))
        down = fold(state, *held(2.0, DOWN))
        assert not may_be_falling(fold(down, (9.0, MID)), seen(MID, 9.0))
    assert not may_be_falling(stopped, seen(MID, 1.7, emergency_stop=True))
    risen = fold(raised, (2.0, UP))
    assert not may_be_falling(risen, seen(UP, 2.0))
    assert may_be_falling(fold(risen, (2.02, MID)), seen(MID, 2.02))  # it was no arrival
    late_s = 1.7 + T
    assert not may_be_falling(fold(raised, (late_s, MID)), seen(MID, late_s))
    rising = fold(command(at_down(), Motion.RAISE, 1.0), (1.5, MID))
    assert not may_be_falling(rising, seen(MID, 1.5))


def test_a_boom_found_in_the_middle_may_have_been_lowered_before_the_start() -> None:
    state = fold(BarrierState(travel_max_s=T), (1.0, MID))
    assert not may_be_falling(state, seen(MID, 1.0))  # a bounce at the first look
    state = fold(state, (1.12, MID))
    assert may_be_falling(state, seen(MID, 1.12))
    state = fold(state, (1.1 + T, MID))
    assert not may_be_falling(state, seen(MID, 1.1 + T))
    state = fold(BarrierState(travel_max_s=T), (1.0, DOWN), (1.12, MID))
    assert not may_be_falling(state, seen(MID, 1.12))
