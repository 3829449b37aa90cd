"""`python -m hil_tests.acceptance --bench FILE --out FOLDER`: tapes, numbers, scenarios, report.

Exit status: 0 accepted, or all passed of the part that was run; 1 not; 3 the bench is broken.
"""

from __future__ import annotations

import argparse
import itertools
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
from hil_tests.acceptance.device_lines import device_lines, lines_of_all
from hil_tests.acceptance.figures import Number
from hil_tests.acceptance.proof import Proof, ProofError, read_proof
from hil_tests.acceptance.report import Run, StepLine, TapeLine, Verdict, write_html
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.bench_file import BenchFileError, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.lane_site import BenchSite, devices_in
from hil_tests.lane_bench.pool import BrokenBench
from hil_tests.lane_bench.scenario import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.clock import Clock
    from hil_tests.lane_bench.bench_file import BenchFile

TAPE_S = 5.0
PULLS = 3
BROKEN = 3
NOTHING_CHOSEN = 5  # pytest's: nothing of what was chosen belongs on this bench
ROOT = Path(__file__).resolve().parents[2]
BENCHES = tuple(str(ROOT / "hil_tests" / "benches" / name) for name in ("sim.toml", "drivers.toml"))


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    options = _options(arguments)
    clock, out = SystemClock(), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    began = _now()
    paths = [Path(bench) for bench in options.bench or BENCHES]
    try:
        proof = _proof(options)
        benches = [load_bench(path) for path in paths]
        with tempfile.TemporaryDirectory(prefix="kakou-acceptance-") as scratch:
            configs = [
                _devices(Path(scratch), bench, path, clock)
                for bench, path in zip(benches, paths, strict=True)
            ]
            tapes = _tapes(configs[0][0], benches[0], out, clock)
            measured = [] if options.no_numbers else _numbers(Path(scratch), clock)
            played = [_scenarios(options, path, out) for path in paths]
    except (BrokenBench, BenchFileError, DeviceError, ProofError) as exc:
        print(f"make hil: broken bench: {exc}", file=sys.stderr)
        return BROKEN
    run = _run(benches, configs, began, tapes, measured, merged([one for one, _ in played]))
    run.chosen, run.is_broken = _chosen(options), any(is_broken for _, is_broken in played)
    run.proof = proof
    return _report(run, out)


def _proof(options: argparse.Namespace) -> Proof | None:
    if options.proof is None:
        return None
    return read_proof(Path(options.proof), metadata.version("kakou"), machine().commit)


def merged(played: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The accounts of several benches in the catalogue's order: where it was played, that one."""
    found: dict[str, dict[str, Any]] = {}
    for account in (account for accounts in played for account in accounts):
        name = account["scenario"]["name"]
        if name not in found or found[name]["skipped"] is not None:
            found[name] = account
    return [found[scenario.name] for scenario in SCENARIOS if scenario.name in found]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make hil", description="Prove a lane, and report.")
    parser.add_argument(
        "--bench", action="append", metavar="FILE", help="may be given again: one report of all"
    )
    parser.add_argument(
        "--proof", metavar="FILE", help="report.json of a run on simulators, for what is not played"
    )
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
    found = [*numbers.weights_to_event(scratch, clock), numbers.edge_to_event(clock)]
    _say("times: every driver's cable, idle lanes")
    return found + drivers.lanes_of_every_driver(scratch / "drivers", PULLS, clock)


def _scenarios(
    options: argparse.Namespace, bench: Path, out: Path
) -> tuple[list[dict[str, Any]], bool]:
    """What came of each scenario, and whether the bench broke meanwhile."""
    _say(f"scenarios on {bench.name}")
    accounts = out / f"accounts-{bench.stem}.json"
    accounts.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "hil_tests" / "scenarios")]
    command += ["--bench", str(bench), "--accounts", str(accounts), "-p", "no:cacheprovider"]
    command += ["-m", options.marked] if options.marked else []
    command += ["-k", options.only] if options.only else []
    status = subprocess.run(command, check=False, cwd=ROOT).returncode
    if status == NOTHING_CHOSEN:
        return [], False
    if not accounts.exists():
        raise BrokenBench(f"no scenario was played (pytest ended with {status})")
    played: list[dict[str, Any]] = msgspec.json.decode(accounts.read_bytes())
    return played, status not in (0, 1)


def _run(
    benches: Sequence[BenchFile],
    configs: Sequence[Sequence[DevicesConfig]],
    began: str,
    tapes: list[TapeLine],
    measured: list[Number],
    played: list[dict[str, Any]],
) -> Run:
    has = {name for config in itertools.chain(*configs) for name in devices_in(config)}
    ours = {one.name for one in SCENARIOS if not one.of or one.of in has}
    played = [one for one in played if one["scenario"]["name"] in ours]
    version, here = metadata.version("kakou"), machine()
    lines = [
        device_lines(bench, lanes, version) for bench, lanes in zip(benches, configs, strict=True)
    ]
    return Run(
        bench=" + ".join(bench.name for bench in benches),
        began=began,
        ended=_now(),
        version=version,
        commit=here.commit,
        machine=f"{here.cores} × {here.cpu}, {here.system}, Python {here.python}, load"
        f" {here.load_1min}",
        chosen="",
        catalogue=len(ours),
        absent=list(dict.fromkeys(one.of for one in SCENARIOS if one.of and one.of not in has)),
        devices=lines_of_all(lines),
        tapes=tapes,
        numbers=measured,
        steps=[_step(one) for one in played],
        unproved_releases=sum(one["unproved_releases"] for one in played),
        forbidding=sum(_forbids(one) for one in played),
    )


def _step(account: dict[str, Any]) -> StepLine:
    told = {
        "name": account["scenario"]["name"],
        "course": account["steps"],
        **{key: account[key] for key in ("lane", "took_s", "problems", "skipped", "recovery_ms")},
    }
    return msgspec.convert(told, StepLine)


def _forbids(account: dict[str, Any]) -> bool:
    """Whether a release was forbidden while the fault of this scenario lasted."""
    scenario = account["scenario"]
    fault = FAULTS.get(scenario["fault"] or "")
    is_early = scenario["phase"] in UNDECIDED
    is_judged = fault is not None and fault.allows is Allows.NOTHING and is_early
    return is_judged and account["skipped"] is None


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
            print(f"FAILED {step.name} ({step.lane}): {'; '.join(one.en for one in step.problems)}")
    print(
        f"{_headline(run)}: {run.passed} passed, {run.failed} failed,"
        f" {run.skipped} not played here; {run.unproved_releases} releases on untrusted evidence in"
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
