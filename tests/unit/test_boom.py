"""The simulated boom behaves as a barrier controller does."""

import pytest

from devices.sim.boom import BoomContact, SimBoom


def boom_up() -> SimBoom:
    boom = SimBoom(travel_s=1.5)
    boom.advance(0.0, safety_occupied=False)
    boom.contact(BoomContact.RAISE, True, 0.0)
    boom.contact(BoomContact.RAISE, False, 0.3)
    boom.advance(10.0, safety_occupied=False)
    assert boom.up_limit
    return boom


def lower(boom: SimBoom, at_s: float) -> None:
    boom.contact(BoomContact.LOWER, True, at_s)
    boom.contact(BoomContact.LOWER, False, at_s + 0.3)


def test_the_stamps_are_those_of_the_contact_and_the_limit_not_of_the_tick() -> None:
    boom = SimBoom(travel_s=1.5)
    boom.advance(100.0, safety_occupied=False)
    boom.contact(BoomContact.RAISE, True, 100.013)
    boom.advance(105.0, safety_occupied=False)
    assert boom.raise_contact_s == 100.013
    assert boom.up_limit_s == pytest.approx(101.513)


def test_rising_leaves_the_down_limit_and_reaches_the_up_limit() -> None:
    boom = SimBoom(travel_s=1.0)
    boom.advance(0.0, safety_occupied=False)
    assert (boom.down_limit, boom.up_limit) == (True, False)
    boom.contact(BoomContact.RAISE, True, 0.0)
    boom.advance(0.5, safety_occupied=False)
    assert (boom.down_limit, boom.up_limit, boom.position) == (False, False, 0.5)
    boom.advance(1.0, safety_occupied=False)
    assert (boom.down_limit, boom.up_limit) == (False, True)


def test_it_never_starts_to_close_over_an_occupied_loop() -> None:
    boom = boom_up()
    lower(boom, 11.0)
    boom.advance(15.0, safety_occupied=True)
    assert (boom.position, boom.lower_ignored_count) == (1.0, 1)


def test_it_opens_again_when_its_loop_becomes_occupied() -> None:
    boom = boom_up()
    lower(boom, 11.0)
    boom.advance(11.75, safety_occupied=False)
    assert 0.4 < boom.position < 0.6
    boom.advance(11.8, safety_occupied=True)
    boom.advance(15.0, safety_occupied=True)
    assert (boom.position, boom.auto_reverse_count) == (1.0, 1)


def test_raise_beats_lower() -> None:
    boom = boom_up()
    boom.contact(BoomContact.RAISE, True, 11.0)
    lower(boom, 11.1)
    boom.advance(15.0, safety_occupied=False)
    assert boom.position == 1.0


def test_stop_holds_the_boom_where_it_is() -> None:
    boom = boom_up()
    lower(boom, 11.0)
    boom.contact(BoomContact.STOP, True, 11.75)
    boom.advance(20.0, safety_occupied=False)
    assert boom.position == pytest.approx(0.5)
    assert not boom.up_limit
    assert not boom.down_limit


def test_faults_of_the_drive_and_the_switches_show() -> None:
    boom = SimBoom(travel_s=1.0)
    boom.faults.jammed = True
    boom.contact(BoomContact.RAISE, True, 0.0)
    boom.advance(0.0, safety_occupied=False)
    boom.advance(5.0, safety_occupied=False)
    assert boom.position == 0.0
    boom.faults.jammed = False
    boom.faults.jam_at = 0.4
    boom.advance(6.0, safety_occupied=False)
    assert boom.position == 0.4
    boom.faults.jam_at = None
    boom.faults.slow_factor = 2.0
    boom.contact(BoomContact.RAISE, True, 6.0)
    boom.advance(7.0, safety_occupied=False)
    assert boom.position == pytest.approx(0.9)
    boom.faults.up_switch = True
    boom.faults.down_switch = True
    assert boom.up_limit
    assert boom.down_limit


def test_a_boom_pushed_by_hand_moves_without_any_contact() -> None:
    boom = SimBoom()
    boom.push_to(0.7)
    assert not boom.down_limit
    assert boom.raise_count == 0


def test_commands_to_where_it_already_is_arrive_at_once() -> None:
    boom = boom_up()
    boom.contact(BoomContact.RAISE, True, 12.0)
    boom.advance(12.5, safety_occupied=False)
    assert (boom.up_limit_s, boom.direction) == (12.0, 0)
    boom.contact(BoomContact.RAISE, False, 12.6)
    lower(boom, 13.0)
    boom.advance(15.0, safety_occupied=False)
    assert boom.down_limit_s == pytest.approx(14.5)
    lower(boom, 16.0)
    boom.advance(17.0, safety_occupied=False)
    assert boom.down_limit_s == 16.0


def test_a_boom_that_reverses_by_itself_never_comes_down_and_does_when_the_fault_is_over() -> None:
    boom = boom_up()
    boom.faults.reverses = True
    lower(boom, 10.0)
    lowest = 1.0
    for tick in range(100):
        boom.advance(10.0 + tick / 25, safety_occupied=False)
        lowest = min(lowest, boom.position)
    assert 0.4 < lowest < 0.9
    assert boom.up_limit
    assert boom.auto_reverse_count == 1
    boom.faults.reverses = False
    lower(boom, 15.0)
    boom.advance(20.0, safety_occupied=False)
    assert boom.down_limit
