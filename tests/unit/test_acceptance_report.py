"""The site acceptance report: what stands on its pages, in Chinese and in English."""

from pathlib import Path

import msgspec
import pytest

from central.printing import write_pdf
from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.report import StepLine, Verdict, write_html
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.wording import said, texts, word
from tests.acceptance_runs import a_run, page_of


def test_the_report_shows_devices_tapes_times_steps_and_a_place_to_sign(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(a_run(), path)
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
    run = a_run(said("problem.boom_opened", raises=1, allowed=0))
    assert run.verdict is Verdict.NOT_ACCEPTED
    write_html(run, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "不合格 FAIL" in page
    assert "the boom was opened 1 times for 0 releases on record" in page
    assert "栏杆抬起 1 次，而记录的放行为 0 次" in page


def test_the_report_says_that_its_times_are_of_simulated_devices(tmp_path: Path) -> None:
    page = page_of(a_run(), tmp_path)
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
    run = a_run()
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
    write_html(a_run(), html)
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


def test_a_computer_without_git_has_a_report_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine().commit == "unknown"
