"""`python -m hil_tests.bench`: what `make bench` runs.

Measures and prints; takes about half an hour on two cores. These are not tests: a shared machine
gives other numbers. Exit status 0 only if everything was measured and every bar was met.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from devices.clock import SystemClock
from devices.errors import DeviceError
from gate_agent.errors import StoreError
from hil_tests.bench import (
    devices,
    fresh_clone,
    ingest,
    kills,
    lookup,
    offline,
    passages,
    plates,
    replay,
)
from hil_tests.bench.figures import Part, table
from hil_tests.bench.machine import Machine, machine
from hil_tests.bench.manifest import ManifestLate
from hil_tests.demo.console_client import ConsoleError
from hil_tests.demo.places import PlaceError
from hil_tests.demo.port import StartError
from hil_tests.demo.processes import ProcessDied
from models.evaluate.labeled import LabelsError
from models.lpr.session import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

EX_INTERRUPTED = 130
PARTS = (
    "warm",
    "plates",
    "passages",
    "ingest",
    "offline",
    "replay",
    "lookup",
    "devices",
    "kills",
    "cold",
)
FAILURES = (
    fresh_clone.CloneError,
    ingest.IngestError,
    kills.TrialError,
    offline.OfflineError,
    replay.ReplayError,
    ManifestLate,
    ConsoleError,
    PlaceError,
    StartError,
    ProcessDied,
    DeviceError,
    LabelsError,
    WeightsError,
    StoreError,
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured, and what could not be."""

    machine: Machine
    parts: tuple[Part, ...]
    failures: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether everything was measured and every bar was met."""
        missed = any(figure.is_missed for part in self.parts for figure in part.figures)
        return not missed and not self.failures


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for, print it, write it."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    asked = options.only or [part for part in PARTS if part != "cold" or options.cold]
    here = machine()
    parts: list[Part] = []
    failures: list[str] = []
    try:
        for name in asked:
            _measure(name, options, parts, failures)
    except KeyboardInterrupt:
        _say("")
        return EX_INTERRUPTED
    _say("")
    report = Report(machine=here, parts=tuple(parts), failures=tuple(failures))
    _print(report)
    if options.json:
        encoded = msgspec.json.format(msgspec.json.encode(report), indent=2)
        Path(options.json).write_bytes(encoded + b"\n")
    return 0 if report.is_good else 1


def _measure(
    name: str, options: argparse.Namespace, parts: list[Part], failures: list[str]
) -> None:
    try:
        for part in _parts(name, options, _say):
            parts.append(part)  # what was measured before a failure is kept
    except FAILURES as exc:
        failures.append(f"{name}: {exc}")


def _parts(  # noqa: C901, PLR0911 - one case a part
    name: str, options: argparse.Namespace, say: Callable[[str], None]
) -> Iterable[Part]:
    clock = SystemClock()
    match name:
        case "warm" | "cold":
            return _one(lambda: fresh_clone.measure(clock, cold=name == "cold", say=say))
        case "plates":
            return plates.measure(
                pictures=options.pictures, every=options.every, kept=options.keep, say=say
            )
        case "passages":
            return passages.measure(
                clock, passages=options.passages, rows=options.rows, seed=options.seed, say=say
            )
        case "replay":
            return _one(
                lambda: replay.measure(clock, dossiers=options.dossiers, seed=options.seed, say=say)
            )
        case "lookup":
            return _one(
                lambda: lookup.measure(clock, rows=options.lookup_rows, seed=options.seed, say=say)
            )
        case "devices":
            return devices.measure(clock, say=say)
        case "ingest":
            return _one(lambda: ingest.measure(clock, records=options.records, say=say))
        case "offline":
            return _one(
                lambda: offline.measure(
                    clock,
                    passages=options.offline_passages,
                    pictured_permille=options.offline_pictures,
                    say=say,
                )
            )
        case _:
            return _one(lambda: kills.measure(cycles=options.cycles, seed=options.seed, say=say))


def _one(measure: Callable[[], Part]) -> Iterator[Part]:
    yield measure()


def _print(report: Report) -> None:
    here = report.machine
    print(
        f"{here.cores} cores of {here.cpu}, {here.memory_gib} GiB, {here.system}, "
        f"Python {here.python}, commit {here.commit}, load before: {here.load_1min}"
    )
    print(table(report.parts))
    for failure in report.failures:
        print(f"\nmake bench: not measured: {failure}", file=sys.stderr)


def _say(what: str) -> None:
    """Progress: a live line on a terminal, nothing elsewhere."""
    if sys.stderr.isatty():
        line = what[: shutil.get_terminal_size().columns - 4]
        print(f"\r\033[K{line and '  ' + line}", end="", file=sys.stderr, flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="The numbers that the documents quote, measured here."
    )
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="only this part; may be repeated"
    )
    parser.add_argument("--cold", action="store_true", help="also with empty package caches")
    for name, default, meaning in (
        ("--passages", 80, "trucks; of 80, about 60 are released"),
        ("--rows", 100_000, "declarations in the large manifest; 0: none"),
        ("--lookup-rows", 5_000_000, "declarations among which a lane looks one up"),
        ("--records", 20_000, "records sent to the hub"),
        ("--dossiers", 10_000, "dossiers replayed"),
        ("--offline-passages", 50_000, "passages of all lanes in 72 h without a hub"),
        ("--offline-pictures", 100, "of 1000 of these have pictures, 135 kB each"),
        ("--cycles", 100, "kills of the agent"),
        ("--seed", 7, "fixes traffic and kills"),
    ):
        parser.add_argument(
            name, type=int, default=default, metavar="N", help=f"{meaning} ({default})"
        )
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="labeled real pictures for the plate reader"
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="K", help="each K-th question of the examination"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep drawn questions there")
    parser.add_argument("--json", metavar="FILE", help="write the report there, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
