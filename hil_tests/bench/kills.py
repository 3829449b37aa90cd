"""The agent killed (kill -9) at random moments: what the trial counted, as figures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hil_tests.bench.figures import Figure, Part
from hil_tests.bench.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

TRIAL = "hil_tests.chaos.kill_agent"
_NONE_OF = (
    "lost_records",
    "lost_passages",
    "doubled_passages",
    "not_closed_once",
    "unrecorded_raises",
    "wrong_openings",
)


class TrialError(Exception):
    """The trial itself failed; the message holds what it said last."""


def measure(*, cycles: int, seed: int, say: Callable[[str], None]) -> Part:
    """Run the trial. Raises `TrialError` where it gives no report."""
    say(f"{cycles} times kill -9")
    with tempfile.TemporaryDirectory(prefix="kakou-bench-") as folder:
        report = Path(folder) / "kills.json"
        words = ["--cycles", str(cycles), "--seed", str(seed), "--json", str(report)]
        done = subprocess.run(
            [sys.executable, "-m", TRIAL, *words],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not report.exists():
            raise TrialError(f"{TRIAL}: {(done.stderr or done.stdout).strip()[-1500:]}")
        counted: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return Part(
        title="kill -9 of the agent at random moments",
        command=f"python -m {TRIAL} --cycles {cycles} --seed {seed}",
        figures=tuple(_figures(counted)),
    )


def _figures(counted: dict[str, Any]) -> list[Figure]:
    cycles = int(counted["cycles"])
    plain = [
        Figure(name=name, value=counted[name], unit="", n=cycles)
        for name in ("cycles", "trucks", "passages", "records", "raises")
    ]
    plain.append(
        Figure(name="slowest return", value=counted["slowest_return_s"], unit="s", n=cycles)
    )
    wrong = [
        Figure(name=name.replace("_", " "), value=counted[name], unit="", n=cycles, at_most=0)
        for name in _NONE_OF
    ]
    seen = [*counted["violations"], *counted["problems"]]
    remark = "; ".join(seen)
    bystander = Figure(
        name="violations and problems", value=len(seen), unit="", n=cycles, at_most=0, remark=remark
    )
    return [*plain, *wrong, bystander]
