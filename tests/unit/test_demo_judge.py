"""The demonstration is judged by what its traffic knows, never by what a lane believes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from gate_agent.wire.v1 import Timeline
from hil_tests.demo.judge import HubPassage, Visit, judge, percentile, summarize
from hil_tests.demo.traffic import DeclaredTrip, Kind, PlannedTruck
from models.lpr.plates import PlateClass
from tests.demo_summary import SUMMARY_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil_tests.demo.judge import Summary

ARRIVAL_MS = 1_790_000_000_000


def a_truck(kind: Kind = Kind.FAULTLESS, *, lane: str = "lane1", number: int = 1) -> PlannedTruck:
    trip = DeclaredTrip(declaration_id="d1", plate="粤B12345", card_uid="AABBCCDD", gross_kg=32_000)
    return PlannedTruck(
        number=number,
        lane=lane,
        kind=kind,
        plate="粤B12345",
        plate_class=PlateClass.BLUE,
        card_uid="AABBCCDD",
        gross_kg=32_000.0,
        settle_s=2.0,
        swing_hz=1.5,
        cruise_mps=4.0,
        seed=1,
        declared=(trip,),
    )


def a_visit(
    kind: Kind = Kind.FAULTLESS,
    *,
    left_by: Literal["exit", "entry"] = "exit",
    lane: str = "lane1",
    at_ms: int = 0,
    boom_s: float | None = 3.0,
) -> Visit:
    return Visit(
        truck=a_truck(kind, lane=lane),
        entered_ms=ARRIVAL_MS + at_ms,
        left_by=left_by,
        stopped_to_boom_up_s=boom_s if left_by == "exit" else None,
    )


def a_passage(
    outcome: str = "release",
    *,
    verdict: str | None = None,
    by: str = "lane",
    lane: str = "lane1",
    at_ms: int = 0,
    passage_id: str = "p1",
) -> HubPassage:
    return HubPassage(
        passage_id=passage_id,
        lane=lane,
        arrived_at_ms=ARRIVAL_MS + at_ms,
        verdict=outcome if verdict is None else verdict,
        outcome=outcome,
        decided_by=by,
        left="exit",
        plate="粤B12345",
        reasons=(),
        timeline=Timeline(decision_us=9_000),
    )


def summary_of(
    visits: Iterable[Visit], passages: Iterable[HubPassage], *, unsynced: int = 0
) -> Summary:
    return summarize(judge(visits, passages), lanes=1, seconds=60.0, unsynced=unsynced)


def test_a_faultless_truck_that_the_lane_released_is_right() -> None:
    summary = summary_of([a_visit()], [a_passage()])
    assert summary.is_good
    assert (summary.passages, summary.released) == (1, 1)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.FAULTLESS])
def test_a_truck_with_a_fault_that_the_lane_did_not_release_is_right(kind: Kind) -> None:
    visits = [a_visit(), a_visit(kind, left_by="entry", at_ms=30_000)]
    passages = [a_passage(), a_passage("refuse", verdict="hold", at_ms=30_000, passage_id="p2")]
    summary = summary_of(visits, passages)
    assert summary.is_good
    assert (summary.released, summary.held) == (1, 1)


@pytest.mark.parametrize(
    "kind", [Kind.NO_DECLARATION, Kind.WRONG_WEIGHT, Kind.OTHER_CARD, Kind.HOLD_ORDER]
)
def test_a_truck_that_went_out_and_should_not_have_is_a_wrong_release(kind: Kind) -> None:
    summary = summary_of([a_visit(kind)], [a_passage()])
    assert summary.wrong_releases == 1
    assert not summary.is_good


def test_what_counts_is_the_way_the_truck_went_not_what_the_lane_wrote() -> None:
    summary = summary_of([a_visit(Kind.NO_DECLARATION)], [a_passage("refuse", by="supervisor")])
    assert summary.wrong_releases == 1


def test_an_unreadable_plate_may_go_when_a_person_has_read_it() -> None:
    visit = a_visit(Kind.UNREADABLE)
    summary = summary_of([visit], [a_passage(verdict="hold", by="supervisor")])
    assert summary.wrong_releases == summary.wrong_holds == 0


@pytest.mark.parametrize(
    ("visit", "passage"),
    [
        (a_visit(left_by="entry"), a_passage("refuse", by="supervisor")),
        (a_visit(), a_passage(verdict="hold", by="supervisor")),
        (a_visit(left_by="entry"), a_passage()),
    ],
    ids=["turned back", "released by a person", "released but never gone"],
)
def test_a_faultless_truck_that_the_lane_itself_did_not_let_go_is_a_wrong_hold(
    visit: Visit, passage: HubPassage
) -> None:
    summary = summary_of([visit], [passage])
    assert summary.wrong_holds == 1
    assert not summary.is_good


def test_a_truck_that_the_hub_knows_nothing_of_is_lost() -> None:
    summary = summary_of([a_visit(), a_visit(at_ms=30_000)], [a_passage()])
    assert (summary.lost, summary.passages) == (1, 2)
    assert not summary.is_good


def test_a_passage_of_another_lane_or_another_minute_does_not_hide_a_loss() -> None:
    other = [a_passage(lane="lane2"), a_passage(at_ms=60_000, passage_id="p2")]
    assert summary_of([a_visit()], other).lost == 1


def test_a_second_passage_for_one_truck_is_a_duplicate() -> None:
    passages = [a_passage(), a_passage(at_ms=900, passage_id="p2")]
    summary = summary_of([a_visit()], passages)
    assert (summary.duplicates, summary.lost) == (1, 0)
    assert not summary.is_good


def test_each_truck_gets_the_passage_that_began_nearest_to_its_arrival() -> None:
    visits = [a_visit(at_ms=0), a_visit(at_ms=3_000)]
    passages = [a_passage(at_ms=3_010, passage_id="late"), a_passage(at_ms=20, passage_id="early")]
    judged = judge(visits, passages).judged
    assert [one.passage.passage_id for one in judged] == ["early", "late"]


def test_records_that_the_hub_has_not_got_spoil_the_run() -> None:
    summary = summary_of([a_visit()], [a_passage()], unsynced=2)
    assert summary.unsynced == 2
    assert not summary.is_good


def test_a_run_that_released_nothing_is_not_a_good_one() -> None:
    visits = [a_visit(Kind.NO_DECLARATION, left_by="entry")]
    assert not summary_of(visits, [a_passage("refuse", verdict="hold")]).is_good


def test_times_are_those_of_trucks_that_the_lane_itself_released() -> None:
    visits = [a_visit(boom_s=3.2), a_visit(Kind.UNREADABLE, at_ms=30_000, boom_s=14.0)]
    passages = [
        a_passage(),
        a_passage(verdict="hold", by="supervisor", at_ms=30_000, passage_id="p2"),
    ]
    summary = summary_of(visits, passages)
    assert (summary.decision_ms.n, summary.decision_ms.p99) == (1, 9.0)
    assert (summary.stopped_to_boom_up_s.n, summary.stopped_to_boom_up_s.p95) == (1, 3.2)


def test_the_report_has_the_keys_that_were_agreed_and_no_others() -> None:
    report = msgspec.to_builtins(summary_of([], []))
    assert list(report) == SUMMARY_KEYS
    assert set(report["decision_ms"]) == {"n", "p50", "p95", "p99"}
    assert set(report["stopped_to_boom_up_s"]) == {"n", "p50", "p95"}
    assert report["decision_ms"] == {"n": 0, "p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected
