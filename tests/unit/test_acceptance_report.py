"""The site acceptance report, and the bench file that it is made from."""

from pathlib import Path

import pytest

from devices.sim.faults.table import FAULTS
from hil_tests.acceptance.figures import number
from hil_tests.acceptance.report import (
    PATHS,
    DeviceLine,
    Run,
    StepLine,
    TapeLine,
    write_html,
    write_pdf,
)
from hil_tests.lane_bench.bench_file import Asset, BenchFileError, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS

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


def run_of(problems: list[str]) -> Run:
    return Run(
        bench="lane 1 <as built>",
        began="2026-11-22T03:00:00+08:00",
        ended="2026-11-22T03:12:00+08:00",
        version="0.1.0",
        commit="abc",
        machine="2 cores",
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
                course=[(0.0, "scale_frozen came")],
                problems=problems,
                skipped="",
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
    run = run_of(["the boom was opened 1 times for 0 releases on record"])
    assert not run.is_good
    write_html(run, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "不合格 FAIL" in page
    assert "opened 1 times" in page


def test_a_run_that_broke_off_is_no_acceptance() -> None:
    run = run_of([])
    assert run.is_good
    run.is_broken = True
    assert not run.is_good
    run = run_of([])
    run.numbers = [number("idle", "空闲", "%", [], 5.0, "p50")]
    assert not run.is_good


@pytest.mark.needs("chromium")
@pytest.mark.timeout(400)
def test_the_report_is_printed_as_pdf(tmp_path: Path) -> None:
    html, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    write_html(run_of([]), html)
    assert write_pdf(html, pdf) == ""
    assert pdf.read_bytes().startswith(b"%PDF")


def test_every_step_of_the_report_has_its_name_in_chinese() -> None:
    for scenario in SCENARIOS:
        assert scenario.name in PATHS or scenario.fault in FAULTS, scenario.name


def test_every_bench_file_here_can_be_read_and_a_wrong_one_names_its_key(tmp_path: Path) -> None:
    moves = {load_bench(path).moves for path in BENCHES.glob("*.toml")}
    assert moves == {"simulated", "prompt", "relay"}
    path = tmp_path / "bench.toml"
    for text, said in (
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
        assert said in str(caught.value)
        assert str(path) in str(caught.value)
