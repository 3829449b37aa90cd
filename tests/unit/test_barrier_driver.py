"""The boom's driver: the orders it carries out, once each, and those it refuses."""

import pytest

from devices.barrier.driver import REMEMBERED_COMMANDS
from devices.errors import CommandRefused, DeviceTimeout
from devices.readings import BarrierPosition
from tests.polled_barrier import LOWER, RAISE, PolledBarrier


@pytest.fixture
def lane() -> PolledBarrier:
    return PolledBarrier()


def test_a_raise_pulses_the_contact_once_and_tells_when(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert sent_s == lane.now_s()
    assert lane.board.commands == [("pulse", RAISE, sent_s)]
    assert lane.barrier.position is BarrierPosition.OPENING


def test_the_same_command_never_opens_twice(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.clock.advance(60.0)
    assert lane.barrier.raise_boom("p1", sent_s + 1.0) == sent_s
    assert lane.board.pulses(RAISE) == 1


def test_an_expired_raise_moves_nothing(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    with pytest.raises(CommandRefused, match=r"p1 came 0\.20 s too late"):
        lane.barrier.raise_boom("p1", lane.now_s() - 0.2)
    assert lane.board.tried == []
    assert lane.barrier.position is BarrierPosition.CLOSED


def test_raising_is_not_blocked_by_stop_fault_or_ignorance(lane: PolledBarrier) -> None:
    lane.poll(emergency_stop=True, barrier_fault=True, exit_loop=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.barrier.lost()
    lane.barrier.raise_boom("p2", lane.now_s() + 1.0)
    assert lane.board.pulses(RAISE) == 2


def test_a_raise_that_was_not_confirmed_may_be_tried_again_under_its_id(
    lane: PolledBarrier,
) -> None:
    lane.rests(barrier_down=True)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert lane.barrier.position is BarrierPosition.UNKNOWN
    lane.board.error_on_writes = None
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert lane.board.pulses(RAISE) == 1


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ({"exit_loop": True}, "exit loop occupied"),
        ({"front_beam": True}, "front beam cut"),
        ({"emergency_stop": True}, "emergency stop pressed"),
    ],
)
def test_the_boom_is_not_lowered_onto_anything(
    lane: PolledBarrier, on: dict[str, bool], why: str
) -> None:
    lane.rests(barrier_up=True)
    with pytest.raises(CommandRefused, match=why):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True, **on))
    assert lane.board.tried == []


def test_the_boom_is_not_lowered_on_old_inputs(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    inputs = lane.inputs(barrier_up=True)
    lane.clock.advance(0.51)
    with pytest.raises(CommandRefused, match=r"0\.51 s old"):
        lane.barrier.lower_boom("d1", inputs)
    assert lane.board.tried == []


@pytest.mark.parametrize("position", ["unknown", "fault", "forced", "opening"])
def test_the_boom_is_not_lowered_from_where_it_should_not_be(
    lane: PolledBarrier, position: str
) -> None:
    if position == "unknown":
        lane.barrier.lost()
    elif position == "fault":
        lane.poll(barrier_fault=True)
    elif position == "forced":
        lane.rests(barrier_down=True)
        lane.poll(barrier_up=True)
    else:
        lane.rests(barrier_down=True)
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    before = lane.board.pulses(LOWER)
    assert lane.barrier.position == position
    with pytest.raises(CommandRefused, match=f"boom is {position}"):
        lane.barrier.lower_boom("d1", lane.inputs())
    assert lane.board.pulses(LOWER) == before


def test_a_clear_lane_lowers_once_per_command(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    sent_s = lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.clock.advance(1.0)
    assert lane.barrier.lower_boom("d1", lane.inputs()) == sent_s
    assert lane.board.pulses(LOWER) == 1


def test_a_boom_that_somebody_else_opened_can_be_lowered_by_order(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    lane.clock.advance(2.0)
    lane.poll(barrier_up=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    assert lane.board.pulses(LOWER) == 1


def test_a_boom_that_was_forced_half_way_is_not_lowered(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll()
    assert lane.barrier.position is BarrierPosition.FORCED
    with pytest.raises(CommandRefused, match="forced"):
        lane.barrier.lower_boom("d1", lane.inputs())


def test_old_command_ids_are_forgotten_in_bounded_memory(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    for n in range(REMEMBERED_COMMANDS + 10):
        lane.barrier.raise_boom(f"p{n}", lane.now_s() + 1.0)
    assert len(lane.barrier._sent_s) == REMEMBERED_COMMANDS
