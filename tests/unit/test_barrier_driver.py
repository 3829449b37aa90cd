"""The boom's driver: when it moves the contacts and when it refuses."""

import itertools

import pytest

from devices.barrier.driver import REMEMBERED_COMMANDS, Barrier
from devices.barrier.state import LIMIT_BOUNCE_S
from devices.clock import ManualClock
from devices.config import BarrierConfig
from devices.errors import CommandRefused, DeviceTimeout, LinkDown, RemoteProtocolError
from devices.readings import BarrierPosition, LaneInputs, RelayStates
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

    def rests(self, **on: bool) -> None:
        """At a limit for as long as it must hold, and the board says what its relays are."""
        self.poll(**on)
        self.clock.advance(LIMIT_BOUNCE_S)
        self.poll(**on)
        self.barrier.open_wrong_contacts(self.relays())

    def relays(self, *closed: int) -> RelayStates:
        return RelayStates(
            lamps=frozenset(),
            raise_closed=RAISE in closed,
            lower_closed=LOWER in closed,
            stop_closed=STOP in closed,
            read_s=self.now_s(),
        )

    def polls(self, for_s: float, **on: bool) -> None:
        """Every 20 ms."""
        for _ in range(round(for_s / 0.02)):
            self.clock.advance(0.02)
            self.poll(**on)

    def closing(self) -> None:
        self.rests(barrier_up=True)
        self.barrier.lower_boom("down", self.inputs(barrier_up=True))
        self.clock.advance(0.5)
        assert self.poll() is BarrierPosition.CLOSING


@pytest.fixture
def lane() -> Lane:
    return Lane()


def test_a_raise_pulses_the_contact_once_and_tells_when(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert sent_s == lane.now_s()
    assert lane.board.commands == [("pulse", RAISE, sent_s)]
    assert lane.barrier.position is BarrierPosition.OPENING


def test_the_same_command_never_opens_twice(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    sent_s = lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.clock.advance(60.0)
    assert lane.barrier.raise_boom("p1", sent_s + 1.0) == sent_s
    assert lane.board.pulses(RAISE) == 1


def test_an_expired_raise_moves_nothing(lane: Lane) -> None:
    lane.rests(barrier_down=True)
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
def test_the_boom_is_not_lowered_onto_anything(lane: Lane, on: dict[str, bool], why: str) -> None:
    lane.rests(barrier_up=True)
    with pytest.raises(CommandRefused, match=why):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True, **on))
    assert lane.board.tried == []


def test_the_boom_is_not_lowered_on_old_inputs(lane: Lane) -> None:
    lane.rests(barrier_up=True)
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


def test_a_clear_lane_lowers_once_per_command(lane: Lane) -> None:
    lane.rests(barrier_up=True)
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
    lane.rests(barrier_up=True)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.board.error_on_writes = None
    lane.clock.advance(0.3)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_boom_that_falls_by_itself_over_a_truck_is_raised(lane: Lane) -> None:
    lane.rests(barrier_up=True, exit_loop=True)
    lane.poll(exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_a_truck_that_pushes_up_a_closed_boom_is_not_helped(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll(exit_loop=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    assert lane.board.tried == []


def test_a_boom_that_somebody_else_opened_can_be_lowered_by_order(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    lane.clock.advance(2.0)
    lane.poll(barrier_up=True)
    assert lane.barrier.position is BarrierPosition.FORCED
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    assert lane.board.pulses(LOWER) == 1


def test_a_boom_that_was_forced_half_way_is_not_lowered(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    for _ in range(20):
        lane.clock.advance(0.02)
        lane.poll()
    assert lane.barrier.position is BarrierPosition.FORCED
    with pytest.raises(CommandRefused, match="forced"):
        lane.barrier.lower_boom("d1", lane.inputs())


def test_the_controller_never_gets_both_contacts_at_once(lane: Lane) -> None:
    lane.rests(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.clock.advance(0.1)  # the lower pulse of 0.3 s still runs
    lane.poll(exit_loop=True)
    assert [each[:2] for each in lane.board.commands] == [
        ("pulse", LOWER),
        ("off", LOWER),
        ("pulse", RAISE),
    ]


def test_raising_goes_on_when_the_lower_contact_cannot_be_opened(lane: Lane) -> None:
    lane.rests(barrier_up=True)
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
    lane.rests(barrier_down=True)
    for n in range(REMEMBERED_COMMANDS + 10):
        lane.barrier.raise_boom(f"p{n}", lane.now_s() + 1.0)
    assert len(lane.barrier._sent_s) == REMEMBERED_COMMANDS


# -- a raise that saves is given whole, and again


def test_a_garbled_answer_does_not_cut_the_raise_that_frees_the_exit_loop(lane: Lane) -> None:
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


def test_a_release_whose_answer_was_lost_is_not_cut_either(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):  # the contact may have closed all the same
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.board.error_on_writes = None
    lane.clock.advance(0.2)
    lane.barrier.lost()
    lane.barrier.close()
    assert ("off", RAISE) not in [each[:2] for each in lane.board.tried]
    lane.clock.advance(2.0)
    lane.barrier.close()
    assert lane.board.commands[-3][:2] == ("off", RAISE)


def test_a_raise_is_repeated_no_longer_than_a_travel_and_never_once_the_boom_is_up(
    lane: Lane,
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


def test_a_raise_that_frees_nobody_is_given_once(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.polls(3.0, exit_loop=True)
    assert lane.board.pulses(RAISE) == 1


def test_one_garbled_answer_to_the_reversal_itself_does_not_wait_for_the_link(lane: Lane) -> None:
    lane.closing()
    pulse = lane.board.pulse_coil

    def garbled(address: int, pulse_s: float) -> None:
        lane.board.pulse_coil = pulse  # type: ignore[method-assign]
        raise RemoteProtocolError("modbus: garbled")

    lane.board.pulse_coil = garbled  # type: ignore[method-assign]
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert (lane.barrier.reversal_count, lane.board.pulses(RAISE)) == (1, 1)


def test_a_repeated_raise_that_fails_is_tried_again_at_the_next_poll(lane: Lane) -> None:
    lane.closing()
    lane.poll(exit_loop=True)
    lane.clock.advance(0.6)
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane.poll(exit_loop=True)
    lane.board.error_on_writes = None
    lane.polls(0.02, exit_loop=True)
    assert lane.board.pulses(RAISE) == 2


# -- limits that flicker


def test_a_limit_that_flickers_in_mid_travel_ends_no_motion_and_disarms_no_reversal(
    lane: Lane,
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


def test_a_boom_reverses_in_the_very_poll_in_which_its_down_limit_flickers(lane: Lane) -> None:
    lane.closing()
    lane.clock.advance(0.02)
    assert lane.poll(barrier_down=True, exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.pulses(RAISE) == 1


def test_an_emergency_stop_in_mid_fall_does_not_disarm_the_reversal(lane: Lane) -> None:
    lane.closing()
    lane.clock.advance(0.02)
    assert lane.poll(emergency_stop=True) is BarrierPosition.STOPPED_MID
    lane.clock.advance(1.0)
    lane.poll()  # released; the controller goes on lowering
    assert lane.board.pulses(RAISE) == 0
    lane.clock.advance(0.02)
    assert lane.poll(exit_loop=True) is BarrierPosition.OPENING
    assert lane.board.pulses(RAISE) == 1


# -- the emergency stop and the stop contact


def test_an_emergency_stop_pulses_the_stop_contact_of_a_falling_boom_once(lane: Lane) -> None:
    lane.closing()
    lane.polls(1.0, emergency_stop=True)
    kinds = [each[:2] for each in lane.board.commands]
    assert kinds == [("pulse", LOWER), ("off", LOWER), ("pulse", STOP)]
    assert lane.barrier.position is BarrierPosition.STOPPED_MID


def test_a_stop_that_fails_is_tried_again_at_the_next_poll(lane: Lane) -> None:
    lane.closing()
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    for _ in range(2):
        with pytest.raises(DeviceTimeout):
            lane.poll(emergency_stop=True)
    lane.board.error_on_writes = None
    lane.poll(emergency_stop=True)
    assert lane.board.pulses(STOP) == 1


def test_an_emergency_stop_stops_nothing_that_stands_or_rises(lane: Lane) -> None:
    lane.rests(barrier_down=True)
    lane.polls(0.2, barrier_down=True, emergency_stop=True)
    lane.polls(0.2, barrier_down=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.polls(0.5)
    lane.polls(0.5, emergency_stop=True)
    lane.polls(0.5, barrier_up=True)
    lane.polls(0.5, barrier_up=True, emergency_stop=True)
    assert lane.board.pulses(STOP) == 0


def test_a_boom_that_falls_by_itself_under_an_emergency_stop_is_stopped(lane: Lane) -> None:
    lane.rests(barrier_up=True)
    lane.polls(0.2, barrier_up=True, emergency_stop=True)
    assert lane.board.pulses(STOP) == 0
    lane.polls(0.2, emergency_stop=True)
    assert lane.board.pulses(STOP) == 1


def test_a_stop_pulse_is_opened_before_a_raise_and_not_cut_by_a_lost_link(lane: Lane) -> None:
    lane.closing()
    lane.poll(emergency_stop=True)
    lane.barrier.close()
    assert ("off", STOP) not in [each[:2] for each in lane.board.commands]
    lane.clock.advance(0.02)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.commands[-2:]] == [("off", STOP), ("pulse", RAISE)]


# -- what an agent left that was killed


def test_a_contact_that_a_killed_agent_left_closed_is_opened(lane: Lane) -> None:
    said = lane.barrier.open_wrong_contacts(lane.relays(LOWER, STOP))
    assert said == "the lower contact is closed and no pulse runs"
    assert [each[:2] for each in lane.board.commands] == [("off", LOWER), ("off", STOP)]
    assert lane.barrier.open_wrong_contacts(lane.relays()) is None


def test_a_lower_contact_never_seen_open_is_opened_before_the_first_raise(lane: Lane) -> None:
    lane.poll()
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.commands] == [("off", LOWER), ("pulse", RAISE)]
    lane.clock.advance(1.0)
    lane.barrier.raise_boom("p2", lane.now_s() + 1.0)
    assert lane.board.commands[-2][:2] == ("pulse", RAISE)


def test_a_lower_contact_that_could_not_be_opened_is_tried_again_before_the_next_raise(
    lane: Lane,
) -> None:
    lane.closing()
    lane.board.error_on_writes = RemoteProtocolError("modbus: garbled")
    with pytest.raises(RemoteProtocolError):
        lane.poll(exit_loop=True)
    lane.board.error_on_writes = None
    lane.clock.advance(0.02)
    lane.poll(exit_loop=True)
    assert [each[:2] for each in lane.board.commands[-2:]] == [("off", LOWER), ("pulse", RAISE)]


def test_a_pulse_of_our_own_is_no_wrong_contact(lane: Lane) -> None:
    lane.rests(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    assert lane.barrier.open_wrong_contacts(lane.relays(LOWER)) is None
    assert lane.board.commands[-1][:2] == ("pulse", LOWER)
