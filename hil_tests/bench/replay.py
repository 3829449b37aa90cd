"""Whether dossiers give the same verdicts again, how fast, and what sealing them costs the lane.

Many vehicles through the real lane into a real `lane.db` in memory, then `gate-agent replay` and
`verify` in processes of their own, which have nothing but the files.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import LaneId
from gate_agent.proof.files import outbox
from gate_agent.store.lane_store import LaneStore
from gate_agent.wire.chain import line_of
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.bench.sealed_traffic import SealedTraffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock

BAR_US = 500.0  # 2,000 dossiers a second
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
LONGEST_S = 600
SAID_EVERY = 500


class ReplayError(Exception):
    """The dossiers could not be made or read; the text says which command and what it said."""


def measure(clock: Clock, *, dossiers: int, seed: int, say: Callable[[str], None]) -> Part:
    """Make `dossiers` and replay them. Raises `ReplayError`."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kakou-bench-", dir=where) as folder:
        database = Path(folder, "lane.db")
        commits_ms, seals_ms = _drive(clock, database, dossiers, seed, say)
        held = outbox(database)
        exported = Path(folder, "lane.jsonl")
        with exported.open("wb") as file:
            file.writelines(line_of(record) for record in held.records)
        say("gate-agent replay")
        found = _json("replay", exported)
        say("gate-agent verify")
        checked = _json("verify", exported)
    return Part(
        title=f"{found['dossiers']} dossiers replayed by gate-agent from a file",
        command=f"python -m hil_tests.bench --only replay --dossiers {dossiers} --seed {seed}",
        figures=(
            _count("verdicts that differ", len(found["different"]), found["verdicts"]),
            Figure(
                name="a dossier",
                value=round(found["seconds"] / found["dossiers"] * 1e6),
                unit="us",
                n=found["dossiers"],
                at_most=BAR_US,
                remark=f"{found['dossiers'] / found['seconds']:,.0f} a second",
            ),
            Figure(
                name="a dossier, processor time",
                value=round(found["processor_seconds"] / found["dossiers"] * 1e6),
                unit="us",
                n=found["dossiers"],
                remark="with the start of the command; what a machine without other work needs",
            ),
            _count("records that the chain misses", checked["missing"], checked["last_seq"]),
            _count("breaks of the chain", len(checked["flaws"]), checked["last_seq"]),
            *percentiles("commit in memory", commits_ms, "ms", (50, 99), digits=2),
            *percentiles("commit that seals", seals_ms, "ms", (50, 99), digits=2),
        ),
    )


def _count(name: str, value: int, n: int) -> Figure:
    return Figure(name=name, value=value, unit="", n=n, at_most=0)


def _drive(
    clock: Clock, database: Path, dossiers: int, seed: int, say: Callable[[str], None]
) -> tuple[list[float], list[float]]:
    """Vehicles until there are enough dossiers; how long commits took, those that seal apart."""
    commits_ms: list[float] = []
    seals_ms: list[float] = []
    sealed = 0
    with closing(LaneStore(database, LaneId("bench"), ReleasePolicy())) as store:

        def timed(commit: Callable[[], None]) -> None:
            nonlocal sealed
            was_open = store.lane.passage
            began_s = clock.now().mono_s
            commit()
            took_ms = (clock.now().mono_s - began_s) * 1000
            is_seal = was_open is not None and store.lane.passage is None
            sealed += is_seal
            (seals_ms if is_seal else commits_ms).append(took_ms)

        traffic = SealedTraffic(store, Random(seed), timed)
        traffic.begin()
        number = 0
        while sealed < dossiers:
            if number % SAID_EVERY == 0:
                say(f"{sealed} of {dossiers} dossiers made")
            number += 1
            if number > 2 * dossiers + 10:
                raise ReplayError(f"{number} vehicles left only {sealed} dossiers")
            traffic.vehicle(number)
    return commits_ms, seals_ms


def _json(command: str, path: Path) -> Any:  # noqa: ANN401 - what the command prints
    asked = [sys.executable, "-m", "gate_agent.cli", command, "--json", str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise ReplayError(
            f"gate-agent {command}: {done.returncode}: {done.stderr[-500:]}"
        ) from None
