"""The site acceptance report, and the bench file that it is made from."""

from pathlib import Path

import msgspec
import pytest

from central.printing import write_pdf
from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.figures import number
from hil_tests.acceptance.proof import Proof, ProofError, read_proof
from hil_tests.acceptance.report import (
    DeviceLine,
    Run,
    StepLine,
    TapeLine,
    Verdict,
    write_html,
)
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
        catalogue=1,
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
            )
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
    assert run.lacking == [("508 项中仅做 1 项", "1 of 508 run")]
    page = page_of(run, tmp_path)
    for shown in ("部分 PARTIAL", "1 / 508", "508 项中仅做 1 项", "-k scale_frozen-before"):
        assert shown in page
    assert page.count("合格 PASS") == 2  # of a number and a step: not of the lane
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
        (["-m", "share"], "-m share", "PARTIAL: 1 of 2 run", 0),
        (["--no-numbers"], "--no-numbers", "PARTIAL: 1 of 1 run; times not measured", 0),
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
    assert any(line.startswith(f"{said}: 1 passed, 0 failed") for line in lines)
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
    run.catalogue = 2
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
    assert (proof.passed, proof.verdict) == (frozenset({"scale_frozen-before"}), "ACCEPTED")
    with pytest.raises(ProofError, match=r"of Kakou 0.1.0 \(abc\), and this is 0.1.0 \(def\)"):
        read_proof(path, "0.1.0", "def")
    for spoiled in (b"{}", b"["):
        path.write_bytes(spoiled)
        with pytest.raises(ProofError, match="no report of make hil"):
            read_proof(path, "0.1.0", "abc")


def account(name: str, skipped: Said | None = None) -> dict[str, object]:
    return {"scenario": {"name": name}, "skipped": skipped}


def test_what_one_of_two_benches_played_is_in_the_report_once() -> None:
    first = [account("faultless"), account("faultless:sma", CANNOT), account("no_card", CANNOT)]
    second = [account("faultless:sma"), account("no_card", CANNOT)]
    assert acceptance.merged([first, second]) == [first[0], second[1], second[0]]


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
