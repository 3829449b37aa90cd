"""Runs of `make hil` as they are reported: of a real lane that passed, and what departs from it."""

from pathlib import Path
from typing import Any

import msgspec

from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.figures import number
from hil_tests.acceptance.merging import Played
from hil_tests.acceptance.proof import Proof
from hil_tests.acceptance.report import DeviceLine, Run, StepLine, TapeLine, write_html
from hil_tests.lane_bench.bench_file import Asset
from hil_tests.lane_bench.wording import Said, fault_word, said

CANNOT = Said(zh="真实地磅仪表上不能造成", en="cannot be made on a real weighbridge")
FAILS = said("problem.closed_let_in")
SCALES = frozenset({"weighbridge sma"})


def a_run(*problems: Said) -> Run:
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
                problems=list(problems),
                recovery_ms=120,
            ),
            StepLine(name="faultless", lane="lane1", took_s=6.0, course=[], problems=[]),
            StepLine(name="no_declaration", lane="lane1", took_s=6.0, course=[], problems=[]),
        ],
        unproved_releases=0,
        forbidding=1,
    )


def a_run_with_a_step_not_played(proof: Proof | None) -> Run:
    run = a_run()
    run.catalogue = 4
    run.steps.append(
        StepLine(
            name="scale_garbled-before:sma", lane="", took_s=0.0, course=[], problems=[],
            skipped=CANNOT,
        )
    )  # fmt: skip
    run.proof = proof
    return run


def on_simulators(run: Run) -> None:
    """Its only device is a simulated one."""
    run.devices = [msgspec.structs.replace(run.devices[0], presence="simulated")]


def a_proof(*passed: str) -> Proof:
    return Proof(
        bench="simulated lanes", began="2026-11-22T01:00", ended="2026-11-22T01:20",
        version="0.1.0", commit="abc", machine="2 cores", verdict="ACCEPTED", sha256="77aa",
        passed=frozenset(passed),
    )  # fmt: skip


def an_account(name: str, skipped: Said | None = None, *problems: Said) -> dict[str, Any]:
    return {"scenario": {"name": name}, "skipped": skipped, "problems": list(problems)}


def a_bench(label: str, *accounts: dict[str, Any], is_real: bool = False) -> Played:
    return Played(label=label, is_real=is_real, has=SCALES, accounts=list(accounts))


def page_of(run: Run, tmp_path: Path) -> str:
    write_html(run, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def written_report(folder: Path, run: Run) -> Path:
    path = folder / "report.json"
    path.write_bytes(acceptance._json(run))
    return path
