"""Passages on four lanes: how long a decision takes, where the time of a truck goes, what it costs.

The same port as `make run`, with the same judge: a figure of a run in which something went wrong
is no figure.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devices.sim.boom import TRAVEL_S as BOOM_TRAVEL_S
from devices.sim.truck import CARD_AFTER_S, SWING_SHARE
from gate_agent.wire.v1 import WeighedAfterwards, decode_body
from hil_tests.bench import machine
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.bench.manifest import measure_manifest
from hil_tests.bench.starts import measure_starts
from hil_tests.demo.judge import summarize
from hil_tests.demo.places import free_port, prepare
from hil_tests.demo.port import Port
from hil_tests.demo.traffic import SETTLES_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.clock import Clock
    from hil_tests.demo.judge import Judged, Judgement

LANES = 4
IDLE_S = 10.0
TRUCK_S = 60.0  # of one lane, at the very most
DECISION_BARS_MS = {50: 15.0, 99: 60.0}
BOOM_BARS_S = {50: 2.5, 95: 3.5}
AGENT_MIB = 190.7  # 200 MB
PHYSICS = (
    f"after the stop the reading swings by {SWING_SHARE:.0%} of the load and takes "
    f"{SETTLES_S[0]:g}-{SETTLES_S[1]:g} s to rest within a division; boom {BOOM_TRAVEL_S:g} s; "
    f"card {CARD_AFTER_S:g} s after the stop"
)
STAGES = (
    ("plate read", "plate_ms"),
    ("card presented", "card_ms"),
    ("weight known", "weight_ms"),
    ("decided", "decided_ms"),
    ("raise on the wire", "raise_sent_ms"),
    ("boom up", "boom_up_ms"),
    ("exit clear", "exit_clear_ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the processes used of one core, 1.0 being all of it."""

    hub: float
    agent: float  # the mean of the lanes


def measure(
    clock: Clock, *, passages: int, rows: int, seed: int, say: Callable[[str], None]
) -> Iterator[Part]:
    """Run until `passages` trucks have gone; then, with `rows`, hand the lanes a large manifest."""
    with tempfile.TemporaryDirectory(prefix="kakou-bench-") as folder:
        port = Port(prepare(Path(folder), free_port(), LANES, clock), seed, clock)
        try:
            port.start(say)
            say(f"idle for {IDLE_S:.0f} s")
            idle = _load_during(port, clock, lambda: clock.sleep(IDLE_S))
            port.let_trucks_come()
            busy = _load_during(port, clock, lambda: _let_pass(port, clock, passages, say))
            judgement, unsynced = port.drained()
            yield _waterfall(judgement)
            yield _weighing(port, len(_released(judgement)))
            yield _outcome(port, judgement, unsynced)
            yield _cost(port, idle, busy)
            yield measure_starts(port, clock, say)
            if rows:
                yield measure_manifest(port, clock, rows, say)
        finally:
            port.stop()


def _let_pass(port: Port, clock: Clock, passages: int, say: Callable[[str], None]) -> None:
    """Until so many trucks have gone and the lanes are empty."""
    deadline_s = clock.now().mono_s + 60.0 + passages * TRUCK_S / LANES
    while not all(traffic.is_over() for traffic in port.traffic.values()):
        clock.sleep(0.7)
        port.check()
        port.show_signs()
        gone = sum(len(traffic.visits) for traffic in port.traffic.values())
        say(f"{gone} of {passages} trucks have gone")
        if gone >= passages - LANES + 1 or clock.now().mono_s > deadline_s:
            for traffic in port.traffic.values():
                traffic.enough()


def _load_during(port: Port, clock: Clock, act: Callable[[], None]) -> Load:
    hub, lanes = _pids(port)
    began_s, hub_s, lanes_s = clock.now().mono_s, machine.cpu_s(hub), machine.cpu_s(lanes)
    act()
    took_s = clock.now().mono_s - began_s
    return Load(
        hub=(machine.cpu_s(hub) - hub_s) / took_s,
        agent=(machine.cpu_s(lanes) - lanes_s) / took_s / len(lanes),
    )


def _pids(port: Port) -> tuple[list[int], list[int]]:
    hub = [process.pid for name, process in port.processes.items() if name == "hub"]
    lanes = [process.pid for name, process in port.processes.items() if name != "hub"]
    return hub, lanes


def _released(judgement: Judgement) -> list[Judged]:
    return [one for one in judgement.judged if one.passage.verdict == "release"]


def _waterfall(judgement: Judgement) -> Part:
    released = _released(judgement)
    timelines = [one.passage.timeline for one in released]
    decisions_ms = [line.decision_us / 1000 for line in timelines if line.decision_us is not None]
    booms_s = [
        one.visit.stopped_to_boom_up_s
        for one in released
        if one.visit.stopped_to_boom_up_s is not None
    ]
    figures = [
        *percentiles(
            "last evidence to raise on the wire", decisions_ms, "ms", (50, 95, 99),
            bars=DECISION_BARS_MS,
        ),
        *percentiles(
            "wheels at rest to boom up", booms_s, "s", (50, 95), digits=2, bars=BOOM_BARS_S
        ),
    ]  # fmt: skip
    for stage, field in STAGES:
        samples = [getattr(line, field) / 1000 for line in timelines if getattr(line, field)]
        figures += percentiles(f"arrival to {stage}", samples, "s", (50, 95), digits=2)
    return Part(title=f"a released truck: {PHYSICS}", command=_COMMAND, figures=tuple(figures))


def _weighing(port: Port, released: int) -> Part:
    """How many verdicts did not wait for the settled weight, and what that weight said later."""
    hub_db = port.places.hub_state / "hub.db"
    with closing(sqlite3.connect(f"file:{hub_db}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT body FROM records WHERE type = 'weighed_afterwards'").fetchall()
    bodies = [decode_body(raw) for (raw,) in rows]
    afterwards = [body for body in bodies if isinstance(body, WeighedAfterwards)]
    return Part(
        title="weights that were not waited for",
        command=_COMMAND,
        figures=(
            Figure(name="decided while swinging", value=len(afterwards), unit="", n=released),
            Figure(
                name="settled before it left",
                value=sum(body.within_kg == 0 for body in afterwards),
                unit="",
                n=len(afterwards),
            ),
            Figure(
                name="settled outside the interval",
                value=sum(not body.agrees for body in afterwards),
                unit="",
                n=len(afterwards),
                at_most=0,
            ),
        ),
    )


def _outcome(port: Port, judgement: Judgement, unsynced: int) -> Part:
    summary = summarize(judgement, lanes=LANES, seconds=0.0, unsynced=unsynced)
    n = summary.passages
    counts = [
        Figure(name=name, value=getattr(summary, name), unit="", n=n)
        for name in ("released", "held", "inspected", "refused")
    ]
    wrong = [
        Figure(name=name.replace("_", " "), value=getattr(summary, name), unit="", n=n, at_most=0)
        for name in ("wrong_releases", "wrong_holds", "lost", "duplicates", "unsynced")
    ]
    seen = [*port.violations(), *port.problems()]
    bystander = Figure(
        name="violations and problems", value=len(seen), unit="", n=n, at_most=0,
        remark="; ".join(seen),
    )  # fmt: skip
    return Part(
        title="what became of the trucks",
        command=_COMMAND,
        figures=(*counts, *wrong, bystander),
    )


def _cost(port: Port, idle: Load, busy: Load) -> Part:
    hub, lanes = _pids(port)
    broker = machine.child_of(hub[0])
    memory = {"hub": machine.resident_mib(hub[0]), "agent": machine.resident_mib(lanes[0])}
    if broker is not None:
        memory["broker"] = machine.resident_mib(broker)
    return Part(
        title="what it costs (percent of one core; resident memory after the trucks)",
        command=_COMMAND,
        figures=(
            Figure(name="agent, idle lane", value=_percent(idle.agent), unit="%", n=LANES),
            Figure(name="agent, trucks coming", value=_percent(busy.agent), unit="%", n=LANES),
            Figure(name="hub, idle lanes", value=_percent(idle.hub), unit="%", n=1),
            Figure(name="hub, trucks coming", value=_percent(busy.hub), unit="%", n=1),
            *(
                Figure(
                    name=f"memory of {name}", value=mib, unit="MiB", n=1,
                    at_most=AGENT_MIB if name == "agent" else None,
                )
                for name, mib in memory.items()
            ),
        ),
    )  # fmt: skip


def _percent(share: float) -> float:
    return round(100 * share, 1)


_COMMAND = "python -m hil_tests.bench --only passages"
