"""`python -m hil_tests.virtual_port`: what `make sim` runs.

    make sim                                   2,000 passages, 40 lanes, seed 1
    make sim PASSAGES=100000 SEED=7            a night: three quarters of an hour on a core
    make sim PASSAGES=1000000                  eight hours
    make sim IMPOSTORS=100000                  nobody but impostors: false releases by kind
    make sim SCRIPT=file                       play one script again, as printed by a failing run

Exit status 0 only if every invariant held at every step. A failing run prints a script that is
as short as it could be made, and the last steps of the lane.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hil_tests.virtual_port.campaign import ByKind, Failure, Tally, campaign, play_in_memory
from hil_tests.virtual_port.script import from_text, to_text

if TYPE_CHECKING:
    from hil_tests.virtual_port.port import Outcome


EX_INTERRUPTED = 130


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign came to."""

    passages: int
    lanes: int
    seed: int
    shifts: int
    virtual_hours: float
    cpu_s: float
    wall_s: float
    passages_per_cpu_s: float
    violations: int
    violation: str
    counts: dict[str, int]
    false_releases: dict[str, int]
    impostors: tuple[ByKind, ...]
    traces: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 only if nothing was wrong."""
    options = _options(arguments)
    if options.script:
        return _replay(Path(options.script))
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has us ignore the first
        signal.signal(number, signal.default_int_handler)
    passages = options.impostors or options.passages
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    tally, failure = campaign(
        passages=passages,
        lanes=options.lanes,
        seed=options.seed,
        impostors=bool(options.impostors),
        say=lambda tally, outcome: _say(
            tally, outcome, passages, time.process_time() - began_cpu_s
        ),
    )
    cpu_s, wall_s = time.process_time() - began_cpu_s, time.perf_counter() - began_s
    report = _report(tally, failure, options, cpu_s, wall_s)
    encoded = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
    print(encoded)
    if options.json:
        Path(options.json).write_text(encoded + "\n", encoding="utf-8")
    if options.impostors:
        _print_table(report)
    if failure is not None:
        _print_failure(failure)
    if tally.is_stopped:
        return EX_INTERRUPTED
    return 0 if failure is None else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sim", description="A whole port on virtual time.")
    parser.add_argument("--passages", type=int, default=2_000, help="vehicles (PASSAGES=)")
    parser.add_argument("--lanes", type=int, default=40, help="lanes in the one process (LANES=)")
    parser.add_argument("--seed", type=int, default=1, help="fixes everything (SEED=)")
    parser.add_argument("--impostors", type=int, help="only impostors, that many (IMPOSTORS=)")
    parser.add_argument("--script", metavar="FILE", help="play this script again (SCRIPT=)")
    parser.add_argument("--json", metavar="FILE", help="write the report there (JSON=)")
    return parser.parse_args(arguments)


def _say(tally: Tally, outcome: Outcome, of: int, cpu_s: float) -> None:
    verdict = f"violation: {outcome.violation}" if outcome.violation else "no violation"
    print(
        f"{tally.passages} of {of} passages, {tally.passages / cpu_s:.1f} a second,"
        f" {tally.counts['troubles']} troubles, {tally.counts['kills']} kills, {verdict},"
        f" false releases {dict(tally.false_releases)}",
        file=sys.stderr,
        flush=True,
    )


def _report(
    tally: Tally,
    failure: Failure | None,
    options: argparse.Namespace,
    cpu_s: float,
    wall_s: float,
) -> Report:
    return Report(
        passages=tally.passages,
        lanes=options.lanes,
        seed=options.seed,
        shifts=tally.shifts,
        virtual_hours=round(tally.virtual_s / 3600, 1),
        cpu_s=round(cpu_s, 1),
        wall_s=round(wall_s, 1),
        passages_per_cpu_s=round(tally.passages / cpu_s, 1),
        violations=int(failure is not None),
        violation=str(failure.outcome.violation) if failure else "",
        counts=dict(sorted(tally.counts.items())),
        false_releases=dict(sorted(tally.false_releases.items())),
        impostors=tuple(tally.impostors_by_kind()),
        traces=tuple(tally.traces),
    )


def _print_table(report: Report) -> None:
    print(f"\n{'impostor':16} {'came':>8} {'released':>8}  why none could be known")
    for each in report.impostors:
        why = "; ".join(f"{count} {name}" for name, count in each.why.items())
        print(f"{each.kind:16} {each.came:8} {each.released:8}  {why}")


def _print_failure(failure: Failure) -> None:
    print(f"\nviolation: {failure.outcome.violation}")
    print(f"the shortest script found, after {failure.tries} tries:\n")
    print(to_text(failure.script))
    _print_steps(failure.outcome)


def _print_steps(outcome: Outcome) -> None:
    print("the last steps of the lane:")
    for line in outcome.last_steps:
        print(f"  {line}")


def _replay(path: Path) -> int:
    script = from_text(path.read_text(encoding="utf-8"))
    outcome = play_in_memory(script)
    print(f"{len(script.choices)} choices, {outcome.virtual_s:.0f} virtual s")
    print(f"trace {outcome.trace}")
    if outcome.violation is None:
        print("no violation")
        return 0
    print(f"violation: {outcome.violation}")
    _print_steps(outcome)
    return 1


if __name__ == "__main__":
    sys.exit(main())
