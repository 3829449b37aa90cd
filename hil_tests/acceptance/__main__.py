"""`python -m hil_tests.acceptance --bench FILE --out FOLDER`: tapes, numbers, scenarios, report.

Exit status: 0 accepted, or all passed of the part that was run; 1 not, or broken off; 3 the bench
is broken and nothing was played; 130 ended before anything was.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from central.printing import write_pdf
from devices.clock import SystemClock
from devices.errors import DeviceError
from devices.sim.faults.table import FAULTS, Allows
from devices.stop_signals import ended_in_order
from hil_tests.acceptance import drivers, numbers
from hil_tests.acceptance.device_lines import device_lines, lines_of_all
from hil_tests.acceptance.figures import Number
from hil_tests.acceptance.merging import absent, together
from hil_tests.acceptance.one_bench import benches_of, tapes_of
from hil_tests.acceptance.playing import play_all
from hil_tests.acceptance.proof import Proof, ProofError, read_proof
from hil_tests.acceptance.report import Run, StepLine, TapeLine, Verdict, write_html
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.bench_file import BenchFileError
from hil_tests.lane_bench.pool import BrokenBench
from hil_tests.lane_bench.scenario import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.clock import Clock
    from hil_tests.acceptance.merging import Played
    from hil_tests.acceptance.one_bench import OneBench

TAPE_S = 5.0
PULLS = 3
BROKEN, ENDED = 3, 130
OURS = ("report.*", "*.tape", "accounts-*")  # what a run leaves in its folder
ROOT = Path(__file__).resolve().parents[2]
BENCHES = tuple(str(ROOT / "hil_tests" / "benches" / name) for name in ("sim.toml", "drivers.toml"))


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    options = _options(arguments)
    try:
        with ended_in_order():
            return _prove(options)
    except (BrokenBench, BenchFileError, DeviceError, ProofError) as exc:
        print(f"make hil: broken bench: {exc}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print("make hil: ended before anything was played", file=sys.stderr)
        return ENDED


def _prove(options: argparse.Namespace) -> int:
    earlier = _earlier(options)
    clock, out, began = SystemClock(), _folder(options), _now()
    proof = _proof(options)
    with tempfile.TemporaryDirectory(prefix="kakou-acceptance-") as folder:
        scratch = Path(folder)
        paths = [Path(bench) for bench in options.bench or BENCHES]
        benches = benches_of(paths, scratch, clock)
        _say("tapes")
        tapes = [line for bench in benches for line in tapes_of(bench, out, TAPE_S, clock)]
        measured = [] if options.no_numbers else _numbers(scratch, clock)
        played = play_all(benches, _choosing(options), out, earlier)
    run = _run(benches, began, tapes, measured, played)
    run.chosen, run.proof = _chosen(options), proof
    run.continued = "" if earlier is None else str(earlier)
    return _report(run, out)


def _folder(options: argparse.Namespace) -> Path:
    """A folder for this run alone: what a signed report names by its hash stays as it is."""
    stamp = datetime.now().astimezone().strftime("%Y-%m-%dT%H%M%S")
    out = Path(options.out or ROOT / "run" / "acceptance" / stamp)
    out.mkdir(parents=True, exist_ok=True)
    if taken := sorted(path.name for kind in OURS for path in out.glob(kind)):
        raise BrokenBench(f"{out} holds another run ({taken[0]}): name a new folder")
    return out


def _earlier(options: argparse.Namespace) -> Path | None:
    """The folder of the run that this one continues. Raises `BrokenBench`."""
    if options.earlier is None:
        return None
    earlier = Path(options.earlier)
    if not any(earlier.glob("accounts-*.jsonl")):
        raise BrokenBench(f"--continue {earlier}: no accounts of a run are there")
    return earlier


def _proof(options: argparse.Namespace) -> Proof | None:
    if options.proof is None:
        return None
    return read_proof(Path(options.proof), metadata.version("kakou"), machine().commit)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make hil", description="Prove a lane, and report.")
    parser.add_argument(
        "--bench", action="append", metavar="FILE", help="may be given again: one report of all"
    )
    parser.add_argument(
        "--proof", metavar="FILE", help="report.json of a run on simulators, for what is not played"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="report and tapes; without it a new one in run/acceptance"
    )
    parser.add_argument(
        "--continue", dest="earlier", metavar="FOLDER", help="go on where the run there ended"
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


def _choosing(options: argparse.Namespace) -> list[str]:
    marked = ["-m", options.marked] if options.marked else []
    return marked + (["-k", options.only] if options.only else [])


def _numbers(scratch: Path, clock: Clock) -> list[Number]:
    _say("times at simulated devices on this computer: last byte, loop edge")
    found = [*numbers.weights_to_event(scratch, clock), numbers.edge_to_event(clock)]
    _say("times: every driver's cable, idle lanes")
    return found + drivers.lanes_of_every_driver(scratch / "drivers", PULLS, clock)


def _run(
    benches: Sequence[OneBench],
    began: str,
    tapes: list[TapeLine],
    measured: list[Number],
    played: Sequence[Played],
) -> Run:
    both, everything = together(played), [account for one in played for account in one.accounts]
    version, here = metadata.version("kakou"), machine()
    lines = [device_lines(one.file, one.configs, version, one.label) for one in benches]
    return Run(
        bench=" + ".join(one.file.name for one in benches),
        began=began,
        ended=_now(),
        version=version,
        commit=here.commit,
        machine=f"{here.cores} × {here.cpu}, {here.system}, Python {here.python}, load"
        f" {here.load_1min}",
        chosen="",
        catalogue=both.catalogue,
        absent=absent(played),
        devices=lines_of_all(lines),
        tapes=tapes,
        numbers=measured,
        steps=[_step(label, one) for label, one in both.steps],
        proved_here=both.proved,
        unproved_releases=sum(one["unproved_releases"] for one in everything),
        forbidding=sum(_forbids(one) for _, one in both.steps),
        not_undone=[fault for one in played for fault in one.not_undone],
        is_broken=any(one.is_broken for one in played),
    )


def _step(label: str, account: dict[str, Any]) -> StepLine:
    told = {
        "name": account["scenario"]["name"],
        "bench": label,
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
    why_not = write_pdf(html, pdf)
    with contextlib.suppress(OSError):  # the terminal may have gone: the report is written
        _tell(run)
        print(f"report: {html}" + (f", no PDF: {why_not}" if why_not else f", {pdf}"))
    return 1 if run.verdict is Verdict.NOT_ACCEPTED else 0


def _tell(run: Run) -> None:
    for one in run.numbers:
        mark = "ok    " if one.is_good else "FAILED"
        print(
            f"{mark} {one.en}: n={one.n} p50={one.p50} p99={one.p99} worst={one.worst} {one.unit}"
        )
    for step in run.steps:
        if step.problems:
            problems = "; ".join(one.en for one in step.problems)
            print(f"FAILED {step.name} ({step.where}): {problems}")
    for fault in run.not_undone:
        print(f"TO BE UNDONE {fault.zh} | {fault.en}")
    print(
        f"{_headline(run)}: {run.passed} passed, {run.failed} failed,"
        f" {run.skipped} not played here; {run.unproved_releases} releases on untrusted evidence in"
        f" {run.forbidding} scenarios that forbid one"
    )


def _json(run: Run) -> bytes:
    return msgspec.json.encode({"verdict": run.verdict, **msgspec.structs.asdict(run)})


def _headline(run: Run) -> str:
    """The verdict, and what kept it from being more."""
    if run.is_broken:
        return f"{run.verdict}: broken off, {run.ran}"
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
