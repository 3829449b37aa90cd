"""The virtual port plays the port's rules: it finds each of them out that a lane or hub forgets."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import msgspec
import pytest

from gate_agent.domain import commands, decision
from gate_agent.domain.events import Overridden
from gate_agent.domain.records import Refusal
from gate_agent.domain.rules.accounts import account_reasons
from gate_agent.domain.rules.agencies import agency_reasons
from gate_agent.domain.rules.authority import authority_reasons
from gate_agent.domain.rules.claims import claim_reasons
from gate_agent.domain.rules.documents import documents_reasons
from gate_agent.domain.rules.doubles import double_reasons, tare_reasons
from gate_agent.domain.rules.hours import hours_reasons
from gate_agent.domain.rules.paper import credit_reasons, lane_fit_reasons, paper_reasons
from gate_agent.domain.rules.transit import transit_reasons
from gate_agent.domain.rules.weight import weight_reasons
from gate_agent.domain.state import LaneState
from hil_tests.virtual_port.campaign import play_in_memory, shortest
from hil_tests.virtual_port.declared import row_of
from hil_tests.virtual_port.port import Outcome
from hil_tests.virtual_port.script import IMPOSTORS, Bad, Choice, Kind, Script, Trip, Trouble, Truck

EXPORT, GREEN, EMPTIES, HOURS, MANUAL = 6, 7, 8, 5, 13
NIGHT_S = 900.0  # at 22:28 of the port's time the lane with hours is closed


def play(*choices: Choice) -> Outcome:
    return play_in_memory(script(*choices))


def script(*choices: Choice) -> Script:
    return Script(seed=1, choices=tuple(sorted(choices, key=lambda choice: choice.at_s)))


def truck(
    number: int,
    kind: Kind = Kind.GOOD,
    trip: Trip = Trip.PLAIN,
    *,
    lane: int = 1,
    at_s: float = 5.0,
    again: int | None = None,
) -> Truck:
    return Truck(number=number, lane=lane, at_s=at_s, kind=kind, trip=trip, again=again)


def without(rule: Callable[..., Any]) -> AbstractContextManager[Any]:
    """A lane that has forgotten a family of rules."""
    others = tuple(each for each in decision._OF_THE_DECLARATION if each is not rule)
    assert len(others) == len(decision._OF_THE_DECLARATION) - 1
    return mock.patch.object(decision, "_OF_THE_DECLARATION", others)


def of_class(*names: str) -> list[int]:
    """Numbers whose companies are of these classes, all of which may draw on the same list."""
    rows = {number: row_of(1, truck(number)) for number in range(1, 90)}
    return [number for number, row in rows.items() if row and row.credit_class in names]


TRUSTED = of_class("AA", "A")
"""Nobody of these is drawn for inspection, and a lane that is alone may release them for long."""


def replaced(each: Truck, **changes: int | None) -> Truck:
    return msgspec.structs.replace(each, **changes)


def drawn_by(each: Truck) -> int:
    row = row_of(1, each)
    assert row is not None
    return row.accounts[0].quantity


FLEET = tuple(
    truck(number, Kind.GOOD, Trip.EMPTY, again=None if number == 1 else 1, at_s=at_s)
    for number, at_s in ((1, 20.0), (2, 200.0), (3, 380.0))
)
CLONE = truck(4, Kind.CLONE_TARE, Trip.EMPTY, again=1, lane=2, at_s=600.0)
COPY = (truck(1, at_s=20.0), truck(2, Kind.TRAVEL, again=1, lane=2, at_s=60.0))
CUT = Trouble(number=90, lane=1, at_s=30.0, kind=Bad.CUT, for_s=2_000.0)
ALONE = (CUT, truck(of_class("B")[0], at_s=400.0))
JUST_ALONE = (
    Trouble(number=90, lane=1, at_s=59.0, kind=Bad.CUT, for_s=2_000.0),
    truck(of_class("C")[0], at_s=60.0),
)
DRAWING = tuple(
    truck(number, Kind.GOOD, Trip.LISTED, lane=1 + place % 2, at_s=50.0 + 40.0 * place)
    for place, number in enumerate(TRUSTED[:16])
)
DRAWING_ALONE: tuple[Choice, ...] = (
    CUT,
    *(replaced(each, lane=1) for each in DRAWING if drawn_by(each) <= 2),
)


def test_good_trucks_of_every_trip_are_released_where_they_belong() -> None:
    numbers = iter(TRUSTED)
    trips = [truck(next(numbers), Kind.GOOD, trip, lane=1 + n) for n, trip in enumerate(Trip)]
    particular = [
        truck(next(numbers), lane=EXPORT, at_s=120.0),
        truck(next(numbers), lane=GREEN, at_s=120.0),
        truck(next(numbers), Kind.GOOD, Trip.EMPTY, lane=EMPTIES),
        truck(next(numbers), lane=HOURS, at_s=60.0),
    ]
    outcome = play(*trips, *particular)
    assert outcome.violation is None, (outcome.violation, *outcome.last_steps)
    for trip in Trip:
        assert outcome.counts.get(f"released: {trip.value}", 0) >= 1, trip
    assert outcome.counts["verdict release"] == outcome.counts["vehicles"]


def test_no_impostor_of_any_kind_is_released_by_a_lane_that_can_know() -> None:
    kinds = [kind for kind in IMPOSTORS if kind not in KNOWN_BY_OTHERS]
    trips = {Kind.TRANSIT_LATE: Trip.TRANSIT, Kind.ACCOUNT_EMPTY: Trip.LISTED,
             Kind.NOT_EMPTY: Trip.EMPTY, Kind.WRONG_TAG: Trip.TAGGED}  # fmt: skip
    choices = [
        truck(n, kind, trips.get(kind, Trip.PLAIN), lane=EXPORT if kind is Kind.WRONG_LANE else 1)
        for n, kind in enumerate(kinds, start=10)
    ]
    outcome = play(*choices)
    assert outcome.violation is None, (outcome.violation, *outcome.last_steps)
    assert outcome.counts.get("verdict release", 0) == outcome.counts.get("released held_late", 0)
    assert outcome.false_releases == {}


KNOWN_BY_OTHERS = (Kind.REPLAYED, Kind.TRAVEL, Kind.CLONE_TARE)


def test_a_copied_plate_is_held_for_where_it_was_seen_and_for_what_it_weighs() -> None:
    fleet = [
        replaced(each, number=each.number + 10, lane=each.lane + 2, again=each.again and 11)
        for each in (*FLEET, CLONE)
    ]
    outcome = play(*COPY, *fleet)
    assert outcome.violation is None, (outcome.violation, *outcome.last_steps)
    assert outcome.counts["verdict release"] == 4
    assert outcome.false_releases == {}


FORGOTTEN: dict[str, tuple[Callable[..., Any], tuple[Choice, ...], str]] = {
    "transit": (
        transit_reasons,
        tuple(truck(n, Kind.TRANSIT_LATE, Trip.TRANSIT) for n in range(1, 4)),
        "released in transit",
    ),
    "agencies": (
        agency_reasons,
        tuple(truck(n, Kind.UNAGREED) for n in range(1, 6)),
        "released without the word of quarantine",
    ),
    "accounts": (
        account_reasons,
        tuple(truck(n, Kind.ACCOUNT_EMPTY, Trip.LISTED) for n in range(1, 8)),
        "released an impostor (account_empty)",
    ),
    "lists that several share": (
        account_reasons,
        DRAWING,
        "a list overdrawn by a lane that could know",
    ),
    "the share of a lane alone": (
        account_reasons,
        DRAWING_ALONE,
        "a list overdrawn by a lane",
    ),
    "lanes": (
        lane_fit_reasons,
        (truck(1, Kind.WRONG_LANE, lane=GREEN),),
        "released in the wrong lane (green)",
    ),
    "direction": (
        lane_fit_reasons,
        (truck(1, Kind.WRONG_LANE, lane=EXPORT),),
        "released in the wrong lane (export)",
    ),
    "loaded among empties": (
        lane_fit_reasons,
        (truck(1, Kind.WRONG_LANE, lane=EMPTIES),),
        "released in the wrong lane (empties)",
    ),
    "hours": (
        hours_reasons,
        tuple(truck(n, lane=HOURS, at_s=NIGHT_S) for n in range(1, 6)),
        "released in the wrong lane (hours)",
    ),
    "classes": (
        credit_reasons,
        (truck(1, Kind.MANUAL_CLASS),),
        "released one of whose class a person sees everyone",
    ),
    "fees": (documents_reasons, (truck(1, Kind.UNPAID),), "I4"),
    "blocked plates": (
        paper_reasons,
        tuple(truck(n, Kind.BLOCKED, Trip.TWO_PLATES) for n in range(2, 20, 2)),
        "released an impostor (blocked)",
    ),
    "empties": (
        weight_reasons,
        (truck(1, Kind.NOT_EMPTY, Trip.EMPTY),),
        "I4",
    ),
    "travel": (double_reasons, COPY, "released "),
    "tare": (tare_reasons, (*FLEET, CLONE), "released "),
    "time alone": (authority_reasons, ALONE, "released after too long alone"),
    "the hub's word": (
        claim_reasons,
        JUST_ALONE,
        "released alone where the class needs the hub's word",
    ),
}


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_lane_that_forgets_a_rule_is_found_out(name: str) -> None:
    rule, choices, expected = FORGOTTEN[name]
    with without(rule):
        outcome = play(*choices)
    assert outcome.violation is not None, outcome.counts
    assert outcome.violation.name.startswith(expected)
    assert play(*choices).violation is None


def a_list_is_not_reckoned_again() -> AbstractContextManager[Any]:
    return mock.patch("central.store.manifest_store._reckon_again", return_value=None)


def own_draws_are_forgotten() -> AbstractContextManager[Any]:
    return mock.patch("gate_agent.store.manifest_reader.ManifestReader._pending", return_value=0)


def any_slip_will_do() -> AbstractContextManager[Any]:
    return mock.patch("gate_agent.domain.commands._bad_slip", return_value=None)


@contextmanager
def slips_are_not_crossed_out() -> Iterator[None]:
    """Neither at the hub nor in the lane."""
    real = commands._bad_slip

    def forgetful(lane: LaneState, event: Overridden) -> Refusal | None:
        return real(replace(lane, used_slips=()), event)

    with (
        mock.patch("central.store.command_store._take_slip", return_value=None),
        mock.patch.object(commands, "_bad_slip", forgetful),
    ):
        yield


def tags_say_nothing() -> AbstractContextManager[Any]:
    return mock.patch("gate_agent.domain.rules.identity.shows_another_tag", return_value=False)


def no_card_is_blocked() -> AbstractContextManager[Any]:
    return mock.patch("gate_agent.domain.rules.capture._blocked", return_value=())


def the_first_pack_stays() -> AbstractContextManager[Any]:
    return mock.patch(
        "gate_agent.store.held_policy.HeldPolicy.current",
        lambda held, _: min(held.packs, key=lambda each: each.effective_from_ms, default=None),
    )


def holds_are_not_sent() -> AbstractContextManager[Any]:
    return mock.patch("hil_tests.virtual_port.registry.held", lambda row: row)


EMERGENCY: tuple[Choice, ...] = (
    Trouble(number=90, lane=1, at_s=10.0, kind=Bad.EMERGENCY, for_s=300.0),
    *(truck(number, at_s=30.0 * number) for number in range(1, 9)),
)
OTHERWISE: dict[str, tuple[Callable[[], AbstractContextManager[Any]], tuple[Choice, ...], str]] = {
    "lists at the hub": (a_list_is_not_reckoned_again, DRAWING, "a list "),
    "lists in the lane": (
        own_draws_are_forgotten,
        DRAWING_ALONE,
        "a list overdrawn",
    ),
    "slips": (any_slip_will_do, EMERGENCY, "released in an emergency without a slip"),
    "slips that were used": (
        slips_are_not_crossed_out,
        tuple(
            msgspec.structs.replace(each, number=each.number + 20 * lane, lane=lane)
            for each in EMERGENCY
            for lane in (1, 2, 3, 4)
        ),
        "a slip opened twice",
    ),
    "tags": (tags_say_nothing, (truck(1, Kind.WRONG_TAG, Trip.TAGGED),), "I4"),
    "blocked cards": (
        no_card_is_blocked,
        (truck(1, Kind.BLOCKED),),
        "released with a blocked card",
    ),
    "rules in force": (
        the_first_pack_stays,
        (
            Trouble(number=90, lane=-1, at_s=20.0, kind=Bad.NEW_RULES, for_s=0.0),
            *(truck(number, at_s=60.0 * number) for number in range(1, 6)),
        ),
        "judged by rules that are not in force",
    ),
    "holds": (
        holds_are_not_sent,
        tuple(truck(number, Kind.LIFTED) for number in range(1, 6)),
        "released under a hold",
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_port_that_forgets_something_else_is_found_out(name: str) -> None:
    broken, choices, expected = OTHERWISE[name]
    with broken():
        outcome = play(*choices)
    assert outcome.violation is not None, outcome.counts
    assert outcome.violation.name.startswith(expected)
    assert play(*choices).violation is None


def test_a_release_that_a_rule_forbids_is_shrunk_to_the_one_truck() -> None:
    choices = [truck(n, lane=1 + n % 3, at_s=5.0 + n) for n in range(1, 9)]
    choices.append(truck(9, Kind.UNPAID, lane=2, at_s=12.0))
    with without(documents_reasons):
        outcome = play(*choices)
        failure = shortest(script(*choices), outcome)
    assert [each.number for each in failure.script.choices] == [9]


def test_in_an_emergency_people_release_on_slips_each_once_also_across_a_kill() -> None:
    kills = [
        Trouble(number=100 + n, lane=1, at_s=40.0 + 23.0 * n, kind=Bad.KILL_AFTER_COMMIT, for_s=0.0)
        for n in range(6)
    ]
    outcome = play(*EMERGENCY, *kills)
    assert outcome.violation is None, (outcome.violation, *outcome.last_steps)
    assert outcome.counts["released on slips"] >= 3
    assert outcome.counts["kills"] >= 3
