"""Plays the scenarios of each bench in a pytest of its own, and keeps what came of them.

Told to end (Ctrl-C, SIGTERM, a lost connection) it tells that process once and waits for it: the
relays of a box drop, the agents end, and what was played until then is in the report.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from devices.stop_signals import StopSignals
from hil_tests.acceptance.merging import Played
from hil_tests.lane_bench.pool import BrokenBench
from hil_tests.lane_bench.sittings import lines_of
from hil_tests.lane_bench.wording import Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil_tests.acceptance.one_bench import OneBench

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.2
PASSED, FAILED, NOTHING_CHOSEN = 0, 1, 5  # pytest's; the last: nothing chosen is of this bench


@dataclass(slots=True, kw_only=True)
class Kept:
    """What a file of accounts holds."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    not_undone: list[Said] = field(default_factory=list)


def play_all(
    benches: Sequence[OneBench], chosen: Sequence[str], out: Path, earlier: Path | None = None
) -> list[Played]:
    """Play them one after the other; `chosen` are pytest's options that choose scenarios.

    `earlier` is the folder of a run that this one continues: what was played there stands.

    From here on the signals that end a program only end the playing. Raises `BrokenBench` where
    nothing at all was played.
    """
    stop, played = StopSignals(), []
    for bench in benches:
        print(f"== scenarios on {bench.path.name}", flush=True)
        file = out / f"accounts-{bench.name}.jsonl"
        options = [*chosen, *_continued(file.name, earlier)]
        status = None if stop.wait(0) else _played(bench, options, file, stop)
        kept = read_accounts(file)
        played.append(
            Played(
                label=bench.label,
                is_real=bench.is_real,
                has=bench.has,
                accounts=kept.accounts,
                not_undone=kept.not_undone,
                is_broken=stop.wait(0) or status not in (PASSED, FAILED, NOTHING_CHOSEN),
            )
        )
    is_broken = any(one.is_broken for one in played)
    if is_broken and not stop.wait(0) and not any(one.accounts for one in played):
        raise BrokenBench("no scenario was played")
    return played


def _continued(name: str, earlier: Path | None) -> list[str]:
    """The option that takes over what was played; a bench that was not come to has none."""
    if earlier is None or not (earlier / name).exists():
        return []
    return ["--continue", str((earlier / name).absolute())]


def read_accounts(path: Path) -> Kept:
    """What was played, and what a person has not undone."""
    kept = Kept()
    for found in lines_of(path) if path.exists() else ():
        if "not_undone" in found:
            kept.not_undone.append(msgspec.convert(found["not_undone"], Said))
        elif "scenario" in found:
            kept.accounts.append(found)
    return kept


def _played(bench: OneBench, chosen: Sequence[str], file: Path, stop: StopSignals) -> int:
    """Play it to its end; pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "hil_tests" / "scenarios")]
    command += ["--bench", str(bench.path.absolute())]
    command += ["--accounts", str(file.absolute()), "-p", "no:cacheprovider"]
    with subprocess.Popen([*command, *chosen], cwd=ROOT) as process:
        while (status := process.poll()) is None:
            if stop.wait(LOOK_S):
                process.terminate()
                return process.wait()
        return status
