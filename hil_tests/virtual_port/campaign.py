"""Many shifts of a port, one after the other: each from a number of its own, each in a new folder.

A shift is a script of some thousand passages, healed and compared at its end. So a million
passages need no more memory or disk than two thousand, and a failing shift is named by its seed.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hil_tests.virtual_port.port import Outcome, play
from hil_tests.virtual_port.script import IMPOSTORS, Script, write_script
from hil_tests.virtual_port.shrink import shrink, until

if TYPE_CHECKING:
    from collections.abc import Callable

SHIFT = 2_000
LEAST = 100  # passages in a shift: the last one is not a handful
SHRINK_S = 180.0
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory: the commits are real, the disk is not


class ByKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of impostor. `why` no lane could know of those released, with how many of each."""

    kind: str
    came: int
    released: int
    why: dict[str, int]


@dataclass(slots=True)
class Tally:
    """What many shifts came to."""

    passages: int = 0
    shifts: int = 0
    virtual_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    false_releases: Counter[str] = field(default_factory=Counter)
    traces: list[str] = field(default_factory=list)
    is_stopped: bool = False  # by a person, before its end

    @property
    def impostors(self) -> int:
        """How many of them should never have been released by a lane."""
        return sum(self.counts[f"came {kind.value}"] for kind in IMPOSTORS)

    def impostors_by_kind(self) -> list[ByKind]:
        """How many of each came, and how many a lane released by itself."""
        return [
            ByKind(
                kind=kind.value,
                came=self.counts[f"came {kind.value}"],
                released=self.counts[f"released {kind.value}"],
                why={
                    name.removeprefix(f"{kind.value}, "): count
                    for name, count in sorted((self.false_releases + self.counts).items())
                    if name.startswith(f"{kind.value}, ")
                },
            )
            for kind in IMPOSTORS
        ]

    def add(self, script: Script, outcome: Outcome) -> None:
        """One more shift."""
        self.shifts += 1
        self.passages += outcome.counts.get("vehicles", 0)
        self.virtual_s += outcome.virtual_s
        self.counts.update(outcome.counts)
        self.false_releases.update(outcome.false_releases)
        self.traces.append(f"{script.seed}:{outcome.trace}")


@dataclass(frozen=True, slots=True)
class Failure:
    """A script with which something is wrong, as short as it could be made."""

    script: Script
    outcome: Outcome
    tries: int


def play_in_memory(script: Script) -> Outcome:
    """Play a script in a folder that is gone afterwards."""
    root = str(MEMORY) if MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="kakou-sim-", dir=root))
    try:
        return play(script, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        gc.collect()


def campaign(
    *,
    passages: int,
    lanes: int,
    seed: int,
    impostors: bool,
    say: Callable[[Tally, Outcome], None],
) -> tuple[Tally, Failure | None]:
    """Play shifts until there were `passages`, or until something is wrong.

    `impostors`: until there were that many of them. Ctrl-C gives what there is until then.
    """
    tally = Tally()
    while (done := tally.impostors if impostors else tally.passages) < passages:
        script = write_script(
            seed + tally.shifts,
            passages=min(SHIFT, max(LEAST, passages - done)),
            lanes=lanes,
            impostors=impostors,
            is_calm=impostors,
        )
        try:
            outcome = play_in_memory(script)
        except KeyboardInterrupt:
            tally.is_stopped = True
            return tally, None
        tally.add(script, outcome)
        say(tally, outcome)
        if outcome.violation is not None:
            return tally, shortest(script, outcome)
    return tally, None


def shortest(script: Script, outcome: Outcome, *, within_s: float = SHRINK_S) -> Failure:
    """Make a failing script short, for `within_s` seconds of processor time."""
    wanted = outcome.violation
    assert wanted is not None
    found, tries = [outcome], [0]
    deadline_s = time.process_time() + within_s

    def still_fails(shorter: Script) -> bool:
        tries[0] += 1
        tried = play_in_memory(shorter)
        if tried.violation is None or tried.violation.name != wanted.name:
            return False
        found[0] = tried
        return True

    cut = until(script, outcome.virtual_s)
    best = shrink(
        cut if still_fails(cut) else script,
        still_fails,
        lambda: time.process_time() > deadline_s,
    )
    return Failure(best, found[0], tries[0])
