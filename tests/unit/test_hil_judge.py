"""The judge of scenarios: it finds what is wrong, and nothing else."""

from dataclasses import replace
from functools import partial

import pytest

from devices.boards.board_file import shipped_boards
from devices.registry import CARD_READERS, WEIGHBRIDGES
from devices.sim.faults.table import FAULTS
from devices.sim.weighbridge import ScaleFault, can_have
from devices.weighbridge.protocols import protocol_named
from gate_agent.domain.vocabulary import Barrier, WeightState
from hil_tests.lane_bench.boom_moves import BoomMoves
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.clips import ClipSeen
from hil_tests.lane_bench.judge import (
    LaneRecord,
    Seen,
    recovery_ms,
    unproved_releases,
)
from hil_tests.lane_bench.judge import problems as problems_said
from hil_tests.lane_bench.moments import has_come
from hil_tests.lane_bench.scenario import Phase, Scenario
from tests.builders import LaneStory

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def problems(scenario: Scenario, seen: Seen) -> list[str]:
    found = problems_said(scenario, seen)
    assert all(problem.zh for problem in found)
    return [problem.en for problem in found]


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
    opened = (("opened_for_nobody", "no truck at the stop line"),)
    forced = Seen(records=(), violations=opened, on_ms=500, off_ms=900)
    assert problems(BY_NAME["boom_forced-before"], forced) == []
    assert problems(BY_NAME["faultless"], forced)[0].startswith("opened_for_nobody")


def test_a_contact_that_welds_opens_the_boom_once_and_releases_nobody() -> None:
    scenario = BY_NAME["board_raise_relay_welded-capturing"]
    opened = (("opened_for_nobody", "no truck at the stop line"),)
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


def changed(at_ms: int, code: str, *, raised: bool) -> LaneRecord:
    return record(at_ms, "fault_changed", code=code, raised=raised)


def test_a_condition_told_over_while_the_fault_lasts_is_found() -> None:
    scenario = BY_NAME["scale_unplugged-before"]
    told = (
        changed(10_500, "scale_link", raised=True),
        changed(11_000, "scale_link", raised=False),
    )
    seen = Seen(records=told, on_ms=10_000, off_ms=30_000)
    assert problems(scenario, seen) == ["scale_link was told as over while the fault lasted"]
    again = (*told, changed(12_000, "scale_link", raised=True))
    back = Seen(
        records=(*again, changed(30_400, "scale_link", raised=False)), on_ms=10_000, off_ms=30_000
    )
    assert problems(scenario, back) == []
    at_the_end = replace(back, records=(told[0], changed(29_980, "scale_link", raised=False)))
    assert problems(scenario, at_the_end) == []


def test_a_condition_that_is_never_told_is_found_in_every_phase() -> None:
    for phase in Phase:
        scenario = BY_NAME[f"scale_unplugged-{phase.value}"]
        seen = Seen(records=(), on_ms=10_000, off_ms=30_000)
        assert "scale_link is not on record" in problems(scenario, seen)
        late = replace(seen, records=(changed(30_200, "scale_link", raised=True),))
        assert "scale_link is not on record" in problems(scenario, late)
        short = Seen(records=(), on_ms=10_000, off_ms=11_000)
        assert "scale_link is not on record" not in problems(scenario, short)


def test_a_sign_is_known_to_be_gone_only_when_something_is_to_be_shown() -> None:
    seen = Seen(records=(), on_ms=10_000, off_ms=16_100)
    found = problems(BY_NAME["sign_unplugged-closing"], seen)
    assert not [problem for problem in found if "sign_link" in problem]


def test_a_recovery_by_hand_is_not_called_zero() -> None:
    scenario = BY_NAME["scale_unplugged-before"]
    told = changed(10_500, "scale_link", raised=True)
    # plugged in at once after the prompt at 20 s, Enter at 50 s; this lane needed 25 s
    records = (told, changed(45_000, "scale_link", raised=False))
    seen = Seen(records=records, on_ms=10_000, ending_ms=20_000, off_ms=50_000, is_by_hand=True)
    assert problems(scenario, seen) == []
    assert recovery_ms(scenario, seen) is None
    at_that_moment = replace(seen, off_ms=44_000)
    assert recovery_ms(scenario, at_that_moment) == 1_000
    before_the_prompt = replace(seen, records=(told, changed(15_000, "scale_link", raised=False)))
    assert problems(scenario, before_the_prompt) == [
        "scale_link was told as over while the fault lasted"
    ]


def test_a_release_after_a_person_was_told_to_end_the_fault_is_not_held_against_the_lane() -> None:
    seen = Seen(
        records=released(3_000), raises=1, left_by="exit",
        on_ms=500, ending_ms=2_500, off_ms=9_000, is_by_hand=True,
    )  # fmt: skip
    assert unproved_releases(BY_NAME["scale_frozen-before"], seen) == 0
    early = replace(seen, records=released(2_400))
    assert unproved_releases(BY_NAME["scale_frozen-before"], early) == 1


def test_a_real_boom_that_rises_for_nobody_is_found() -> None:
    moves = BoomMoves()
    moves.take([Barrier.CLOSED, Barrier.OPENING, Barrier.OPEN, Barrier.CLOSING, Barrier.OPENING])
    moves.take([Barrier.OPEN, Barrier.CLOSED, Barrier.UNKNOWN, Barrier.CLOSED])
    assert (moves.risen, moves.forced) == (1, 0)  # reversed on its way down: the same truck
    moves.take([Barrier.UNKNOWN, Barrier.FORCED, Barrier.CLOSED, Barrier.FAULT, Barrier.OPEN])
    assert (moves.risen, moves.forced) == (2, 1)
    seen = Seen(records=released(), left_by="exit", raises=moves.risen, forced=moves.forced)
    assert problems(BY_NAME["faultless"], seen) == [
        "the boom was opened 2 times for 1 releases on record",
        "the boom left its lower limit 1 times without an order of the lane",
    ]
    by_hand = Seen(records=(), forced=1, on_ms=500, off_ms=900)
    assert problems(BY_NAME["boom_forced-before"], by_hand) == []


def held(*bodies: LaneRecord, by: str, reasons: tuple[str, ...] = ()) -> tuple[LaneRecord, ...]:
    return (
        record(1_000, "passage_opened", passage_id="p1"),
        record(
            2_000,
            "passage_decided",
            passage_id="p1",
            outcome="hold",
            reasons=("weight_differs", *reasons),
        ),
        *bodies,
        record(9_000, "passage_closed", passage_id="p1", decided_by=by),
    )


PERSONS_WORD = record(2_100, "passage_overridden", passage_id="p1", decision="release")


def test_a_release_by_a_person_that_is_not_carried_out_is_found_under_a_harmless_fault() -> None:
    for name in ("scale_noise-held", "camera_black-held", "sign_hangs-held", "scale_silent-held"):
        scenario = BY_NAME[name]
        good = Seen(
            records=held(PERSONS_WORD, by="person"),
            raises=1,
            left_by="exit",
            on_ms=2_050,
            off_ms=4_700,
        )
        assert problems(scenario, good) == []
        ignored = replace(good, records=held(by="lane"), raises=0, left_by="entry")
        assert problems(scenario, ignored) == [
            "left by the entry instead of the exit",
            "decided by 'lane' instead of the person",
            "the release by a person is not on record",
        ]
        not_done = replace(good, raises=0, left_by="entry")
        assert problems(scenario, not_done) == [
            "left by the entry instead of the exit",
            "the release by a person was neither carried out nor refused on record",
        ]


def test_a_release_that_no_boom_can_carry_out_must_be_refused_on_record() -> None:
    failed = Seen(
        records=held(PERSONS_WORD, by="lane", reasons=("release_failed",)),
        left_by="entry",
        on_ms=2_050,
        off_ms=4_700,
    )
    silent = replace(failed, records=held(PERSONS_WORD, by="lane"))
    for name in ("board_raise_relay_dead-held", "boom_stops_midway-held"):
        assert problems(BY_NAME[name], failed) == []
        assert len(problems(BY_NAME[name], silent)) == 2
    assert problems(BY_NAME["boom_jammed-held"], failed) == []
    assert problems(BY_NAME["boom_jammed-held"], silent) == [
        "the release by a person was neither carried out nor refused on record"
    ]


def test_every_fault_while_a_person_is_awaited_says_what_comes_of_his_release() -> None:
    for name, scenario in BY_NAME.items():
        if scenario.phase is Phase.HELD:
            assert scenario.expected.outcome == "hold", name
            assert scenario.expected.reason in ("weight_differs", "release_failed"), name


def held_and_released(released_ms: int) -> tuple[LaneRecord, ...]:
    """The records of a truck that is held for its weight and released by a person."""
    return (
        record(1_000, "passage_opened", passage_id="p1"),
        record(
            2_000,
            "passage_decided",
            passage_id="p1",
            outcome="hold",
            reasons=("weight_differs",),
            evidence={},
        ),
        record(released_ms, "passage_overridden", passage_id="p1", decision="release"),
        record(9_000, "passage_closed", passage_id="p1", decided_by="supervisor"),
    )


def test_a_scale_that_says_zero_under_a_held_truck_without_an_alarm_is_found() -> None:
    held = held_and_released(5_000)
    told = record(4_000, "alarm_raised", code="zeroed_under_load", passage_id="p1")
    seen = Seen(records=held, raises=1, left_by="exit", on_ms=2_500, off_ms=7_000)
    for name in ("scale_tared-held", "scale_restarted-held", "scale_tared-held:yaohua-a12"):
        assert problems(BY_NAME[name], seen) == ["zeroed_under_load is not on record"]
        assert problems(BY_NAME[name], replace(seen, records=(*held, told))) == []


def test_a_person_who_releases_while_somebody_has_the_boom_in_hand_is_refused_and_then_is_not() -> (
    None
):
    held = held_and_released(6_500)
    refused = record(3_000, "command_refused", passage_id="p1", command_id="c", why="in_hand")
    seen = Seen(records=held, raises=1, left_by="exit", on_ms=2_500, off_ms=6_000)
    for fault in ("emergency_stop", "key_on_manual"):
        scenario = BY_NAME[f"board_{fault}-held"]
        code = FAULTS[f"board_{fault}"].code
        told = tuple(
            record(at_ms, "fault_changed", code=code, raised=raised, detail="")
            for at_ms, raised in ((2_600, True), (6_100, False))
        )
        seen = replace(seen, records=(*held, *told))
        assert problems(scenario, seen) == ["a release by a person was not refused: in_hand"]
        assert problems(scenario, replace(seen, records=(*held, *told, refused))) == []


def test_a_scale_is_tared_under_a_truck_only_once_it_has_felt_it() -> None:
    coming = LaneStory().ready().truck_arrives().sees(rear_beam=True)
    under_load = partial(has_come, Phase.ROLLING_ON, under_load=True)
    assert has_come(Phase.ROLLING_ON, coming.lane, has_stopped=False)
    assert not under_load(coming.lane, has_stopped=False)
    coming.weighs(WeightState.MOVING, 3_000)
    assert under_load(coming.lane, has_stopped=False)
    assert not under_load(coming.lane, has_stopped=True)


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
        if scenario.fault and scenario.phase and not scenario.of:
            by_fault.setdefault(scenario.fault, set()).add(scenario.phase)
    lacking = {name for name, phases in by_fault.items() if phases != set(Phase)}
    # By hand onto a truck: nobody does that. A truck that stands has its axles where they are.
    # An empty scale is at zero, wherever its zero is set.
    assert lacking == {
        "boom_forced",
        "scale_axle_off",
        "scale_second_vehicle",
        "scale_tared",
        "scale_restarted",
    }
    assert 8 <= sum(scenario.is_in_share for scenario in SCENARIOS) <= 14


def test_every_driver_has_a_release_and_the_faults_that_forbid_one() -> None:
    of: dict[str, set[str]] = {}
    for scenario in SCENARIOS:
        if scenario.of and scenario.of != "lane_camera":
            of.setdefault(scenario.of, set()).add(scenario.name.partition(":")[0].partition("-")[0])
    assert set(of) == {
        *(f"weighbridge {name}" for name in WEIGHBRIDGES),
        *(f"card_reader {name}" for name in CARD_READERS),
        *(f"bus {name}" for name in shipped_boards()),
    }
    for name, faults in of.items():
        assert "faultless" in faults
        if name.startswith("weighbridge"):
            kinds = ("silent", "frozen", "overload", "unplugged", "tared")
            assert {f"scale_{kind}" for kind in kinds} < faults
            protocol = protocol_named(name.partition(" ")[2])
            assert ("scale_garbled" in faults) is not ("scale_garbled_unsummed" in faults)
            assert ("scale_net" in faults) is can_have(protocol, ScaleFault.NET)
        elif name.startswith("card_reader"):
            assert {"card_of_another", "card_unplugged", "card_double_read"} < faults
        else:
            assert {"boom_down_limit_dead", "board_unplugged"} < faults


def test_a_fault_after_the_fact_was_taken_forbids_nothing() -> None:
    evidence = {"weight": {"gross_kg": 20_000, "age_ms": 900}, "card": {"uid": "1", "age_ms": 300}}
    decided = record(
        2_000, "passage_decided", passage_id="p1", outcome="release", reasons=(), evidence=evidence
    )
    for name, times in (("scale_silent-capturing", 0), ("card_silent-capturing", 1)):
        seen = Seen(records=(decided,), on_ms=1_400, off_ms=4_000)
        assert unproved_releases(BY_NAME[name], seen) == times
    early = Seen(records=(decided,), on_ms=1_000, off_ms=4_000)
    assert unproved_releases(BY_NAME["scale_silent-rolling_on"], early) == 1


@pytest.mark.parametrize(
    ("phase", "containers", "times"),
    [
        ("before", None, 1),
        ("before", {"numbers": ["KAKU0000013"], "age_ms": 900}, 1),
        ("rolling_on", None, 1),
        ("capturing", {"numbers": ["KAKU0000013"], "age_ms": 1_100}, 0),
        ("capturing", None, 1),
        ("rising", None, 0),
    ],
)
def test_a_release_with_another_container_in_the_lane_is_unproved_unless_its_own_was_read_before(
    phase: str, containers: dict[str, object] | None, times: int
) -> None:
    decided = record(
        2_000,
        "passage_decided",
        passage_id="p1",
        outcome="release",
        reasons=(),
        evidence={"containers": containers},
    )
    seen = Seen(records=(decided,), on_ms=1_000, off_ms=4_000)
    assert unproved_releases(BY_NAME[f"container_camera_another-{phase}"], seen) == times


WHOLE = ClipSeen(
    passage_id="p1",
    clip_id="ab",
    is_there=True,
    fits=True,
    of="p1",
    arrived_ms=1_000,
    clear_ms=4_000,
    begins_ms=200,
    written_ms=4_300,
    is_empty_first=True,
    is_empty_last=True,
    has_vehicle=True,
)


def filmed(name: str, clip: ClipSeen) -> list[str]:
    seen = Seen(
        records=released(),
        raises=1,
        left_by="exit",
        clips=(clip,),
        is_film_simulated=True,
        on_ms=500,
        off_ms=5_000,
    )
    return [problem for problem in problems(BY_NAME[name], seen) if "lane_camera" not in problem]


def test_a_filmed_truck_is_on_its_clip_from_before_its_arrival_to_after_its_departure() -> None:
    name = "filmed_from_arrival_to_departure"
    assert filmed(name, WHOLE) == []
    for change, told in (
        ({"clip_id": ""}, "names no clip"),
        ({"is_there": False}, "is not on the lane's disk"),
        ({"fits": False}, "does not fit its hash"),
        ({"of": "p0"}, "is that of 'p0'"),
        ({"begins_ms": 1_100}, "begins after the arrival"),
        ({"is_empty_first": False}, "begins after the arrival"),
        ({"has_vehicle": False}, "begins after the arrival"),
        ({"written_ms": 3_900}, "ends before the departure"),
        ({"is_empty_last": False}, "ends before the departure"),
    ):
        (problem,) = filmed(name, replace(WHOLE, **change))
        assert problem.endswith(told)


def test_a_lane_camera_that_was_gone_has_no_clip_and_any_clip_named_is_the_passages_own() -> None:
    name = "lane_camera_unplugged-before"
    assert filmed(name, replace(WHOLE, clip_id="")) == []
    (problem,) = filmed(name, WHOLE)
    assert problem.startswith("the camera was gone")
    (problem,) = filmed("scale_noise-before", replace(WHOLE, fits=False))
    assert problem.endswith("does not fit its hash")
