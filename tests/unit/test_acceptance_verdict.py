"""When a lane is accepted, when only a part of it was, and what proves the rest."""

from pathlib import Path

import msgspec
import pytest

from hil_tests.acceptance.figures import number
from hil_tests.acceptance.proof import Proof, ProofError, read_proof
from hil_tests.acceptance.report import DeviceLine, TapeLine, Verdict
from hil_tests.lane_bench.wording import said
from tests.acceptance_runs import (
    CANNOT,
    FAILS,
    a_proof,
    a_run,
    a_run_with_a_step_not_played,
    on_simulators,
    page_of,
    written_report,
)


def test_a_run_that_broke_off_is_no_acceptance() -> None:
    run = a_run()
    assert run.verdict is Verdict.ACCEPTED
    run.is_broken = True
    assert run.verdict is Verdict.NOT_ACCEPTED
    run = a_run()
    run.numbers = [number("idle", "空闲", "%", [], 5.0, "p50")]
    assert run.verdict is Verdict.NOT_ACCEPTED


def test_a_share_of_the_scenarios_that_passed_is_partial_and_says_how_much_was_run(
    tmp_path: Path,
) -> None:
    run = a_run()
    run.catalogue, run.chosen = 508, "-k scale_frozen-before"
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("508 项中仅做 3 项", "3 of 508 run")]
    page = page_of(run, tmp_path)
    for shown in ("部分 PARTIAL", "3 / 508", "508 项中仅做 3 项", "-k scale_frozen-before"):
        assert shown in page
    assert page.count("合格 PASS") == 4  # of a number and three steps: not of the lane
    run.steps[0].problems.append(said("problem.closed_let_in"))
    assert run.verdict is Verdict.NOT_ACCEPTED


def test_a_run_that_measured_no_times_is_partial() -> None:
    run = a_run()
    run.numbers = []
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("未测量指标", "times not measured")]


def test_a_real_device_without_a_serial_number_is_named_and_keeps_a_run_partial(
    tmp_path: Path,
) -> None:
    run = a_run()
    nameless = DeviceLine(name="bus", presence="real", driver="lc", place="/dev/kakou/board")
    run.devices += [nameless, msgspec.structs.replace(nameless, name="sign", presence="simulated")]
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("无序列号: bus", "no serial number: bus")]
    assert "无序列号: bus" in page_of(run, tmp_path)


def test_a_real_lane_is_accepted_where_all_was_played_that_can_be_and_the_rest_is_proved(
    tmp_path: Path,
) -> None:
    run = a_run_with_a_step_not_played(a_proof("scale_garbled-before:sma"))
    assert run.verdict is Verdict.ACCEPTED
    page = page_of(run, tmp_path)
    for shown in ("此处未做 Not played here", CANNOT.zh, CANNOT.en, "已在仿真上证明", "77aa"):
        assert shown in page
    assert "未证明" not in page


@pytest.mark.parametrize("proof", [None, a_proof("faultless")])
def test_what_a_real_lane_could_not_play_and_nobody_proved_keeps_it_partial(
    proof: Proof | None, tmp_path: Path
) -> None:
    run = a_run_with_a_step_not_played(proof)
    assert run.verdict is Verdict.PARTIAL
    said_so = "1 neither played here nor proved on simulators"
    assert run.lacking == [("1 项此处未做也未在仿真上证明", said_so)]
    assert "未证明 not proved" in page_of(run, tmp_path)


def test_what_no_simulator_of_a_bench_can_have_says_nothing_of_its_lanes() -> None:
    run = a_run_with_a_step_not_played(None)
    on_simulators(run)
    assert run.verdict is Verdict.ACCEPTED


def test_the_proof_is_a_whole_report_on_simulators_of_the_same_version(tmp_path: Path) -> None:
    run = a_run_with_a_step_not_played(None)
    path = written_report(tmp_path, run)
    with pytest.raises(ProofError, match="not a run on simulators only"):
        read_proof(path, "0.1.0", "abc")
    on_simulators(run)
    path = written_report(tmp_path, run)
    proof = read_proof(path, "0.1.0", "abc")
    assert (proof.passed, proof.verdict) == (
        frozenset({"scale_frozen-before", "faultless", "no_declaration"}),
        "ACCEPTED",
    )
    with pytest.raises(ProofError, match=r"of Kakou 0.1.0 \(abc\), and this is 0.1.0 \(def\)"):
        read_proof(path, "0.1.0", "def")
    for spoiled in (b"{}", b"["):
        path.write_bytes(spoiled)
        with pytest.raises(ProofError, match="no report of make hil"):
            read_proof(path, "0.1.0", "abc")


def test_a_real_lane_that_released_nobody_is_not_accepted(tmp_path: Path) -> None:
    run = a_run()
    run.catalogue, run.steps = 1, run.steps[:1]
    assert run.verdict is Verdict.PARTIAL
    assert [en for _, en in run.lacking] == [
        "no truck was released (faultless not played)",
        "no truck was refused (none of no_declaration, declaration_expired, documents_rejected,"
        " declaration_used_before, filmed_and_refused played)",
    ]
    assert "此处未放行过车辆" in page_of(run, tmp_path)
    run = a_run()
    run.steps[1] = msgspec.structs.replace(run.steps[1], skipped=CANNOT)
    run.proof = a_proof("faultless")
    assert [en for _, en in run.lacking] == ["no truck was released (faultless not played)"]
    on_simulators(run)
    assert run.lacking == []


def test_of_two_real_lanes_each_must_have_released_and_refused() -> None:
    run = a_run()
    run.devices = [msgspec.structs.replace(run.devices[0], bench=name) for name in ("a", "b")]
    run.steps = [msgspec.structs.replace(step, bench="a") for step in run.steps]
    assert next(en for _, en in run.lacking).startswith("b: no truck was released")


def test_a_tape_that_is_missing_keeps_a_run_partial_and_one_that_cannot_be_does_not() -> None:
    run = a_run()
    run.tapes.append(TapeLine(device="bus", why="no such port", is_missing=True))
    run.tapes.append(TapeLine(device="sign", why="what passes under TLS cannot be taped"))
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("无线路记录: bus", "no wire tape: bus")]


def test_a_failed_run_and_one_of_a_program_that_no_commit_names_prove_nothing(
    tmp_path: Path,
) -> None:
    run = a_run(FAILS)
    on_simulators(run)
    with pytest.raises(ProofError, match="that run is NOT ACCEPTED"):
        read_proof(written_report(tmp_path, run), "0.1.0", "abc")
    for commit in ("unknown", "9dc551e-dirty"):
        run = a_run()
        run.commit = commit
        on_simulators(run)
        assert run.verdict is Verdict.ACCEPTED  # of itself
        with pytest.raises(ProofError, match=f"of commit {commit}: which program"):
            read_proof(written_report(tmp_path, run), "0.1.0", commit)
