"""The boom's contacts: never two at once, none left closed, a stop only for a falling boom."""

import pytest

from devices.errors import DeviceTimeout, LinkDown, RemoteProtocolError
from devices.readings import BarrierPosition
from tests.polled_barrier import LOWER, RAISE, STOP, PolledBarrier


@pytest.fixture
def lane() -> PolledBarrier:
    return PolledBarrier()


def test_the_controller_never_gets_both_contacts_at_once(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.clock.advance(0.1)  # the lower pulse of 0.3 s still runs
    lane.poll(exit_loop=True)
    assert [each[:2] for each in lane.board.commands] == [
        ("pulse", LOWER),
        ("off", LOWER),
        ("pulse", RAISE),
    ]


def test_raising_goes_on_when_the_lower_contact_cannot_be_opened(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    lane.board.error_on_writes = LinkDown("modbus: gone")
    with pytest.raises(LinkDown):
        lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.tried[-2:]] == [("off", LOWER), ("pulse", RAISE)]


def test_closing_the_driver_opens_every_contact_and_never_raises(lane: PolledBarrier) -> None:
    lane.barrier.close()
    assert [each[:2] for each in lane.board.commands] == [
        ("off", RAISE),
        ("off", LOWER),
        ("off", STOP),
    ]
    lane.board.error = LinkDown("modbus: gone")
    lane.barrier.close()


def test_a_release_whose_answer_was_lost_is_not_cut_either(lane: PolledBarrier) -> None:
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


def test_an_emergency_stop_pulses_the_stop_contact_of_a_falling_boom_once(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.polls(1.0, emergency_stop=True)
    kinds = [each[:2] for each in lane.board.commands]
    assert kinds == [("pulse", LOWER), ("off", LOWER), ("pulse", STOP)]
    assert lane.barrier.position is BarrierPosition.STOPPED_MID


def test_a_stop_that_fails_is_tried_again_at_the_next_poll(lane: PolledBarrier) -> None:
    lane.closing()
    lane.board.error_on_writes = DeviceTimeout("modbus: no answer")
    for _ in range(2):
        with pytest.raises(DeviceTimeout):
            lane.poll(emergency_stop=True)
    lane.board.error_on_writes = None
    lane.poll(emergency_stop=True)
    assert lane.board.pulses(STOP) == 1


def test_an_emergency_stop_stops_nothing_that_stands_or_rises(lane: PolledBarrier) -> None:
    lane.rests(barrier_down=True)
    lane.polls(0.2, barrier_down=True, emergency_stop=True)
    lane.polls(0.2, barrier_down=True)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    lane.polls(0.5)
    lane.polls(0.5, emergency_stop=True)
    lane.polls(0.5, barrier_up=True)
    lane.polls(0.5, barrier_up=True, emergency_stop=True)
    assert lane.board.pulses(STOP) == 0


def test_a_boom_that_falls_by_itself_under_an_emergency_stop_is_stopped(
    lane: PolledBarrier,
) -> None:
    lane.rests(barrier_up=True)
    lane.polls(0.2, barrier_up=True, emergency_stop=True)
    assert lane.board.pulses(STOP) == 0
    lane.polls(0.2, emergency_stop=True)
    assert lane.board.pulses(STOP) == 1


def test_a_stop_pulse_is_opened_before_a_raise_and_not_cut_by_a_lost_link(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.poll(emergency_stop=True)
    lane.barrier.close()
    assert ("off", STOP) not in [each[:2] for each in lane.board.commands]
    lane.clock.advance(0.02)
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.commands[-2:]] == [("off", STOP), ("pulse", RAISE)]


def test_a_contact_that_a_killed_agent_left_closed_is_opened(lane: PolledBarrier) -> None:
    said = lane.barrier.open_wrong_contacts(lane.relays(LOWER, STOP))
    assert said == "the lower contact is closed and no pulse runs"
    assert [each[:2] for each in lane.board.commands] == [("off", LOWER), ("off", STOP)]
    assert lane.barrier.open_wrong_contacts(lane.relays()) is None


def test_a_lower_contact_never_seen_open_is_opened_before_the_first_raise(
    lane: PolledBarrier,
) -> None:
    lane.poll()
    lane.barrier.raise_boom("p1", lane.now_s() + 1.0)
    assert [each[:2] for each in lane.board.commands] == [("off", LOWER), ("pulse", RAISE)]
    lane.clock.advance(1.0)
    lane.barrier.raise_boom("p2", lane.now_s() + 1.0)
    assert lane.board.commands[-2][:2] == ("pulse", RAISE)


def test_a_lower_contact_that_could_not_be_opened_is_tried_again_before_the_next_raise(
    lane: PolledBarrier,
) -> None:
    lane.closing()
    lane.board.error_on_writes = RemoteProtocolError("modbus: garbled")
    with pytest.raises(RemoteProtocolError):
        lane.poll(exit_loop=True)
    lane.board.error_on_writes = None
    lane.clock.advance(0.02)
    lane.poll(exit_loop=True)
    assert [each[:2] for each in lane.board.commands[-2:]] == [("off", LOWER), ("pulse", RAISE)]


def test_a_pulse_of_our_own_is_no_wrong_contact(lane: PolledBarrier) -> None:
    lane.rests(barrier_up=True)
    lane.barrier.lower_boom("d1", lane.inputs(barrier_up=True))
    assert lane.barrier.open_wrong_contacts(lane.relays(LOWER)) is None
    assert lane.board.commands[-1][:2] == ("pulse", LOWER)
