"""What a test left open: threads, child processes, descriptors. Linux only; elsewhere threads."""

import contextlib
import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Pools that a library makes once and keeps for the life of the process.
KEPT_THREADS = ("AnyIO worker thread", "asyncio_", "ThreadPoolExecutor-", "pydevd", "Dummy-")
WATCHED_DESCRIPTORS = ("socket:", "/dev/ptmx", "/dev/pts/", "/tmp/")  # noqa: S108 - a prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was open at one moment; a thread is known by its object, a descriptor by number."""

    threads: frozenset[threading.Thread]
    children: frozenset[int]
    descriptors: frozenset[tuple[int, str]]


def snapshot() -> Snapshot:
    return Snapshot(
        threads=frozenset(t for t in threading.enumerate() if not t.name.startswith(KEPT_THREADS)),
        children=frozenset(_children()),
        descriptors=frozenset(_descriptors()),
    )


def leftovers_since(before: Snapshot, *, grace_s: float) -> list[str]:
    """Name what is open now and was not before, once `grace_s` has been given to end."""
    until_s = time.monotonic() + grace_s  # a test's patience, not a lane's clock
    left = _difference(before, snapshot())
    while left and time.monotonic() < until_s:
        gc.collect()
        time.sleep(0.02)
        left = _difference(before, snapshot())
    return left


def _difference(before: Snapshot, now: Snapshot) -> list[str]:
    return [
        *(f"thread {thread.name!r}" for thread in now.threads - before.threads),
        *(f"child process {pid} ({_command(pid)})" for pid in now.children - before.children),
        *(f"descriptor {fd} -> {target}" for fd, target in now.descriptors - before.descriptors),
    ]


def _children() -> list[int]:
    """Children that still run; one that ended and was not waited for does no harm."""
    found: list[int] = []
    for tasks in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in tasks.read_text().split()]
    return [pid for pid in found if _state(pid) not in ("", "Z", "X")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:80].strip()
    except OSError:
        return "gone"


def _descriptors() -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            target = os.readlink(link)  # noqa: PTH115 - the target is a name, not always a path
            if target.startswith(WATCHED_DESCRIPTORS):
                found.append((int(link.name), target))
    return found
