"""A run in several sittings: what was played stands, and only of the same program and bench."""

from pathlib import Path

import msgspec
import pytest

from devices.clock import ManualClock
from hil_tests.acceptance.playing import read_accounts
from hil_tests.lane_bench.account import Account
from hil_tests.lane_bench.bench_file import BenchFile, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.lane_bench.sittings import HEAD, head_of, taken_over
from hil_tests.lane_bench.wording import said

COMMIT = "f76800d"
LANE = '[devices.sign]\ndriver = "http"\nurl = "http://10.1.1.1/"\n'


@pytest.fixture
def bench(tmp_path: Path) -> tuple[Path, BenchFile]:
    (tmp_path / "lane.toml").write_text(LANE)
    path = tmp_path / "bench.toml"
    path.write_text('name = "lane 1"\nlane_file = "lane.toml"\n[devices]\nsign = "real"\n')
    return path, load_bench(path)


def kept(folder: Path, *lines: object, cut: bytes = b"") -> Path:
    path = folder / "accounts-bench.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines) + cut)
    return path


def test_what_was_played_in_an_earlier_sitting_stands_and_what_could_not_be_is_asked_again(
    bench: tuple[Path, BenchFile], tmp_path: Path
) -> None:
    good = Account(scenario=SCENARIOS[0], lane="lane1", steps=[(1.5, said("step.sent"))])
    bad = Account(scenario=SCENARIOS[1], problems=[said("problem.closed_let_in")])
    skipped = Account(scenario=SCENARIOS[2], skipped=said("skip.no_load"))
    head = head_of(*bench, COMMIT)
    left = {"not_undone": said("skip.no_load")}
    path = kept(tmp_path, {HEAD: head}, good, bad, skipped, left, cut=b'{"scenario":{"na')
    assert taken_over(path, head) == [good, bad]
    assert len(read_accounts(path).accounts) == 3
    assert len(read_accounts(path).not_undone) == 1


def test_accounts_of_another_commit_or_bench_are_not_continued(
    bench: tuple[Path, BenchFile], tmp_path: Path
) -> None:
    head = head_of(*bench, COMMIT)
    path = kept(tmp_path, {HEAD: head})
    with pytest.raises(BrokenBench, match="is of commit f76800d, and this is 9dc551e"):
        taken_over(path, head_of(*bench, "9dc551e"))
    for commit in ("unknown", f"{COMMIT}-dirty"):
        with pytest.raises(BrokenBench, match=f"of commit {commit}: which program"):
            taken_over(path, head_of(*bench, commit))
    (tmp_path / "lane.toml").write_text(LANE + "refresh_s = 2.0\n")
    with pytest.raises(BrokenBench, match="is of another bench"):
        taken_over(path, head_of(*bench, COMMIT))
    with pytest.raises(BrokenBench, match="cannot be continued"):
        taken_over(kept(tmp_path, Account(scenario=SCENARIOS[0])), head)


def test_a_pool_that_knows_an_account_does_not_wait_for_it(
    bench: tuple[Path, BenchFile], tmp_path: Path
) -> None:
    known = Account(scenario=SCENARIOS[1], lane="lane1")
    noted: list[Account] = []
    path, file = bench
    pool = Pool(
        tmp_path / "site",
        file,
        path,
        SCENARIOS[:3],
        ManualClock(),
        note=noted.append,
        known=[known],
    )
    pool.take_over()
    assert pool.account(SCENARIOS[1].name, 0.0) is known
    assert noted == [known]
    assert pool.accounts() == [known]
