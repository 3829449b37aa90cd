"""The site acceptance report, and the bench file that it is made from."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.printing import write_pdf
from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.device_lines import lines_of_all
from hil_tests.acceptance.figures import number
from hil_tests.acceptance.merging import Played, together
from hil_tests.acceptance.one_bench import names_of
from hil_tests.acceptance.playing import read_accounts
from hil_tests.acceptance.proof import Proof, ProofError, read_proof
from hil_tests.acceptance.report import (
    DeviceLine,
    Run,
    StepLine,
    TapeLine,
    Verdict,
    write_html,
)
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.bench_file import Asset, BenchFileError, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.wording import Said, fault_word, said, texts, word

BOX = """
name = "x"
moves = "relay"
lane_file = "l"
devices.{real} = "real"
[relay_box]
board.host = "10.0.0.9"
wires.entry_loop = 0
{more}
"""
TRUCK = "load = 1\nload_kg = 9_000\n[truck]\nplate = '粤B1'\ncard_uid = '1'\ngross_kg = 9_020"
BENCHES = Path(__file__).parents[2] / "hil_tests" / "benches"


def run_of(problems: list[Said]) -> Run:
    return Run(
        bench="lane 1 <as built>",
        began="2026-11-22T03:00:00+08:00",
        ended="2026-11-22T03:12:00+08:00",
        version="0.1.0",
        commit="abc",
        machine="2 cores",
        chosen="",
        catalogue=3,
        devices=[
            DeviceLine(
                name="weighbridge",
                presence="real",
                driver="yaohua-continuous",
                place="/dev/kakou/scale",
                asset=Asset(maker="Yaohua", model="DS3", serial="77123", version="2.1"),
            )
        ],
        tapes=[TapeLine(device="weighbridge", file="weighbridge.tape", sha256="5f3dfb15")],
        numbers=[number("idle", "空闲", "%", [1.0, 2.0], 5.0, "p50")],
        steps=[
            StepLine(
                name="scale_frozen-before",
                lane="lane1",
                took_s=7.5,
                course=[(0.0, said("step.came", fault=fault_word("scale_frozen")))],
                problems=problems,
                recovery_ms=120,
            ),
            StepLine(name="faultless", lane="lane1", took_s=6.0, course=[], problems=[]),
            StepLine(name="no_declaration", lane="lane1", took_s=6.0, course=[], problems=[]),
        ],
        unproved_releases=0,
        forbidding=1,
    )


def test_the_report_shows_devices_tapes_times_steps_and_a_place_to_sign(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(run_of([]), path)
    page = path.read_text(encoding="utf-8")
    for shown in (
        "车道现场验收报告",
        "Site acceptance report",
        "lane 1 &lt;as built&gt;",
        "77123",
        "weighbridge.tape",
        "5f3dfb15",
        "仪表数值冻结 · 车辆到达前",
        "120 ms",
        "签字 Signatures",
        "合格 PASS",
    ):
        assert shown in page
    assert "不合格" not in page


def test_one_problem_makes_it_a_report_of_a_lane_that_is_not_accepted(tmp_path: Path) -> None:
    run = run_of([said("problem.boom_opened", raises=1, allowed=0)])
    assert run.verdict is Verdict.NOT_ACCEPTED
    write_html(run, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "不合格 FAIL" in page
    assert "the boom was opened 1 times for 0 releases on record" in page
    assert "栏杆抬起 1 次，而记录的放行为 0 次" in page


def test_a_run_that_broke_off_is_no_acceptance() -> None:
    run = run_of([])
    assert run.verdict is Verdict.ACCEPTED
    run.is_broken = True
    assert run.verdict is Verdict.NOT_ACCEPTED
    run = run_of([])
    run.numbers = [number("idle", "空闲", "%", [], 5.0, "p50")]
    assert run.verdict is Verdict.NOT_ACCEPTED


def page_of(run: Run, tmp_path: Path) -> str:
    write_html(run, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_share_of_the_scenarios_that_passed_is_partial_and_says_how_much_was_run(
    tmp_path: Path,
) -> None:
    run = run_of([])
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
    run = run_of([])
    run.numbers = []
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("未测量指标", "times not measured")]


def test_a_real_device_without_a_serial_number_is_named_and_keeps_a_run_partial(
    tmp_path: Path,
) -> None:
    run = run_of([])
    nameless = DeviceLine(name="bus", presence="real", driver="lc", place="/dev/kakou/board")
    run.devices += [nameless, msgspec.structs.replace(nameless, name="sign", presence="simulated")]
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("无序列号: bus", "no serial number: bus")]
    assert "无序列号: bus" in page_of(run, tmp_path)


def test_the_report_says_that_its_times_are_of_simulated_devices(tmp_path: Path) -> None:
    page = page_of(run_of([]), tmp_path)
    assert "在本机仿真设备上测得，非现场设备" in page
    assert "measured at simulated devices on this computer" in page


@pytest.mark.parametrize(
    ("given", "chosen", "said", "status"),
    [
        ([], "", "ACCEPTED", 0),
        (["-m", "share"], "-m share", "PARTIAL: 3 of 4 run", 0),
        (["--no-numbers"], "--no-numbers", "PARTIAL: 3 of 3 run; times not measured", 0),
    ],
)
def test_the_last_line_and_the_exit_status_tell_a_part_from_the_whole(
    given: list[str],
    chosen: str,
    said: str,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no browser: nothing is printed on paper here
    options = acceptance._options(given)
    run = run_of([])
    run.chosen = acceptance._chosen(options)
    run.catalogue += bool(options.marked)
    run.numbers *= not options.no_numbers
    assert run.chosen == chosen
    assert acceptance._report(run, tmp_path) == status
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{said}: 3 passed, 0 failed") for line in lines)
    written = msgspec.json.decode((tmp_path / "report.json").read_bytes())
    assert (written["verdict"], written["chosen"]) == (said.partition(":")[0], chosen)


@pytest.mark.needs("chromium")
@pytest.mark.timeout(400)
def test_the_report_is_printed_as_pdf(tmp_path: Path) -> None:
    html, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    write_html(run_of([]), html)
    assert write_pdf(html, pdf) == ""
    assert pdf.read_bytes().startswith(b"%PDF")


def test_every_step_of_the_report_has_its_name_in_chinese() -> None:
    for scenario in SCENARIOS:
        step = StepLine(name=scenario.name, lane="", took_s=0.0, course=[], problems=[])
        assert any(ord(sign) > 0x4E00 for sign in step.zh), scenario.name
        assert scenario.of.partition(" ")[2] in step.zh


def test_whatever_a_bench_says_it_says_in_both_languages() -> None:
    for key, text in texts().items():
        assert text.en, key
        assert any(ord(sign) > 0x4E00 for sign in text.zh) or key == "problem.violation", key
    for scenario in SCENARIOS:
        for name in (scenario.phase, scenario.expected.outcome, scenario.expected.left):
            assert name is None or f"word.{name}" in texts(), name
    assert word(None).zh == "无"


CANNOT = Said(zh="真实地磅仪表上不能造成", en="cannot be made on a real weighbridge")


def with_a_step_not_played(proof: Proof | None) -> Run:
    run = run_of([])
    run.catalogue = 4
    run.steps.append(
        StepLine(
            name="scale_garbled-before:sma", lane="", took_s=0.0, course=[], problems=[],
            skipped=CANNOT,
        )
    )  # fmt: skip
    run.proof = proof
    return run


def a_proof(*passed: str) -> Proof:
    return Proof(
        bench="simulated lanes", began="2026-11-22T01:00", ended="2026-11-22T01:20",
        version="0.1.0", commit="abc", machine="2 cores", verdict="ACCEPTED", sha256="77aa",
        passed=frozenset(passed),
    )  # fmt: skip


def test_a_real_lane_is_accepted_where_all_was_played_that_can_be_and_the_rest_is_proved(
    tmp_path: Path,
) -> None:
    run = with_a_step_not_played(a_proof("scale_garbled-before:sma"))
    assert run.verdict is Verdict.ACCEPTED
    page = page_of(run, tmp_path)
    for shown in ("此处未做 Not played here", CANNOT.zh, CANNOT.en, "已在仿真上证明", "77aa"):
        assert shown in page
    assert "未证明" not in page


@pytest.mark.parametrize("proof", [None, a_proof("faultless")])
def test_what_a_real_lane_could_not_play_and_nobody_proved_keeps_it_partial(
    proof: Proof | None, tmp_path: Path
) -> None:
    run = with_a_step_not_played(proof)
    assert run.verdict is Verdict.PARTIAL
    said_so = "1 neither played here nor proved on simulators"
    assert run.lacking == [("1 项此处未做也未在仿真上证明", said_so)]
    assert "未证明 not proved" in page_of(run, tmp_path)


def test_what_no_simulator_of_a_bench_can_have_says_nothing_of_its_lanes() -> None:
    run = with_a_step_not_played(None)
    run.devices = [msgspec.structs.replace(run.devices[0], presence="simulated")]
    assert run.verdict is Verdict.ACCEPTED


def written_report(folder: Path, run: Run) -> Path:
    path = folder / "report.json"
    path.write_bytes(acceptance._json(run))
    return path


def test_the_proof_is_a_whole_report_on_simulators_of_the_same_version(tmp_path: Path) -> None:
    run = with_a_step_not_played(None)
    path = written_report(tmp_path, run)
    with pytest.raises(ProofError, match="not a run on simulators only"):
        read_proof(path, "0.1.0", "abc")
    run.devices = [msgspec.structs.replace(run.devices[0], presence="simulated")]
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


def account(name: str, skipped: Said | None = None, *problems: Said) -> dict[str, Any]:
    return {"scenario": {"name": name}, "skipped": skipped, "problems": list(problems)}


FAILS = said("problem.closed_let_in")
SCALES = frozenset({"weighbridge sma"})


def bench(label: str, *accounts: dict[str, Any], is_real: bool = False) -> Played:
    return Played(label=label, is_real=is_real, has=SCALES, accounts=list(accounts))


def test_what_one_of_two_benches_played_is_in_the_report_once() -> None:
    first = [account("faultless"), account("faultless:sma", CANNOT), account("no_card", CANNOT)]
    second = [account("faultless:sma"), account("no_card", CANNOT)]
    found = together([bench("sim", *first), bench("drivers", *second)])
    assert found.steps == [("sim", first[0]), ("sim", first[2]), ("drivers", second[0])]
    assert found.proved == frozenset()


@pytest.mark.parametrize("is_real", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_failure_at_one_bench_is_not_hidden_by_a_pass_at_another(
    *, is_real: bool, is_first: bool
) -> None:
    failed = account("faultless", None, FAILS)
    benches = [bench("lane1", failed, is_real=is_real), bench("sim", account("faultless"))]
    found = together(benches if is_first else benches[::-1])
    assert found.steps == [("lane1", failed)]
    benches = [bench("lane1", account("faultless"), is_real=is_real), bench("sim", failed)]
    found = together(benches if is_first else benches[::-1])
    assert ("sim", failed) in found.steps


@pytest.mark.parametrize("is_first", [False, True])
def test_what_simulators_played_beside_a_real_lane_is_proof_and_not_a_step_of_the_lane(
    *, is_first: bool
) -> None:
    real = [account("faultless"), account("no_card", CANNOT), account("no_declaration", CANNOT)]
    simulated = [account("faultless"), account("no_card"), account("no_declaration", CANNOT)]
    benches = [bench("lane1", *real, is_real=True), bench("sim", *simulated)]
    found = together(benches if is_first else benches[::-1])
    assert sorted((label, one["scenario"]["name"]) for label, one in found.steps) == [
        ("lane1", "faultless"),
        ("lane1", "no_card"),
        ("lane1", "no_declaration"),
    ]
    assert found.proved == {"faultless", "no_card"}
    run = with_a_step_not_played(None)
    run.proved_here = frozenset({"scale_garbled-before:sma"})
    assert run.verdict is Verdict.ACCEPTED


def test_each_of_two_real_lanes_has_its_own_steps() -> None:
    first, second = account("faultless"), account("faultless", CANNOT)
    found = together([bench("a", first, is_real=True), bench("b", second, is_real=True)])
    assert found.steps == [("a", first), ("b", second)]
    assert found.catalogue % 2 == 0


def test_two_bench_files_of_one_name_are_told_apart() -> None:
    paths = [Path("/etc/a/lane.toml"), Path("/etc/b/lane.toml"), Path("sim.toml")]
    assert names_of(paths) == ["lane-1", "lane-2", "sim"]


def test_a_simulated_device_hides_no_real_one_in_the_list(tmp_path: Path) -> None:
    real = run_of([]).devices[0]
    simulated = msgspec.structs.replace(real, presence="simulated", bench="sim", asset=Asset())
    for benches in ([[simulated], [real]], [[real], [simulated]]):
        both = lines_of_all(benches)
        assert {one.presence for one in both} == {"real", "simulated"}
        run = run_of([])
        run.devices = both
        with pytest.raises(ProofError, match="not a run on simulators only"):
            read_proof(written_report(tmp_path, run), "0.1.0", "abc")
    other = msgspec.structs.replace(real, bench="lane2", place="/dev/kakou/other")
    assert lines_of_all([[real], [other]]) == [real, other]


def test_a_real_lane_that_released_nobody_is_not_accepted(tmp_path: Path) -> None:
    run = run_of([])
    run.catalogue, run.steps = 1, run.steps[:1]
    assert run.verdict is Verdict.PARTIAL
    assert [en for _, en in run.lacking] == [
        "no truck was released (faultless not played)",
        "no truck was refused (none of no_declaration, declaration_expired, documents_rejected,"
        " declaration_used_before, filmed_and_refused played)",
    ]
    assert "此处未放行过车辆" in page_of(run, tmp_path)
    run = run_of([])
    run.steps[1] = msgspec.structs.replace(run.steps[1], skipped=CANNOT)
    run.proof = a_proof("faultless")
    assert [en for _, en in run.lacking] == ["no truck was released (faultless not played)"]
    run.devices = [msgspec.structs.replace(run.devices[0], presence="simulated")]
    assert run.lacking == []


def test_of_two_real_lanes_each_must_have_released_and_refused() -> None:
    run = run_of([])
    run.devices = [msgspec.structs.replace(run.devices[0], bench=name) for name in ("a", "b")]
    run.steps = [msgspec.structs.replace(step, bench="a") for step in run.steps]
    assert next(en for _, en in run.lacking).startswith("b: no truck was released")


def test_a_tape_that_is_missing_keeps_a_run_partial_and_one_that_cannot_be_does_not() -> None:
    run = run_of([])
    run.tapes.append(TapeLine(device="bus", why="no such port", is_missing=True))
    run.tapes.append(TapeLine(device="sign", why="what passes under TLS cannot be taped"))
    assert run.verdict is Verdict.PARTIAL
    assert run.lacking == [("无线路记录: bus", "no wire tape: bus")]


def test_a_failed_run_and_one_of_a_program_that_no_commit_names_prove_nothing(
    tmp_path: Path,
) -> None:
    run = run_of([FAILS])
    run.devices = [msgspec.structs.replace(run.devices[0], presence="simulated")]
    with pytest.raises(ProofError, match="that run is NOT ACCEPTED"):
        read_proof(written_report(tmp_path, run), "0.1.0", "abc")
    for commit in ("unknown", "9dc551e-dirty"):
        run = run_of([])
        run.commit, run.devices = (
            commit,
            [msgspec.structs.replace(run.devices[0], presence="simulated")],
        )
        assert run.verdict is Verdict.ACCEPTED  # of itself
        with pytest.raises(ProofError, match=f"of commit {commit}: which program"):
            read_proof(written_report(tmp_path, run), "0.1.0", commit)


def test_a_run_that_was_broken_off_keeps_its_whole_accounts_and_names_what_must_be_undone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "accounts-lane1.jsonl"
    left = said("problem.not_undone", lane="lane1", fault=fault_word("scale_unplugged"))
    whole = [msgspec.json.encode(one) for one in (account("faultless"), {"not_undone": left})]
    path.write_bytes(b"\n".join([*whole, b'{"scenario": {"na']))
    kept = read_accounts(path)
    assert [one["scenario"]["name"] for one in kept.accounts] == ["faultless"]
    assert kept.not_undone == [left]
    run = run_of([])
    run.is_broken, run.not_undone = True, kept.not_undone
    assert ("运行中途停止", "broken off") in run.lacking
    assert left.zh in page_of(run, tmp_path)
    assert read_accounts(tmp_path / "none").accounts == []


def test_a_computer_without_git_has_a_report_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine().commit == "unknown"


def test_a_run_never_writes_over_what_another_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("report.json", "scale.tape", "accounts-sim.jsonl"):
        (tmp_path / name).write_text("signed")
        assert acceptance.main(["--out", str(tmp_path)]) == 3
        assert f"holds another run ({name}): name a new folder" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "signed"
        (tmp_path / name).unlink()


def test_every_bench_file_here_can_be_read_and_a_wrong_one_names_its_key(tmp_path: Path) -> None:
    moves = {load_bench(path).moves for path in BENCHES.glob("*.toml")}
    assert moves == {"simulated", "prompt", "relay"}
    path = tmp_path / "bench.toml"
    for text, told in (
        ('name = "x"\nmovse = "prompt"', "movse"),
        ('name = "x"\nmoves = "prompt"', "[truck] is needed"),
        ('name = "x"\n[devices]\ncamera = "real"', "needs lane_file"),
        ('name = "x"\nlane_file = "l"\n[devices]\nbus = "real"', "moves = prompt"),
        ('name = "x"\nsigns = ["led"]', "signs: unknown driver 'led'; known are none, led-64ff"),
        ('name = "x"\ncard_readers = ["none"]', "card_readers: unknown driver 'none'"),
        ('name = "x"\nlane_file = "l"\n[devices]\ncard_reader = "real"', "[truck] is needed"),
        ('name = "x"\nmoves = "relay"', "[relay_box] belongs to"),
        (
            BOX.format(real="bus", more=""),
            "relay_box.wires: rear_beam, front_beam, exit_loop needed",
        ),
        (BOX.format(real="weighbridge", more="load = 1"), "load and load_kg belong together"),
        (
            BOX.format(real="weighbridge", more="load = 0\nload_kg = 9_000"),
            "two wires on one relay",
        ),
        (BOX.format(real="weighbridge", more=TRUCK), "are of one truck, and differ"),
        ("name = ", "bench.toml"),
    ):
        path.write_text(text)
        with pytest.raises(BenchFileError) as caught:
            load_bench(path)
        assert told in str(caught.value)
        assert str(path) in str(caught.value)
