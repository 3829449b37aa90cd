"""The traffic of the demonstration: fixed by its seed, most of it faultless, the truth known."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime

from central.manifest.importer import parse
from hil_tests.demo.lane_traffic import as_csv
from hil_tests.demo.traffic import Kind, PlannedTruck, plan

TRUCKS = 400


def trucks(lane: str = "lane1", seed: int = 7, count: int = TRUCKS) -> list[PlannedTruck]:
    return list(itertools.islice(plan(lane, seed), count))


def test_the_same_lane_and_seed_bring_the_same_trucks() -> None:
    assert trucks() == trucks()


def test_another_seed_or_another_lane_brings_other_trucks() -> None:
    first = [truck.plate for truck in trucks(count=20)]
    assert first != [truck.plate for truck in trucks(seed=8, count=20)]
    assert first != [truck.plate for truck in trucks("lane2", count=20)]


def test_no_two_trucks_of_a_day_carry_the_same_plate() -> None:
    plates = [truck.plate for lane in ("lane1", "lane2") for truck in trucks(lane)]
    assert len(set(plates)) == len(plates)


def test_most_trucks_are_faultless_and_every_fault_comes() -> None:
    kinds = Counter(truck.kind for truck in trucks())
    assert kinds[Kind.FAULTLESS] > 0.6 * TRUCKS
    assert set(kinds) == set(Kind)


def test_a_newcomer_first_sees_faultless_trucks_in_every_lane() -> None:
    for lane in ("lane1", "lane2", "lane9"):
        assert all(truck.is_faultless for truck in trucks(lane, count=2))


def test_the_weighing_takes_as_long_as_a_real_platform_does() -> None:
    assert all(1.5 <= truck.settle_s <= 3.0 for truck in trucks())


def test_what_is_declared_fits_the_truck_unless_that_is_its_fault() -> None:
    for truck in trucks():
        fits = [
            trip
            for trip in truck.declared
            if (trip.plate, trip.card_uid) == (truck.plate, truck.card_uid)
            and abs(trip.gross_kg - truck.gross_kg) <= 0.03 * trip.gross_kg
            and not trip.holds
        ]
        assert bool(fits) == (truck.kind in {Kind.FAULTLESS, Kind.UNREADABLE})


def test_the_port_can_import_every_row_of_the_traffic() -> None:
    found = trucks(count=60)
    parsed = parse(as_csv(found, datetime(2026, 11, 21, tzinfo=UTC)), "csv")
    assert not parsed.problems
    assert len(parsed.rows) == sum(len(truck.declared) for truck in found)
