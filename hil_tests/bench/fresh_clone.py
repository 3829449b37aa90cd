"""`make run` in a fresh clone, in an empty environment, to the first truck whose boom is up."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hil_tests.bench.figures import Figure, Part
from hil_tests.bench.machine import ROOT
from hil_tests.demo.places import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.clock import Clock

WARM_BAR_S = 20.0
COLD_BAR_S = 120.0
RUN_S = 10  # of the demonstration; its first trucks may finish
_STAGES = {
    "setup done": "set-up",
    "console: http": "lanes ready",
    "first truck released": "first boom up",
}


class CloneError(Exception):
    """`make run` failed there; the message holds what it said last."""


def measure(clock: Clock, *, cold: bool, say: Callable[[str], None]) -> Part:
    """Clone, run, look at when each stage is reported. Raises `CloneError`."""
    state = "cold" if cold else "warm"
    with _clone() as clone:
        say(f"make run in a fresh clone, {state} package cache")
        reached_s = _run(clone, clock, cold=cold)
    bar_s = COLD_BAR_S if cold else WARM_BAR_S
    last = list(_STAGES.values())[-1]
    return Part(
        title=f"make run from a fresh clone, {state} package cache",
        command=f"python -m hil_tests.bench --only {state}",
        figures=tuple(
            Figure(
                name=f"{stage} after",
                value=round(reached_s[stage], 1),
                unit="s",
                n=1,
                at_most=bar_s if stage == last else None,
            )
            for stage in _STAGES.values()
        ),
    )


@contextmanager
def _clone() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kakou-bench-") as folder:
        clone = Path(folder) / "kakou"
        command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CloneError(f"git clone {ROOT}: {done.stderr.strip()}")
        yield clone


def _run(clone: Path, clock: Clock, *, cold: bool) -> dict[str, float]:
    """Seconds from the command to each stage."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    if cold:
        cache = clone.parent
        environ |= {"UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}
        environ |= {"XDG_CACHE_HOME": str(cache)}
    command = [shutil.which("make") or "make", "run", f"FOR={RUN_S}", f"PORT={free_port()}"]
    began_s = clock.now().mono_s
    reached_s: dict[str, float] = {}
    said: list[str] = []
    with subprocess.Popen(
        command,
        cwd=clone,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as running:
        for line in running.stdout or ():
            said.append(line.rstrip())
            for mark, stage in _STAGES.items():
                if line.startswith(mark):
                    reached_s.setdefault(stage, clock.now().mono_s - began_s)
    if running.returncode != 0 or len(reached_s) < len(_STAGES):
        raise CloneError("\n".join([f"make run ended with {running.returncode}:", *said[-15:]]))
    return reached_s
