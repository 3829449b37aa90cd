"""Laws of the simulated truck, whatever its size, habits and the steps of time."""

from hypothesis import given
from hypothesis import strategies as st

from devices.sim.truck import (
    Axle,
    LaneGeometry,
    Occupancy,
    Sight,
    Truck,
    TruckPhase,
    TruckSpec,
)

LANE = LaneGeometry()
GO = Sight(entry_green=True, exit_green=False, boom_up=False)
OUT = Sight(entry_green=False, exit_green=True, boom_up=True)


@st.composite
def specs(draw: st.DrawFn) -> TruckSpec:
    length_m = draw(st.floats(5.0, LANE.longest_m))
    rear_share = draw(st.floats(0.2, 0.8))
    return TruckSpec(
        gross_kg=draw(st.floats(3_000, 60_000)),
        length_m=length_m,
        axles=(
            Axle(behind_front_m=1.2, share=1 - rear_share),
            Axle(behind_front_m=length_m - 1.5, share=rear_share),
        ),
        cruise_mps=draw(st.floats(1.0, 8.0)),
        accel_mps2=draw(st.floats(0.6, 3.0)),
        settle_s=draw(st.floats(1.5, 3.0)),
        swing_hz=draw(st.floats(1.2, 2.2)),
        division_kg=draw(st.sampled_from([10.0, 20.0, 50.0])),
        seed=draw(st.integers(0, 2**32)),
    )


def run_until(truck: Truck, sight: Sight, wanted: TruckPhase, step_s: float) -> list[Occupancy]:
    seen = [truck.occupancy()]
    for _ in range(round(200 / step_s)):
        if truck.phase is wanted:
            return seen
        truck.advance(step_s, sight)
        seen.append(truck.occupancy())
    raise AssertionError(f"never {wanted}: {truck.phase} at {truck.front_m:.2f} m")


def edges(seen: list[Occupancy], name: str) -> list[bool]:
    """The states of one sensor, repetitions removed."""
    states = [getattr(one, name) for one in seen]
    return [now for i, now in enumerate(states) if i == 0 or now is not states[i - 1]]


@given(spec=specs(), step_s=st.floats(0.005, 0.1))
def test_every_loop_and_beam_is_seen_once_in_the_order_of_the_lane(
    spec: TruckSpec, step_s: float
) -> None:
    truck = Truck(spec, LANE)
    seen = run_until(truck, GO, TruckPhase.STOPPED, step_s)
    seen += run_until(truck, OUT, TruckPhase.GONE_BY_EXIT, step_s)
    order = ("entry_loop", "rear_beam", "front_beam", "exit_loop")
    for name in order:
        assert edges(seen, name) == [False, True, False]
    first_on = [[getattr(one, name) for one in seen].index(True) for name in order]
    assert first_on == sorted(first_on)
    last_entry = max(i for i, one in enumerate(seen) if one.entry_loop)
    assert last_entry < first_on[3]


@given(spec=specs(), step_s=st.floats(0.005, 0.04))
def test_the_weight_is_at_rest_within_a_division_when_it_has_settled(
    spec: TruckSpec, step_s: float
) -> None:
    truck = Truck(spec, LANE)
    run_until(truck, GO, TruckPhase.STOPPED, step_s)
    truck.advance(spec.settle_s, GO)
    weights_kg = []
    for _ in range(60):
        weights_kg.append(truck.weight_kg())
        truck.advance(step_s, GO)
    assert max(weights_kg) - min(weights_kg) <= spec.division_kg
    assert abs(weights_kg[-1] - spec.gross_kg) <= spec.division_kg


@given(spec=specs(), cuts=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=80))
def test_the_weight_is_never_negative_nor_far_above_the_truck(
    spec: TruckSpec, cuts: list[float]
) -> None:
    truck = Truck(spec, LANE)
    for step_s in cuts:
        truck.advance(step_s, GO)
        assert -spec.division_kg <= truck.weight_kg() <= spec.gross_kg * 1.03 + spec.division_kg


@given(spec=specs(), after_s=st.floats(0.0, 20.0))
def test_a_truck_that_turns_back_anywhere_leaves_by_the_entry_and_weighs_nothing(
    spec: TruckSpec, after_s: float
) -> None:
    truck = Truck(spec, LANE)
    truck.advance(after_s, GO)
    truck.turn_back()
    seen = run_until(truck, GO, TruckPhase.GONE_BY_ENTRY, 0.1)
    assert truck.weight_kg() == 0.0
    assert not any(one.exit_loop for one in seen)


@given(spec=specs())
def test_the_same_truck_runs_the_same_to_the_digit(spec: TruckSpec) -> None:
    def trace() -> list[float]:
        truck = Truck(spec, LANE)
        weights_kg = []
        for _ in range(400):
            truck.advance(0.05, GO)
            weights_kg.append(truck.weight_kg())
        return weights_kg

    assert trace() == trace()
