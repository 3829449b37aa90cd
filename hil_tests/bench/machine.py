"""What the numbers were measured on, and what a process costs, from /proc."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that a number means nothing without."""

    cores: int
    cpu: str
    memory_gib: float
    system: str
    python: str
    commit: str
    load_1min: float  # before anything of ours ran: other programs were at work


def machine() -> Machine:
    """This machine, now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
        memory_gib=round(float((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) / 2**20, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        commit=_commit(),
        load_1min=round(os.getloadavg()[0], 2),
    )


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of processor that the processes have used so far, all threads."""
    return sum(_ticks(pid) for pid in pids) / _TICKS_PER_S


def resident_mib(pid: int) -> float:
    """Memory of a process, shared libraries included."""
    words = (_field(f"/proc/{pid}/status", "VmRSS") or "0").split()
    return round(int(words[0]) / 1024, 1)


def peak_mb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def child_of(pid: int) -> int | None:
    """The first child of a process; the hub's is its broker."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        words = children.read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(words[0]) if words else None


def _ticks(pid: int) -> int:
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])  # utime and stime


def _field(path: str, name: str) -> str | None:
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # a computer at a lane has no git
        return "unknown"
    return done.stdout.strip() or "unknown"
