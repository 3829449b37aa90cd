"""The boom's driver: when it moves the contacts and when it refuses."""

import pytest

from devices.barrier.driver import REMEMBERED_COMMANDS, Barrier
from devices.clock import ManualClock
from devices.config import BarrierConfig
from devices.errors import CommandRefused, DeviceTimeout, LinkDown
from devices.readings import BarrierPosition, LaneInputs
from tests.lane_inputs import lane_inputs
from tests.paper_board import PaperBoard

RAISE, LOWER, STOP = 0, 1, 2


class Lane:
    """A barrier on a paper board, polled by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.board = PaperBoard(self.clock)
        self.barrier = Barrier(self.board, self.clock, BarrierConfig())

    def now_s(self) -> float:
        return self.clock.now().mono_s

    def inputs(self, **on: bool) -> LaneInputs:
        return lane_inputs(received_s=self.now_s(), **on)

    def poll(self, **on: bool) -> BarrierPosition:
        return self.barrier.observe(self.inputs(**on))

    def closing(self) -> None:
        self.poll(barrier_up=True)
        self.barrier.lower_boom("down", self.inputs(barrier_up=True))
        self.clock.advance(0.5)
        assert self.poll() is BarrierPosition.CLOSING


@pytest.fixture
def lane() -> Lane:
    return Lane()


def test_a_raise_pulses_the_contact_once_and_tells_when(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert sent_s == lane.now_s()
    assert lane.board.commands == [("pulse", RAISE, sent_s)]
    assert lane.barrier.position is BarrierPosition.OPENING


def test_the_same_command_never_opens_twice(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.clock.advance(60.0)
    assert lane.barrier.raise_boom("p1", sent_s + 1.0) == sent_s
    assert lane.board.pulses(RAISE) == 1


def test_an_expired_raise_moves_nothing(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    with pytest.raises(CommandRefused, match=r"p1 came 0\.20 s too late"):
        lane.barrier.raise_boom("p1", lane.now_s() - 0.2)
    assert lane.board.tried == []
    assert lane.barrier.position is BarrierPosition.CLOSED


def test_raising_is_not_blocked_by_stop_fault_or_ignorance(lane: Lane) -> None:
    lane.poll(emergency_stop=True, barrier_fault=True, exit_loop=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.barrier.lost()
    lane.barrier.raise_boom("p2", lane.now_s() + 1.0)
    assert lane.board.pulses(RAISE) == 2


def test_a_raise_that_was_not_confirmed_may_be_tried_again_under_its_id(lane: Lane) -> None:
    lane.poll(barrier_down=True)
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
def test_the_boom_is_not_lowered_onto_anything(lane: Lane, on: dict[str, bool], why: str) -> None:
    lane.poll(barrier_up=True)
    with pytest.raises(CommandRefused, match=why):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True, **on))
    assert lane.board.tried == []


def test_the_boom_is_not_lowered_on_old_inputs(lane: Lane) -> None:
    lane.poll(barrier_up=True)
    inputs = lane.inputs(barrier_up=True)
    lane.clock.advance(0.51)
    with pytest.raises(CommandRefused, match=r"0\.51 s old"):
        lane.barrier.lower_boom("d1", inputs)
    assert lane.board.tried == []


@pytest.mark.parametrize("position", ["unknown", "fault", "forced", "opening"])
def test_the_boom_is_not_lowered_from_where_it_should_not_be(lane: Lane, position: str) -> None:
    if position == "unknown":
        lane.barrier.lost()
    elif position == "fault":
        lane.poll(barrier_fault=True)
    elif position == "forced":
        lane.poll(barrier_down=True)
        lane.poll(barrier_up=True)
    else:
        lane.poll(barrier_down=True)
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    before = lane.board.pulses(LOWER)
    assert lane.barrier.position == position
    with pytest.raises(CommandRefused, match=f"boom is {position}"):
        lane.barrier.lower_boom("d1", lane.inputs())
    assert lane.board.pulses(LOWER) == before


def test_a_clear_lane_lowers_once_per_command(lane: Lane) -> None:
    lane.poll(barrier_up=True)
    sent_s = lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.clock.advance(1.0)
    assert lane.barrier.lower_boom("d1", lane.inputs()) == sent_s
    assert lane.board.pulses(LOWER) == 1


def test_a_closing_boom_is_raised_again_when_the_exit_loop_becomes_occupied(lane: Lane) -> None:
    lane.closing()
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.commands[-1] == ("pulse", RAISE, lane.now_s())
    assert lane.barrier.reversal_count == 1
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_reversal_that_fails_is_tried_again_at_the_next_poll(lane: Lane) -> None:
    lane.closing()
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    for _ in range(3):
        with pytest.raises(DeviceTimeout):
            lane.poll(exit_loop=True)
    assert lane.barrier.reversal_count == 0
    lane.board.error_on_writes = None
    lane.poll(exit_loop=True)
    assert (lane.barrier.reversal_count, lane.board.pulses(RAISE)) == (1, 1)


def test_a_faulty_boom_that_may_be_falling_is_raised_too(lane: Lane) -> None:
    lane.closing()
    lane.poll(exit_loop=True, barrier_fault=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_lower_that_was_not_confirmed_still_guards_the_exit_loop(lane: Lane) -> None:
    lane.poll(barrier_up=True)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.board.error_on_writes = None
    lane.clock.advance(0.3)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_boom_that_falls_by_itself_over_a_truck_is_raised(lane: Lane) -> None:
    lane.poll(barrier_up=True, exit_loop=True)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_truck_that_pushes_up_a_closed_boom_is_not_helped(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll(exit_loop=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    assert lane.board.tried == []


def test_a_boom_that_somebody_else_opened_can_be_lowered_by_order(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    lane.clock.advance(2.0)
    lane.poll(barrier_up=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    assert lane.board.pulses(LOWER) == 1


def test_a_boom_that_was_forced_half_way_is_not_lowered(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll()
    assert lane.barrier.position is BarrierPosition.FORCED
    with pytest.raises(CommandRefused, match="forced"):
        lane.barrier.lower_boom("d1", lane.inputs())


def test_the_controller_never_gets_both_contacts_at_once(lane: Lane) -> None:
    lane.poll(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.clock.advance(0.1)  # the lower pulse of 0.3 s still runs
    lane.poll(exit_loop=True)
    assert [each[:2] for each in lane.board.commands] == [
        ("pulse", LOWER),
        ("off", LOWER),
        ("pulse", RAISE),
    ]


def test_raising_goes_on_when_the_lower_contact_cannot_be_opened(lane: Lane) -> None:
    lane.poll(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.board.error_on_writes = LinkDown("modbus: gone")
    with pytest.raises(LinkDown):
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.tried[-2:]] == [("off", LOWER), ("pulse", RAISE)]


def test_closing_the_driver_opens_every_contact_and_never_raises(lane: Lane) -> None:
    lane.barrier.close()
    assert [each[:2] for each in lane.board.commands] == [
        ("off", RAISE),
        ("off", LOWER),
        ("off", STOP),
    ]
    lane.board.error = LinkDown("modbus: gone")
    lane.barrier.close()


def test_old_command_ids_are_forgotten_in_bounded_memory(lane: Lane) -> None:
    lane.poll(barrier_down=True)
    for n in range(REMEMBERED_COMMANDS + 10):
        lane.barrier.raise_boom(f"p{n}", lane.now_s() + 1.0)
    assert len(lane.barrier._sent_s) == REMEMBERED_COMMANDS
