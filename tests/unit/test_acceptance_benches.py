"""Several benches in one report: nothing that one of them found is hidden by another."""

from pathlib import Path

import msgspec
import pytest

from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.device_lines import lines_of_all
from hil_tests.acceptance.merging import together
from hil_tests.acceptance.one_bench import names_of
from hil_tests.acceptance.playing import read_accounts
from hil_tests.acceptance.proof import ProofError, read_proof
from hil_tests.acceptance.report import Verdict
from hil_tests.lane_bench.bench_file import Asset
from hil_tests.lane_bench.wording import fault_word, said
from tests.acceptance_runs import (
    CANNOT,
    FAILS,
    a_bench,
    a_run,
    a_run_with_a_step_not_played,
    an_account,
    page_of,
    written_report,
)


def test_what_one_of_two_benches_played_is_in_the_report_once() -> None:
    first = [
        an_account("faultless"),
        an_account("faultless:sma", CANNOT),
        an_account("no_card", CANNOT),
    ]
    second = [an_account("faultless:sma"), an_account("no_card", CANNOT)]
    found = together([a_bench("sim", *first), a_bench("drivers", *second)])
    assert found.steps == [("sim", first[0]), ("sim", first[2]), ("drivers", second[0])]
    assert found.proved == frozenset()


@pytest.mark.parametrize("is_real", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_failure_at_one_bench_is_not_hidden_by_a_pass_at_another(
    *, is_real: bool, is_first: bool
) -> None:
    failed = an_account("faultless", None, FAILS)
    benches = [a_bench("lane1", failed, is_real=is_real), a_bench("sim", an_account("faultless"))]
    found = together(benches if is_first else benches[::-1])
    assert found.steps == [("lane1", failed)]
    benches = [a_bench("lane1", an_account("faultless"), is_real=is_real), a_bench("sim", failed)]
    found = together(benches if is_first else benches[::-1])
    assert ("sim", failed) in found.steps


@pytest.mark.parametrize("is_first", [False, True])
def test_what_simulators_played_beside_a_real_lane_is_proof_and_not_a_step_of_the_lane(
    *, is_first: bool
) -> None:
    real = [
        an_account("faultless"),
        an_account("no_card", CANNOT),
        an_account("no_declaration", CANNOT),
    ]
    simulated = [
        an_account("faultless"),
        an_account("no_card"),
        an_account("no_declaration", CANNOT),
    ]
    benches = [a_bench("lane1", *real, is_real=True), a_bench("sim", *simulated)]
    found = together(benches if is_first else benches[::-1])
    assert sorted((label, one["scenario"]["name"]) for label, one in found.steps) == [
        ("lane1", "faultless"),
        ("lane1", "no_card"),
        ("lane1", "no_declaration"),
    ]
    assert found.proved == {"faultless", "no_card"}
    run = a_run_with_a_step_not_played(None)
    run.proved_here = frozenset({"scale_garbled-before:sma"})
    assert run.verdict is Verdict.ACCEPTED


def test_each_of_two_real_lanes_has_its_own_steps() -> None:
    first, second = an_account("faultless"), an_account("faultless", CANNOT)
    found = together([a_bench("a", first, is_real=True), a_bench("b", second, is_real=True)])
    assert found.steps == [("a", first), ("b", second)]
    assert found.catalogue % 2 == 0


def test_two_bench_files_of_one_name_are_told_apart() -> None:
    paths = [Path("/etc/a/lane.toml"), Path("/etc/b/lane.toml"), Path("sim.toml")]
    assert names_of(paths) == ["lane-1", "lane-2", "sim"]


def test_a_simulated_device_hides_no_real_one_in_the_list(tmp_path: Path) -> None:
    real = a_run().devices[0]
    simulated = msgspec.structs.replace(real, presence="simulated", bench="sim", asset=Asset())
    for benches in ([[simulated], [real]], [[real], [simulated]]):
        both = lines_of_all(benches)
        assert {one.presence for one in both} == {"real", "simulated"}
        run = a_run()
        run.devices = both
        with pytest.raises(ProofError, match="not a run on simulators only"):
            read_proof(written_report(tmp_path, run), "0.1.0", "abc")
    other = msgspec.structs.replace(real, bench="lane2", place="/dev/kakou/other")
    assert lines_of_all([[real], [other]]) == [real, other]


def test_a_run_that_was_broken_off_keeps_its_whole_accounts_and_names_what_must_be_undone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "accounts-lane1.jsonl"
    left = said("problem.not_undone", lane="lane1", fault=fault_word("scale_unplugged"))
    whole = [msgspec.json.encode(one) for one in (an_account("faultless"), {"not_undone": left})]
    path.write_bytes(b"\n".join([*whole, b'{"scenario": {"na']))
    kept = read_accounts(path)
    assert [one["scenario"]["name"] for one in kept.accounts] == ["faultless"]
    assert kept.not_undone == [left]
    run = a_run()
    run.is_broken, run.not_undone = True, kept.not_undone
    assert ("运行中途停止", "broken off") in run.lacking
    assert left.zh in page_of(run, tmp_path)
    assert read_accounts(tmp_path / "none").accounts == []


def test_a_run_never_writes_over_what_another_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("report.json", "scale.tape", "accounts-sim.jsonl"):
        (tmp_path / name).write_text("signed")
        assert acceptance.main(["--out", str(tmp_path)]) == 3
        assert f"holds another run ({name}): name a new folder" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "signed"
        (tmp_path / name).unlink()
