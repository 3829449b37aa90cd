"""A boom that may be falling onto somebody is raised: at once, whole, and again if need be."""

import itertools

import pytest

from devices.errors import DeviceTimeout, RemoteProtocolError
from devices.readings import BarrierPosition
from tests.polled_barrier import LOWER, RAISE, PolledBarrier


@pytest.fixture
def lane() -> PolledBarrier:
    return PolledBarrier()


def test_a_closing_boom_is_raised_again_when_the_exit_loop_becomes_occupied(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.commands[-1] == ("pulse", RAISE, lane.now_s())
    assert lane.barrier.reversal_count == 1
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_reversal_that_fails_is_tried_again_at_the_next_poll(lane: PolledBarrier) -> None:
    lane.closing()
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    for _ in range(3):
        with pytest.raises(DeviceTimeout):
            lane.poll(exit_loop=True)
    assert lane.barrier.reversal_count == 0
    lane.board.error_on_writes = None
    lane.poll(exit_loop=True)
    assert (lane.barrier.reversal_count, lane.board.pulses(RAISE)) == (1, 1)


def test_a_faulty_boom_that_may_be_falling_is_raised_too(lane: PolledBarrier) -> None:
    lane.closing()
    lane.poll(exit_loop=True, barrier_fault=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_lower_that_was_not_confirmed_still_guards_the_exit_loop(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.board.error_on_writes = None
    lane.clock.advance(0.3)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_boom_that_falls_by_itself_over_a_truck_is_raised(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True, exit_loop=True)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_truck_that_pushes_up_a_closed_boom_is_not_helped(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll(exit_loop=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    assert lane.board.tried == []


def test_a_garbled_answer_does_not_cut_the_raise_that_frees_the_exit_loop(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.poll(exit_loop=True)
    reversed_s = lane.now_s()
    lane.clock.advance(0.02)
    lane.barrier.lost()  # one bad checksum: what a service does then
    lane.barrier.close()
    assert ("off", LOWER) in [each[:2] for each in lane.board.commands]
    assert ("off", RAISE) not in [each[:2] for each in lane.board.tried]
    lane.clock.advance(0.2)
    lane.polls(1.2, exit_loop=True)
    again_s = [at_s for kind, coil, at_s in lane.board.commands if (kind, coil) == ("pulse", RAISE)]
    assert len(again_s) == 3
    assert again_s[0] == reversed_s
    gaps_s = [later - sooner for sooner, later in itertools.pairwise(again_s)]
    assert all(0.3 + 0.1 < gap_s < 0.3 + 0.3 for gap_s in gaps_s)  # a closing to be seen
    assert lane.barrier.reversal_count == 1


def test_a_raise_is_repeated_no_longer_than_a_travel_and_never_once_the_boom_is_up(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.poll(exit_loop=True)
    lane.polls(20.0, exit_loop=True)
    assert lane.barrier.position is BarrierPosition.FAULT
    assert lane.board.pulses(RAISE) == 1 + 7  # in 4 s
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.polls(1.0)  # nothing under it: nothing is repeated
    before = lane.board.pulses(RAISE)
    lane.polls(2.0, exit_loop=True, barrier_up=True)
    assert lane.barrier.position is BarrierPosition.OPEN
    assert lane.board.pulses(RAISE) == before


def test_a_raise_that_frees_nobody_is_given_once(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.polls(3.0, exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_one_garbled_answer_to_the_reversal_itself_does_not_wait_for_the_link(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    pulse = lane.board.pulse_coil

    def garbled(address: int, pulse_s: float) -> None:
        lane.board.pulse_coil = pulse  # type: ignore[method-assign]
        raise RemoteProtocolError("modbus: garbled")

    lane.board.pulse_coil = garbled  # type: ignore[method-assign]
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert (lane.barrier.reversal_count, lane.board.pulses(RAISE)) == (1, 1)


def test_a_repeated_raise_that_fails_is_tried_again_at_the_next_poll(lane: PolledBarrier) -> None:
    lane.closing()
    lane.poll(exit_loop=True)
    lane.clock.advance(0.6)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.poll(exit_loop=True)
    lane.board.error_on_writes = None
    lane.polls(0.02, exit_loop=True)
    assert lane.board.pulses(RAISE) == 2


def test_a_limit_that_flickers_in_mid_travel_ends_no_motion_and_disarms_no_reversal(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.clock.advance(0.02)
    assert lane.poll(barrier_down=True) is BarrierPosition.CLOSING
    lane.clock.advance(0.02)
    assert lane.poll() is BarrierPosition.CLOSING
    lane.clock.advance(0.02)
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.pulses(RAISE) == 1
    lane.clock.advance(0.02)
    assert lane.poll(exit_loop=True, barrier_up=True) is BarrierPosition.OPENING
    lane.clock.advance(0.02)
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING


def test_a_boom_reverses_in_the_very_poll_in_which_its_down_limit_flickers(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.clock.advance(0.02)
    assert lane.poll(barrier_down=True, exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.pulses(RAISE) == 1


def test_an_emergency_stop_in_mid_fall_does_not_disarm_the_reversal(lane: PolledBarrier) -> None:
    lane.closing()
    lane.clock.advance(0.02)
    assert lane.poll(emergency_stop=True) is BarrierPosition.STOPPED_MID
    lane.clock.advance(1.0)
    lane.poll()  # released; the controller goes on lowering
    assert lane.board.pulses(RAISE) == 0
    lane.clock.advance(0.02)
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.pulses(RAISE) == 1
