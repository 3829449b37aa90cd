"""`python -m hil_tests.acceptance --bench FILE --out FOLDER`: tapes, numbers, scenarios, report.

Exit status: 0 accepted, or all passed of the part that was run; 1 not; 3 the bench is broken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from central.printing import write_pdf
from devices.bench.recording import record
from devices.bench.tap import TAPED
from devices.clock import SystemClock
from devices.config import DevicesConfig, load_devices
from devices.errors import DeviceError
from devices.sim.bench import Bench
from devices.sim.faults.table import FAULTS, Allows
from hil_tests.acceptance import drivers, numbers
from hil_tests.acceptance.device_lines import device_lines
from hil_tests.acceptance.figures import Number
from hil_tests.acceptance.report import Run, StepLine, TapeLine, Verdict, write_html
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.bench_file import BenchFileError, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.lane_site import BenchSite
from hil_tests.lane_bench.pool import BrokenBench

if TYPE_CHECKING:
    from devices.clock import Clock
    from hil_tests.lane_bench.bench_file import BenchFile

TAPE_S = 5.0
PULLS = 3
BROKEN = 3
ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    options = _options(arguments)
    clock, out = SystemClock(), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    began = _now()
    path = Path(options.bench)
    try:
        bench = load_bench(path)
        with tempfile.TemporaryDirectory(prefix="kakou-acceptance-") as scratch:
            configs = _devices(Path(scratch), bench, path, clock)
            tapes = _tapes(configs[0], bench, out, clock)
            measured = [] if options.no_numbers else _numbers(Path(scratch), clock)
            steps, is_broken = _scenarios(options, out)
    except (BrokenBench, BenchFileError, DeviceError) as exc:
        print(f"make hil: broken bench: {exc}", file=sys.stderr)
        return BROKEN
    run = _run(bench, configs, began, tapes, measured, steps)
    run.chosen, run.is_broken = _chosen(options), is_broken
    return _report(run, out)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make hil", description="Prove a lane, and report.")
    parser.add_argument("--bench", default=str(ROOT / "hil_tests/benches/sim.toml"), metavar="FILE")
    parser.add_argument(
        "--out", default="run/acceptance", metavar="FOLDER", help="report and tapes"
    )
    parser.add_argument("-m", "--marked", default="", help="only scenarios so marked: share")
    parser.add_argument("-k", "--only", default="", help="only scenarios whose name has this")
    parser.add_argument("--no-numbers", action="store_true", help="measure no times")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> str:
    """The options that leave something out, as they were given."""
    given = [
        f"-m {options.marked}" if options.marked else "",
        f"-k {options.only}" if options.only else "",
        "--no-numbers" if options.no_numbers else "",
    ]
    return " ".join(filter(None, given))


def _devices(scratch: Path, bench: BenchFile, path: Path, clock: Clock) -> list[DevicesConfig]:
    """The devices of each lane, as the scenarios will have them."""
    site = BenchSite(scratch / "site", bench, path, clock)
    return [load_devices(lane.config) for lane in site.lanes.values()]


def _tapes(config: DevicesConfig, bench: BenchFile, out: Path, clock: Clock) -> list[TapeLine]:
    _say("tapes")
    lines = []
    with Bench(config, clock, simulated=bench.simulated) as devices:
        for device in TAPED:
            file = f"{device}.tape"
            try:
                if device == "card_reader" and "card_reader" in bench.simulated:
                    devices.card_reader.present("04A1B2C3")
                digest = record(config, device, out / file, TAPE_S, clock)
                lines.append(TapeLine(device=device, file=file, sha256=digest))
            except DeviceError as exc:
                lines.append(TapeLine(device=device, why=str(exc)))
    return lines


def _numbers(scratch: Path, clock: Clock) -> list[Number]:
    _say("times at simulated devices on this computer: last byte, loop edge")
    found = [numbers.weight_to_event(scratch, clock), numbers.edge_to_event(clock)]
    _say("times: every driver's cable, idle lanes")
    return found + drivers.lanes_of_every_driver(scratch / "drivers", PULLS, clock)


def _scenarios(options: argparse.Namespace, out: Path) -> tuple[list[dict[str, Any]], bool]:
    """What came of each scenario, and whether the bench broke meanwhile."""
    _say("scenarios")
    accounts = out / "accounts.json"
    accounts.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "hil_tests" / "scenarios")]
    command += ["--bench", options.bench, "--accounts", str(accounts), "-p", "no:cacheprovider"]
    command += ["-m", options.marked] if options.marked else []
    command += ["-k", options.only] if options.only else []
    status = subprocess.run(command, check=False, cwd=ROOT).returncode
    if not accounts.exists():
        raise BrokenBench(f"no scenario was played (pytest ended with {status})")
    played: list[dict[str, Any]] = msgspec.json.decode(accounts.read_bytes())
    return played, status not in (0, 1)


def _run(
    bench: BenchFile,
    configs: list[DevicesConfig],
    began: str,
    tapes: list[TapeLine],
    measured: list[Number],
    played: list[dict[str, Any]],
) -> Run:
    steps = [
        StepLine(
            name=one["scenario"]["name"],
            lane=one["lane"],
            took_s=one["took_s"],
            course=[tuple(step) for step in one["steps"]],
            problems=one["problems"],
            skipped=one["skipped"],
            recovery_ms=one["recovery_ms"],
        )
        for one in played
    ]
    here = machine()
    return Run(
        bench=bench.name,
        began=began,
        ended=_now(),
        version=metadata.version("kakou"),
        commit=here.commit,
        machine=f"{here.cores} × {here.cpu}, {here.system}, Python {here.python}, load"
        f" {here.load_1min}",
        chosen="",
        catalogue=len(SCENARIOS),
        devices=device_lines(bench, configs, metadata.version("kakou")),
        tapes=tapes,
        numbers=measured,
        steps=steps,
        unproved_releases=sum(one["unproved_releases"] for one in played),
        forbidding=sum(_forbids(one) for one in played),
    )


def _forbids(account: dict[str, Any]) -> bool:
    """Whether a release was forbidden while the fault of this scenario lasted."""
    scenario = account["scenario"]
    fault = FAULTS.get(scenario["fault"] or "")
    is_early = scenario["phase"] in ("before", "capturing")
    is_judged = fault is not None and fault.allows is Allows.NOTHING and is_early
    return is_judged and not account["skipped"]


def _report(run: Run, out: Path) -> int:
    html, pdf = out / "report.html", out / "report.pdf"
    (out / "report.json").write_bytes(msgspec.json.format(_json(run), indent=1))
    write_html(run, html)
    pdf.unlink(missing_ok=True)
    why_not = write_pdf(html, pdf)
    for one in run.numbers:
        mark = "ok    " if one.is_good else "FAILED"
        print(
            f"{mark} {one.en}: n={one.n} p50={one.p50} p99={one.p99} worst={one.worst} {one.unit}"
        )
    for step in run.steps:
        if step.problems:
            print(f"FAILED {step.name} ({step.lane}): {'; '.join(step.problems)}")
    print(
        f"{_headline(run)}: {run.passed} passed, {run.failed} failed,"
        f" {run.skipped} skipped; {run.unproved_releases} releases on untrusted evidence in"
        f" {run.forbidding} scenarios that forbid one"
    )
    print(f"report: {html}" + (f", no PDF: {why_not}" if why_not else f", {pdf}"))
    return 1 if run.verdict is Verdict.NOT_ACCEPTED else 0


def _json(run: Run) -> bytes:
    return msgspec.json.encode({"verdict": run.verdict, **msgspec.structs.asdict(run)})


def _headline(run: Run) -> str:
    """The verdict, and what kept it from being more."""
    if run.verdict is not Verdict.PARTIAL:
        return run.verdict
    why = [en for _, en in run.lacking if en != run.ran]
    return f"{run.verdict}: {'; '.join([run.ran, *why])}"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _say(what: str) -> None:
    print(f"== {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
