"""The judge of scenarios: it finds what is wrong, and nothing else."""

from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.judge import (
    LaneRecord,
    Seen,
    problems,
    recovery_ms,
    unproved_releases,
)
from hil_tests.lane_bench.scenario import Phase, Scenario

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def record(at_ms: int, kind: str, **body: object) -> LaneRecord:
    return LaneRecord(at_ms=at_ms, body={"type": kind, **body})


def released(at_ms: int = 2_000, card: str = "51A40000") -> tuple[LaneRecord, ...]:
    evidence = {"card": {"uid": card}}
    return (
        record(1_000, "passage_opened", passage_id="p1"),
        record(
            at_ms,
            "passage_decided",
            passage_id="p1",
            outcome="release",
            reasons=(),
            evidence=evidence,
        ),
        record(5_000, "passage_closed", passage_id="p1", decided_by="lane"),
    )


def test_a_release_that_is_on_record_is_in_order() -> None:
    seen = Seen(records=released(), raises=1, left_by="exit")
    assert problems(BY_NAME["faultless"], seen) == []


def test_a_boom_that_opened_without_a_record_is_found() -> None:
    assert problems(Scenario(name="x"), Seen(records=(), raises=1)) == [
        "the boom was opened 1 times for 0 releases on record"
    ]
    seen = Seen(records=released()[:1], left_by="exit")
    assert problems(Scenario(name="x"), seen) == [
        "passage p1 was closed 0 times",
        "the truck left by the exit without a release on record",
    ]


def test_a_boom_that_was_forced_by_hand_is_not_the_lanes_doing() -> None:
    opened = ("opened_for_nobody: no truck at the stop line",)
    forced = Seen(records=(), violations=opened, on_ms=500, off_ms=900)
    assert problems(BY_NAME["boom_forced-before"], forced) == []
    assert problems(BY_NAME["faultless"], forced)[0].startswith("opened_for_nobody")


def test_a_contact_that_welds_opens_the_boom_once_and_releases_nobody() -> None:
    scenario = BY_NAME["board_raise_relay_welded-capturing"]
    opened = ("opened_for_nobody: no truck at the stop line",)
    welded = Seen(records=(), violations=opened, raises=1, on_ms=500, off_ms=900)
    assert problems(scenario, welded) == []
    twice = Seen(records=(), raises=2, on_ms=500, off_ms=900)
    assert problems(scenario, twice) == ["the boom was opened 2 times for 0 releases on record"]
    gone = Seen(records=(), raises=1, left_by="exit", on_ms=500, off_ms=900)
    assert problems(scenario, gone) == ["the truck left by the exit without a release on record"]


def test_a_release_while_the_scale_was_frozen_is_counted() -> None:
    scenario = BY_NAME["scale_frozen-before"]
    seen = Seen(records=released(2_000), raises=1, left_by="exit", on_ms=500, off_ms=4_000)
    assert unproved_releases(scenario, seen) == 1
    assert "the lane released 1 times while scale_frozen lasted" in problems(scenario, seen)
    later = Seen(records=released(4_500), raises=1, left_by="exit", on_ms=500, off_ms=4_000)
    assert problems(scenario, later) == []


def test_a_release_on_another_drivers_card_is_found() -> None:
    seen = Seen(records=released(card="0BADC0DE"), raises=1, left_by="exit")
    assert problems(Scenario(name="x"), seen) == ["released on the card of another driver"]


def test_a_condition_must_be_told_and_must_end_soon() -> None:
    scenario = BY_NAME["board_unplugged-before"]
    told = record(600, "fault_changed", code="bus_link", raised=True)

    def over(at_ms: int) -> LaneRecord:
        return record(at_ms, "fault_changed", code="bus_link", raised=False)

    in_time = Seen(records=(told, over(5_500)), on_ms=500, off_ms=5_000)
    assert problems(scenario, in_time) == []
    assert recovery_ms(scenario, in_time) == 500
    late = Seen(records=(told, over(9_000)), on_ms=500, off_ms=5_000)
    assert problems(scenario, late) == ["bus_link was over only 4000 ms after the fault"]
    never = Seen(records=(told,), on_ms=500, off_ms=5_000)
    assert problems(scenario, never) == ["bus_link is still on record after the fault was gone"]
    untold = Seen(records=(), on_ms=500, off_ms=5_000)
    assert problems(scenario, untold) == ["bus_link is not on record"]


def test_a_scenario_whose_fault_never_came_has_proved_nothing() -> None:
    scenario = BY_NAME["scale_frozen-closing"]
    as_if_nothing_was = Seen(records=released(), raises=1, left_by="exit")
    assert problems(scenario, as_if_nothing_was) == ["the fault never came: scale_frozen, closing"]
    came = Seen(records=released(), raises=1, left_by="exit", on_ms=4_500, off_ms=7_100)
    assert problems(scenario, came) == []
    assert problems(BY_NAME["faultless"], as_if_nothing_was) == []


def test_every_path_and_every_fault_at_every_phase_is_played() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names))
    assert sum(scenario.fault is None for scenario in SCENARIOS) >= 24
    by_fault: dict[str, set[Phase]] = {}
    for scenario in SCENARIOS:
        if scenario.fault and scenario.phase:
            by_fault.setdefault(scenario.fault, set()).add(scenario.phase)
    lacking = {name for name, phases in by_fault.items() if phases != set(Phase)}
    assert lacking == {"boom_forced"}  # by hand onto a truck: nobody does that
    assert 8 <= sum(scenario.is_in_share for scenario in SCENARIOS) <= 14
