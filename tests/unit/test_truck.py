"""What anyone who reads the simulated lane's numbers may rely on."""

import dataclasses

import pytest

from devices.sim.truck import Axle, LaneGeometry, Sight, Truck, TruckPhase, TruckSpec

GO = Sight(entry_green=True, exit_green=False, boom_up=False)
OUT = Sight(entry_green=False, exit_green=True, boom_up=True)
RED = Sight(entry_green=False, exit_green=False, boom_up=False)
LANE = LaneGeometry()


def a_truck(**changes: object) -> Truck:
    spec = dataclasses.replace(TruckSpec(gross_kg=32_100), **changes)  # type: ignore[arg-type]
    return Truck(spec, LANE)


def stopped(truck: Truck, sight: Sight = GO) -> Truck:
    for _ in range(6_000):
        if truck.phase is TruckPhase.STOPPED:
            return truck
        truck.advance(0.01, sight)
    raise AssertionError(f"the truck never stopped, it is {truck.phase} at {truck.front_m}")


def test_a_driver_waits_before_the_entry_loop_until_the_lamp_is_green() -> None:
    truck = a_truck()
    truck.advance(30.0, RED)
    assert truck.phase is TruckPhase.WAITING
    assert not truck.occupancy().entry_loop
    truck.advance(1.0, GO)
    assert truck.phase is TruckPhase.ENTERING


def test_a_truck_stops_exactly_at_the_line_and_cuts_no_beam_there() -> None:
    truck = stopped(a_truck())
    assert truck.front_m == LANE.stop_line_m
    assert truck.speed_mps == 0.0
    occupancy = truck.occupancy()
    assert not occupancy.front_beam
    assert not occupancy.rear_beam
    assert not occupancy.entry_loop
    assert not occupancy.exit_loop


def test_the_whole_weight_is_on_the_platform_at_the_stop_line() -> None:
    assert stopped(a_truck()).load_kg() == pytest.approx(32_100)


def test_an_empty_platform_weighs_exactly_nothing() -> None:
    truck = a_truck()
    assert truck.weight_kg() == 0.0
    stopped(truck)
    for _ in range(3_000):
        truck.advance(0.01, OUT)
    assert truck.phase is TruckPhase.GONE_BY_EXIT
    assert truck.weight_kg() == 0.0


def test_weight_swings_after_the_stop() -> None:
    truck = stopped(a_truck())
    weights_kg = []
    for _ in range(100):
        truck.advance(0.01, GO)
        weights_kg.append(truck.weight_kg())
    assert max(weights_kg) - min(weights_kg) > 200


def test_a_red_exit_or_a_lowered_boom_keeps_the_driver_at_the_line() -> None:
    truck = stopped(a_truck())
    truck.advance(20.0, dataclasses.replace(OUT, exit_green=False))
    truck.advance(20.0, dataclasses.replace(OUT, boom_up=False))
    assert truck.phase is TruckPhase.STOPPED


def test_a_driver_stops_before_a_boom_that_comes_down_in_front_of_him() -> None:
    truck = stopped(a_truck())
    truck.advance(0.5, OUT)
    assert truck.phase is TruckPhase.LEAVING
    truck.advance(10.0, RED)
    assert truck.front_m < LANE.boom_m
    assert truck.speed_mps == 0.0
    truck.advance(30.0, OUT)
    assert truck.phase is TruckPhase.GONE_BY_EXIT


def test_a_driver_told_to_turn_back_leaves_by_the_entry() -> None:
    truck = stopped(a_truck())
    truck.turn_back()
    seen = []
    for _ in range(4_000):
        truck.advance(0.01, RED)
        seen.append(truck.occupancy())
    assert truck.phase is TruckPhase.GONE_BY_ENTRY
    assert truck.weight_kg() == 0.0
    assert any(one.rear_beam for one in seen)
    assert any(one.entry_loop for one in seen)
    assert not any(one.front_beam or one.exit_loop for one in seen)


def test_a_driver_without_patience_backs_out_by_himself() -> None:
    truck = stopped(a_truck(patience_s=5.0))
    truck.advance(4.0, RED)
    assert truck.phase is TruckPhase.STOPPED
    truck.advance(60.0, RED)
    assert truck.phase is TruckPhase.GONE_BY_ENTRY


def test_a_driver_who_is_already_driving_out_does_not_turn_back() -> None:
    truck = stopped(a_truck())
    truck.advance(1.0, OUT)
    truck.turn_back()
    assert truck.phase is TruckPhase.LEAVING


def test_a_truck_that_is_too_long_for_the_platform_is_refused() -> None:
    with pytest.raises(ValueError, match="fit between the beams"):
        a_truck(length_m=19.0)


def test_axle_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        a_truck(axles=(Axle(behind_front_m=1.0, share=0.5),))


def test_a_driver_who_stops_short_leaves_an_axle_before_the_platform_and_rolls_on_later() -> None:
    truck = a_truck()
    truck.stops_short = True
    stopped(truck)
    last = truck.spec.axles[-1]
    assert truck.load_kg() == pytest.approx(32_100 * (1 - last.share))
    assert truck.occupancy().rear_beam
    truck.stops_short = False
    truck.advance(0.1, GO)
    assert truck.phase is TruckPhase.ENTERING
    assert stopped(truck).front_m == LANE.stop_line_m
    truck.stops_short = True
    truck.advance(1.0, GO)
    assert truck.front_m == LANE.stop_line_m, "who stands at the line does not roll back"
