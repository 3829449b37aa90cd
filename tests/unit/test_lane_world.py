"""What the traffic generator may rely on when it counts what really happened in the lane."""

from collections.abc import Callable

import pytest

from devices.clock import ManualClock
from devices.lane_io.registers import DEFAULT_BOARD as BOARD
from devices.lane_io.registers import BoardMap, decode_inputs
from devices.readings import Lamp, LaneInputs
from devices.sim.boom import SimBoom
from devices.sim.lane_world import LaneWorld, TruckVisit, ViolationKind, VisitHandle
from devices.sim.truck import LaneGeometry, TruckPhase, TruckSpec

EMPTY, TRUCK = b"empty lane", b"a truck"


class Lane:
    """A world in virtual time with its board's terminals at hand."""

    def __init__(self, board: BoardMap = BOARD) -> None:
        self.clock = ManualClock()
        self.terminals = [False] * 8
        self.cards: list[str] = []
        self.board = board
        self.world = LaneWorld(
            LaneGeometry(),
            self.clock,
            SimBoom(travel_s=1.5),
            set_input=self.terminals.__setitem__,
            present_card=self.cards.append,
            empty_picture=EMPTY,
            board=board,
        )
        self.world.tick(0.0)

    def inputs(self) -> LaneInputs:
        now_s = self.clock.now().mono_s
        return decode_inputs(self.terminals, received_s=now_s, board=self.board)

    def coil(self, address: int, *, on: bool = True) -> None:
        self.world.on_coil(address, on, self.clock.now().mono_s)

    def pulse(self, address: int) -> None:
        self.coil(address)
        self.run(0.3)
        self.coil(address, on=False)

    def run(self, duration_s: float) -> None:
        for _ in range(round(duration_s / 0.02)):
            self.clock.advance(0.02)
            self.world.tick(0.02)

    def run_until(self, condition: Callable[[], bool], within_s: float = 60.0) -> None:
        for _ in range(round(within_s / 0.02)):
            if condition():
                return
            self.run(0.02)
        raise AssertionError(f"not within {within_s} s")

    def send(self, card_uid: str | None = "A2C31F07", patience_s: float = 1e9) -> VisitHandle:
        spec = TruckSpec(gross_kg=32_100, patience_s=patience_s)
        return self.world.send(TruckVisit(truck=spec, picture=TRUCK, card_uid=card_uid))

    def stopped_truck(self) -> VisitHandle:
        handle = self.send()
        self.coil(BOARD.entry_green_coil)
        self.run_until(lambda: handle.stopped_s is not None)
        self.coil(BOARD.entry_green_coil, on=False)
        return handle

    def violations(self) -> list[ViolationKind]:
        return [violation.kind for violation in self.world.violations]


def test_an_empty_lane_shows_a_closed_boom_and_nothing_else() -> None:
    lane = Lane()
    inputs = lane.inputs()
    assert inputs.barrier_down
    assert not any((inputs.barrier_up, inputs.entry_loop, inputs.exit_loop, inputs.front_beam))
    assert lane.world.weight_kg() == 0.0
    assert lane.world.picture() == EMPTY


def test_a_normally_closed_switch_is_wired_the_other_way_round() -> None:
    lane = Lane(BoardMap(normally_closed=frozenset({BOARD.emergency_stop})))
    assert lane.terminals[BOARD.emergency_stop]
    assert not lane.inputs().emergency_stop
    lane.world.hold_input("emergency_stop", state=True)
    lane.run(0.1)
    assert lane.inputs().emergency_stop


def test_a_truck_comes_on_green_stops_and_presents_its_card_a_moment_later() -> None:
    lane = Lane()
    handle = lane.send()
    lane.run(5.0)
    assert handle.entered_s is None
    lane.coil(BOARD.entry_green_coil)
    lane.run_until(lambda: lane.inputs().entry_loop)
    assert lane.world.picture() == TRUCK
    lane.run_until(lambda: handle.card_presented_s is not None)
    assert lane.cards == ["A2C31F07"]
    assert handle.stopped_s is not None
    assert handle.card_presented_s is not None
    assert handle.card_presented_s - handle.stopped_s == pytest.approx(0.3, abs=0.03)
    assert handle.wait_stopped(0)


def test_a_driver_without_a_card_presents_none() -> None:
    lane = Lane()
    handle = lane.send(card_uid=None)
    lane.coil(BOARD.entry_green_coil)
    lane.run_until(lambda: handle.stopped_s is not None)
    lane.run(5.0)
    assert lane.cards == []
    handle.present_card("04A1B2C3")
    lane.run(0.1)
    assert lane.cards == ["04A1B2C3"]


def test_a_released_truck_leaves_by_the_exit_with_every_stamp() -> None:
    lane = Lane()
    handle = lane.stopped_truck()
    lane.run(2.0)
    lane.coil(BOARD.exit_green_coil)
    pulsed_s = lane.clock.now().mono_s
    lane.pulse(BOARD.raise_coil)
    lane.run_until(lambda: handle.left_s is not None)
    assert handle.left_by == "exit"
    assert handle.raise_contact_s == pytest.approx(pulsed_s)
    assert handle.boom_up_s == pytest.approx(pulsed_s + 1.5)
    assert lane.world.weight_kg() == 0.0
    assert lane.world.picture() == EMPTY
    assert lane.violations() == []
    assert handle.wait_gone(0)


def test_a_raised_boom_alone_lets_nobody_out() -> None:
    lane = Lane()
    handle = lane.stopped_truck()
    lane.pulse(BOARD.raise_coil)
    lane.run(20.0)
    assert handle.left_s is None
    assert lane.inputs().barrier_up


def test_a_refused_truck_backs_out_through_the_entry() -> None:
    lane = Lane()
    handle = lane.stopped_truck()
    handle.turn_back()
    lane.run_until(lambda: handle.left_s is not None)
    assert handle.left_by == "entry"
    assert handle.boom_up_s is None
    assert lane.violations() == []


def test_trucks_come_one_after_the_other() -> None:
    lane = Lane()
    first, second = lane.send(patience_s=1.0), lane.send()
    assert lane.world.queued == 2
    lane.coil(BOARD.entry_green_coil)
    lane.run_until(lambda: second.stopped_s is not None)
    assert first.left_s is not None
    assert second.entered_s is not None
    assert first.left_s < second.entered_s


def test_a_boom_that_rises_for_nobody_is_seen() -> None:
    lane = Lane()
    lane.pulse(BOARD.raise_coil)
    assert lane.violations() == [ViolationKind.OPENED_FOR_NOBODY]


def test_a_boom_that_comes_down_on_something_is_seen() -> None:
    lane = Lane()
    lane.stopped_truck()
    lane.pulse(BOARD.raise_coil)
    lane.run(2.0)
    lane.world.boom.advance(lane.clock.now().mono_s, safety_occupied=False)
    lane.world.obstacle_under_boom = True
    lane.run(0.5)
    for step in range(10):  # somebody pulls it down by hand, past the controller
        lane.world.boom.push_to(1.0 - 0.1 * step)
        lane.run(0.02)
    assert ViolationKind.CLOSED_ON_SOMETHING in lane.violations()


def test_the_barriers_own_controller_reopens_before_that() -> None:
    lane = Lane()
    lane.stopped_truck()
    lane.pulse(BOARD.raise_coil)
    lane.run(2.0)
    lane.coil(BOARD.lower_coil)
    lane.run(0.5)
    lane.world.obstacle_under_boom = True
    lane.run(3.0)
    assert lane.inputs().barrier_up
    assert lane.inputs().exit_loop
    assert lane.violations() == []


def test_a_truck_that_drives_into_the_boom_is_seen() -> None:
    lane = Lane()
    handle = lane.stopped_truck()
    lane.coil(BOARD.exit_green_coil)
    lane.pulse(BOARD.raise_coil)
    lane.run_until(lambda: lane.world.truck is not None and lane.world.truck.front_m > 19.9)
    lane.world.boom.push_to(0.0)
    lane.run_until(lambda: handle.left_s is not None or bool(lane.world.violations))
    assert ViolationKind.STRUCK in lane.violations()


def test_a_sensor_held_by_hand_tells_the_board_what_it_is_held_at() -> None:
    lane = Lane()
    lane.world.hold_input("front_beam", state=True)
    lane.run(0.1)
    assert lane.inputs().front_beam
    lane.world.hold_input("front_beam", state=None)
    lane.run(0.1)
    assert not lane.inputs().front_beam


def test_the_lamps_are_the_boards_relays() -> None:
    lane = Lane()
    lane.coil(BOARD.exit_red_coil)
    assert lane.world.lamp(Lamp.EXIT_RED)
    assert not lane.world.lamp(Lamp.EXIT_GREEN)


def test_a_truck_too_long_for_the_lane_is_refused_when_sent() -> None:
    lane = Lane()
    spec = TruckSpec(gross_kg=10_000, length_m=18.5)
    with pytest.raises(ValueError, match="fit between the beams"):
        lane.world.send(TruckVisit(truck=spec, picture=TRUCK, card_uid=None))
    assert lane.world.queued == 0


def test_a_driver_waits_outside_as_long_as_the_entry_lamp_is_red() -> None:
    lane = Lane()
    lane.send()
    lane.run(60.0)
    truck = lane.world.truck
    assert truck is not None
    assert truck.phase is TruckPhase.WAITING


def test_several_pictures_of_a_truck_are_shown_in_turn() -> None:
    lane = Lane()
    visit = TruckVisit(
        truck=TruckSpec(gross_kg=9_000),
        picture=TRUCK,
        card_uid=None,
        further_pictures=(b"again", b"and again"),
    )
    lane.world.send(visit)
    lane.run(0.1)
    seen = [lane.world.picture() for _ in range(6)]
    assert sorted(set(seen)) == sorted({TRUCK, b"again", b"and again"})
    assert seen[:3] == seen[3:]


def test_a_second_vehicle_stands_close_behind_a_truck_with_its_first_axle_weighed() -> None:
    lane = Lane()
    lane.world.is_followed = True
    lane.run(1.0)
    assert lane.world.weight_kg() == 0.0, "nobody is there to follow"
    handle = lane.stopped_truck()
    lane.run(10.0)
    assert lane.world.weight_kg() == pytest.approx(handle.visit.truck.gross_kg + 450, abs=30)
    assert lane.inputs().rear_beam
    lane.world.is_followed = False
    lane.run(0.1)
    assert lane.world.weight_kg() == pytest.approx(handle.visit.truck.gross_kg, abs=30)
    assert not lane.inputs().rear_beam


def test_a_truck_that_drives_out_is_not_followed_under_the_boom() -> None:
    lane = Lane()
    handle = lane.stopped_truck()
    lane.world.is_followed = True
    lane.run(0.1)
    lane.pulse(BOARD.raise_coil)
    lane.coil(BOARD.exit_green_coil)
    lane.run_until(lambda: handle.left_s is not None)
    assert lane.inputs().rear_beam, "it stays where it stood"
    lane.world.is_followed = False
    lane.run(0.1)
    lane.world.is_followed = True
    lane.run(1.0)
    assert lane.world.weight_kg() == 0.0
    assert lane.world.violations == ()


def test_who_looks_on_is_told_of_the_visit_and_of_its_end() -> None:
    lane = Lane()
    told: list[TruckVisit | None] = []
    lane.world._onlooker = told.append
    handle = lane.stopped_truck()
    assert told == [handle.visit]
    handle.turn_back()
    lane.run_until(lambda: handle.left_s is not None)
    assert told == [handle.visit, None]
