"""What the lane hears of a truck that rolls onto the scale, swings and comes to rest."""

from __future__ import annotations

from devices.clock import ManualClock
from devices.config import WeighbridgeConfig
from devices.sim.truck import LaneGeometry, Sight, Truck, TruckPhase, TruckSpec
from gate_agent.adapters.weighbridge import WeighbridgeAdapter
from gate_agent.domain.events import FaultCleared, FaultRaised, WeightObserved
from gate_agent.domain.vocabulary import WeightState
from gate_agent.inbox import Inbox
from tests.fed_scale import FedScale

PERIOD_S = 0.04
GO = Sight(entry_green=True, exit_green=False, boom_up=False)


class Scale:
    """A lane's adapter and what its indicator shows, in time that moves when told to."""

    def __init__(self) -> None:
        self.clock = ManualClock(mono_s=100.0)
        self.inbox = Inbox()
        self.scale = FedScale(self.clock)
        config = WeighbridgeConfig(port="-")
        self.adapter = WeighbridgeAdapter(self.scale, config, self.inbox, self.clock)
        self.adapter.open()

    def feels(self, weight_kg: float) -> list[WeightObserved]:
        """One more frame of the indicator; what the lane is told because of it."""
        self.clock.advance(PERIOD_S)
        self.scale.shows(weight_kg)
        self.adapter.serve()
        told = []
        while (stamped := self.inbox.take(0)) is not None:
            assert isinstance(stamped.event, WeightObserved)
            told.append(stamped.event)
        return told


def test_a_truck_is_bracketed_when_it_stops_and_settled_later() -> None:
    for seed in range(12):
        scale = Scale()
        truck = Truck(TruckSpec(gross_kg=31_990, settle_s=2.5, seed=seed), LaneGeometry())
        told: list[tuple[float, WeightObserved]] = []
        while truck.standing_s < 4.0:
            truck.advance(PERIOD_S, GO)
            told += [(truck.standing_s, event) for event in scale.feels(truck.weight_kg())]
        standing = [(at_s, event) for at_s, event in told if truck.phase is TruckPhase.STOPPED]
        named = [
            (at_s, event.low_kg, event.high_kg)
            for at_s, event in standing
            if event.low_kg is not None and event.high_kg is not None and at_s > 0
        ]
        settled_s = next(at_s for at_s, event in standing if event.state is WeightState.SETTLED)
        assert all(low_kg <= 31_990 <= high_kg for _, low_kg, high_kg in named)
        widths_kg = [high_kg - low_kg for at_s, low_kg, high_kg in named if at_s < 1.0]
        assert min(widths_kg) < 0.06 * 31_990
        assert settled_s > 1.5


def test_brackets_are_told_a_few_times_and_never_while_the_scale_rests() -> None:
    scale = Scale()
    truck = Truck(TruckSpec(gross_kg=31_990), LaneGeometry())
    told: list[WeightObserved] = []
    while truck.standing_s < 6.0:
        truck.advance(PERIOD_S, GO)
        told += scale.feels(truck.weight_kg())
    assert len(told) < 60  # of some 400 frames
    assert all(event.low_kg is None for event in told if event.state is not WeightState.MOVING)
    assert all(event.window_kg for event in told if event.low_kg is not None)


def test_a_bracket_that_no_longer_holds_is_taken_back_at_once() -> None:
    scale = Scale()
    truck = Truck(TruckSpec(gross_kg=31_990, settle_s=3.0), LaneGeometry())
    told: list[WeightObserved] = []
    while truck.standing_s < 0.6:
        truck.advance(PERIOD_S, GO)
        told += scale.feels(truck.weight_kg())
    last = told[-1]
    assert last.low_kg is not None
    assert last.high_kg is not None
    beyond = last.high_kg - last.low_kg
    (taken_back,) = scale.feels(truck.weight_kg() + 2 * beyond)
    assert taken_back.low_kg is None or taken_back.low_kg < taken_back.high_kg - beyond  # type: ignore[operator]


def rolls_on(*, frozen_from_s: float | None, seed: int) -> list[tuple[float, WeightObserved]]:
    """What is told after the tail has passed the rear beam, and how many ms after it."""
    scale = Scale()
    truck = Truck(TruckSpec(gross_kg=47_990, seed=seed), LaneGeometry())
    began_s, tail_s, held_kg = scale.clock.now().mono_s, None, 0.0
    was_cut = False
    told: list[tuple[float, WeightObserved]] = []
    while truck.standing_s < 5.0:
        truck.advance(PERIOD_S, GO)
        now_s = scale.clock.now().mono_s + PERIOD_S
        if frozen_from_s is None or now_s - began_s < frozen_from_s:
            held_kg = truck.weight_kg()
        is_cut = truck.occupancy().rear_beam
        if was_cut and not is_cut:
            tail_s = now_s
        was_cut = is_cut
        events = scale.feels(held_kg)
        if tail_s is not None:
            told += [((now_s - tail_s) * 1000, event) for event in events]
    return told


def counts(since_tail_ms: float, event: WeightObserved) -> bool:
    is_evidence = event.state is WeightState.SETTLED or event.low_kg is not None
    return is_evidence and since_tail_ms >= event.judged_ms


def test_a_scale_that_freezes_as_a_truck_rolls_on_never_gives_the_weight_of_some_axles() -> None:
    for seed in range(3):
        whole = [
            event
            for told in rolls_on(frozen_from_s=None, seed=seed)
            if counts(*told)
            for event in told[1:]
        ]
        assert whole[0].low_kg is not None, "its swing proves it before it rests"
        assert abs((whole[-1].gross_kg or 0) - 47_990) <= 20
        believed = 0
        for tenths in range(4, 160, 4):
            for since_ms, event in rolls_on(frozen_from_s=tenths / 10, seed=seed):
                if counts(since_ms, event) and event.state is WeightState.SETTLED:
                    believed += 1
                    assert abs((event.gross_kg or 0) - 47_990) < 0.03 * 47_990
        assert believed, "frozen after it had stopped"


def test_a_value_that_flickers_about_a_limit_is_one_fault_and_no_weight_meanwhile() -> None:
    scale = Scale()
    told: list[object] = []
    for number in range(750):  # half a minute below zero, by two divisions and by three in turn
        scale.clock.advance(PERIOD_S)
        scale.scale.shows(-40 if number % 2 else -60)
        scale.adapter.serve()
        told += [stamped.event for stamped in iter(lambda: scale.inbox.take(0), None)]
    faults = [event for event in told if isinstance(event, FaultRaised | FaultCleared)]
    assert [type(event) for event in faults] == [FaultRaised]
    weights = [event.state for event in told if isinstance(event, WeightObserved)]
    assert set(weights[1:]) <= {WeightState.UNAVAILABLE}
    for _ in range(100):
        scale.clock.advance(PERIOD_S)
        scale.scale.shows(0)
        scale.adapter.serve()
        told += [stamped.event for stamped in iter(lambda: scale.inbox.take(0), None)]
    assert [type(event) for event in told if isinstance(event, FaultCleared)] == [FaultCleared]
    assert [event for event in told if isinstance(event, WeightObserved)][-1].state is (
        WeightState.EMPTY
    )


def test_a_silent_scale_says_nothing_until_what_it_said_last_is_too_old() -> None:
    scale = Scale()
    for _ in range(60):
        scale.feels(25_000)
    said = []
    for _ in range(100):
        scale.clock.advance(PERIOD_S)
        scale.adapter.serve()
        said += [stamped.event for stamped in iter(lambda: scale.inbox.take(0), None)]
    assert [event.state for event in said if isinstance(event, WeightObserved)] == [
        WeightState.UNAVAILABLE
    ]


def test_a_scale_that_is_usable_again_under_a_vehicle_is_seen_to_come_to_rest() -> None:
    scale = Scale()
    told: list[object] = []
    for number in range(100):
        scale.clock.advance(PERIOD_S)
        scale.scale.shows(120_000 if number < 10 else 25_000)
        scale.adapter.serve()
        told += [stamped.event for stamped in iter(lambda: scale.inbox.take(0), None)]
    states = [event.state for event in told if isinstance(event, WeightObserved)]
    assert list(dict.fromkeys(states)) == [
        WeightState.UNAVAILABLE,
        WeightState.MOVING,
        WeightState.SETTLED,
    ]
