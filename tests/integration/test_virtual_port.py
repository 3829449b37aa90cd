"""The port on virtual time: repeatable from one number, and it finds a port that is broken."""

import sqlite3
from pathlib import Path
from unittest import mock

import pytest

from central.store import ingest_store
from gate_agent.domain.state import LaneState
from gate_agent.domain.vocabulary import Barrier
from hil_tests.virtual_port.campaign import play_in_memory, shortest
from hil_tests.virtual_port.port import Outcome, play
from hil_tests.virtual_port.script import (
    TRIP_OF,
    Bad,
    Choice,
    Kind,
    Script,
    Trip,
    Trouble,
    Truck,
    from_text,
    to_text,
    write_script,
)


def truck(number: int, kind: Kind = Kind.GOOD, *, lane: int = 1, at_s: float = 5.0) -> Truck:
    trip = TRIP_OF.get(kind, Trip.PLAIN)
    return Truck(number=number, lane=lane, at_s=at_s, kind=kind, trip=trip)


def script(*choices: Choice) -> Script:
    return Script(seed=1, choices=choices)


def held(outcome: Outcome) -> None:
    assert outcome.violation is None, (outcome.violation, *outcome.last_steps)


def test_every_invariant_holds_in_a_small_port_with_everything_that_goes_wrong() -> None:
    outcome = play_in_memory(write_script(5, passages=120, lanes=6))
    held(outcome)
    counts = outcome.counts
    assert counts["vehicles"] == 120
    assert counts["raises"] > 40
    assert counts["kills"] > 0
    assert counts["dossiers replayed"] > 90


def test_the_same_number_gives_the_same_port_to_the_microsecond(tmp_path: Path) -> None:
    chosen = write_script(9, passages=24, lanes=3)
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert play(chosen, first).trace == play(from_text(to_text(chosen)), second).trace
    assert write_script(9, passages=24, lanes=3) == chosen
    assert write_script(10, passages=24, lanes=3) != chosen


@pytest.mark.parametrize(
    "kind", [Bad.KILL_BEFORE_COMMIT, Bad.KILL_AFTER_COMMIT, Bad.KILL_BEFORE_ORDER]
)
def test_a_lane_that_dies_at_the_worst_moment_opens_for_nobody_else(kind: Bad) -> None:
    kills = [
        Trouble(number=100 + n, lane=1, at_s=10.0 + 3.7 * n, kind=kind, for_s=0.0)
        for n in range(12)
    ]
    outcome = play_in_memory(script(truck(1), truck(2, Kind.CLONED), truck(3), *kills))
    held(outcome)
    assert outcome.counts["kills"] >= 6


def test_a_lane_alone_for_a_night_sends_everything_when_it_hears_the_hub_again() -> None:
    outcome = play_in_memory(
        script(
            Trouble(number=90, lane=1, at_s=12.0, kind=Bad.CUT, for_s=8 * 3600.0 + 400.0),
            truck(1, at_s=15.0),
            Trouble(number=91, lane=-1, at_s=60.0, kind=Bad.NIGHT, for_s=8 * 3600.0),
            truck(2, at_s=70.0),
        )
    )
    held(outcome)
    assert outcome.virtual_s > 8 * 3600


def test_nobody_who_should_not_pass_is_released_by_a_lane() -> None:
    others = (Kind.REPLAYED, Kind.TRAVEL, Kind.CLONE_TARE, Kind.WRONG_WAY, Kind.BARGES)
    kinds = [kind for kind in Kind if kind not in others]
    outcome = play_in_memory(script(*(truck(n, kind) for n, kind in enumerate(kinds, start=1))))
    held(outcome)
    assert outcome.false_releases == {}


@pytest.mark.parametrize("seed", range(1, 5))
def test_of_lanes_that_hear_the_hub_one_releases_on_a_declaration(seed: int) -> None:
    shown = [
        Truck(number=n, lane=n, at_s=20.0 + n / 10, kind=Kind.REPLAYED, of=1) for n in (2, 3, 4)
    ]
    outcome = play_in_memory(Script(seed=seed, choices=(truck(1, at_s=20.0), *shown)))
    held(outcome)
    assert outcome.counts["verdict release"] == 1


def test_a_lane_that_lowers_too_early_is_found_out_in_one_choice() -> None:
    def always(lane: LaneState) -> bool:
        return lane.barrier is Barrier.OPEN

    choices = [truck(number, lane=1 + number % 3) for number in range(1, 10)]
    with mock.patch("gate_agent.domain.passing.is_way_clear", always):
        outcome = play_in_memory(script(*choices))
        assert outcome.violation is not None
        assert outcome.violation.name.startswith("I2")
        failure = shortest(script(*choices), outcome)
        assert len(failure.script.choices) == 1
        again = play_in_memory(from_text(to_text(failure.script)))
    assert again.trace == failure.outcome.trace
    assert again.last_steps


def test_a_hub_that_acknowledges_what_it_has_not_is_found_out() -> None:
    real = ingest_store._advance

    def lying(db: sqlite3.Connection, lane: str, epoch: str, received_ms: int) -> int:
        real(db, lane, epoch, received_ms)
        sql = "SELECT highest_seq FROM lane_epochs WHERE lane = ? AND epoch = ?"
        highest: int = db.execute(sql, [lane, epoch]).fetchone()[0]
        return highest

    lossy = Trouble(number=90, lane=1, at_s=6.0, kind=Bad.LOSSY, for_s=900.0)
    with mock.patch("central.store.ingest_store._advance", lying):
        outcome = play_in_memory(script(*(truck(number) for number in range(1, 25)), lossy))
    assert outcome.violation is not None


def test_a_hub_put_back_to_a_backup_owns_up_to_the_records_of_lanes_that_are_quiet_now() -> None:
    """Found by `make sim SEED=4 PASSAGES=600`, shrunk: lane 2 sent all it had and says no more."""
    wrong, good = Kind.WRONG_PLATE, Kind.GOOD
    trucks = (
        (123, 3, 59.4, wrong),
        (344, 3, 212.5, Kind.NO_PLATE),
        (347, 3, 213.8, good),
        (391, 3, 246.2, Kind.REJECTED),
        (398, 3, 253.3, good),
        (409, 3, 259.3, good),
        (510, 3, 327.1, Kind.NO_PLATE),
        (527, 3, 338.5, good),
        (564, 3, 364.6, Kind.WRONG_CARD),
        (580, 2, 375.4, Kind.WRONG_CARD),
    )
    choices: tuple[Choice, ...] = (
        Trouble(number=634, lane=3, at_s=20.3, kind=Bad.CUT, for_s=300.0),
        Trouble(number=609, lane=-1, at_s=333.6, kind=Bad.HUB_RESTORED, for_s=90.0),
        *(Truck(number=n, lane=lane, at_s=at_s, kind=kind) for n, lane, at_s, kind in trucks),
    )
    in_order = tuple(sorted(choices, key=lambda choice: choice.at_s))
    held(play_in_memory(Script(seed=4, choices=in_order)))


def test_a_boom_that_sticks_or_a_board_that_is_away_leaves_the_truck_to_a_person() -> None:
    troubles = [
        Trouble(number=90, lane=1, at_s=8.0, kind=Bad.BOOM_STICKS, for_s=30.0),
        Trouble(number=91, lane=2, at_s=9.0, kind=Bad.BOARD_AWAY, for_s=6.0),
        Trouble(number=92, lane=3, at_s=9.0, kind=Bad.DISK_FULL, for_s=12.0),
    ]
    outcome = play_in_memory(script(*(truck(n, lane=n) for n in (1, 2, 3)), *troubles))
    held(outcome)
