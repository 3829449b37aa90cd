"""A whole lane in this process: the real `Agent` on a simulated bench, and what it recorded."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType

import structlog

from devices.clock import SystemClock
from devices.sim.bench import Bench
from devices.sim.lane_world import TruckVisit, VisitHandle
from gate_agent.clock import instant
from gate_agent.config import HubLinkConfig, LaneConfig
from gate_agent.domain.effects import Sign
from gate_agent.domain.events import Overridden
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.state import LaneState
from gate_agent.domain.vocabulary import CommandId, Outcome, Phase
from gate_agent.logs import Log
from gate_agent.runtime.agent import Agent
from gate_agent.store.hub_cache import HubCache
from gate_agent.wire import digest, v1
from gate_agent.wire.convert import event_of
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, Papers, devices_at, free_ports

CLOCK = SystemClock()
HOUR_MS = 3_600_000
ASKED_AGAIN_S = 2.5


def quiet_log() -> Log:
    """A log that keeps nothing: what matters is in the records."""
    log: Log = structlog.wrap_logger(None, processors=[_drop])
    return log


def _drop(*_: object) -> str:
    raise structlog.DropEvent


def declaration_row(
    papers: Papers,
    declaration_id: str = "",
    *,
    holds: tuple[str, ...] = (),
    used_by: str | None = None,
) -> v1.DeclarationRow:
    """The declaration that fits these papers, valid now."""
    now_ms = CLOCK.now().wall_ms
    return v1.DeclarationRow(
        declaration_id=declaration_id or f"D-{papers.plate}",
        plates=(papers.plate,),
        card_uid=papers.card_uid,
        gross_kg=papers.gross_kg,
        valid_from_ms=now_ms - HOUR_MS,
        valid_until_ms=now_ms + HOUR_MS,
        holds=holds,
        used_by=used_by,
    )


def hold_manifest(state_dir: Path, rows: Iterable[v1.DeclarationRow], version: int = 1) -> None:
    """Give a lane that is not running a manifest, as the hub would have."""
    rows = list(rows)
    cache = HubCache(state_dir / "hub.db")
    total = digest.changed(digest.EMPTY, added=[digest.row_digest(row) for row in rows])
    cache.apply(
        version=version,
        replace_all=True,
        upserts=rows,
        deletes=[],
        count=len(rows),
        expected_digest=total,
        at_ms=CLOCK.now().wall_ms,
    )
    cache.close()


def wait_until(condition: Callable[[], object], what: str, within_s: float = 40.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {within_s} s: {what}"
        time.sleep(0.02)


class AgentRig:
    """A bench and, while started, an agent on it. Without a hub."""

    def __init__(self, folder: Path, papers: Iterable[Papers] = ()) -> None:
        bus_port, camera_port, nobody_port = free_ports(3)
        self.state_dir = folder / "state"
        self.config = LaneConfig(
            site="test",
            lane="lane1",
            state_dir=str(self.state_dir),
            devices=devices_at(folder, bus_port, camera_port),
            hub=HubLinkConfig(host=HOST, port=nobody_port),
            policy={"verified_plate_suffices": True},
        )
        self.bench = Bench(
            self.config.devices, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S
        )
        self.agent: Agent | None = None
        self._commands = 0
        hold_manifest(self.state_dir, [declaration_row(one) for one in papers])

    def __enter__(self) -> AgentRig:
        self.bench.start()
        try:
            self.start_agent()
        except BaseException:
            self.bench.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_agent()
        self.bench.stop()

    def start_agent(self) -> None:
        self.agent = Agent(self.config, CLOCK, quiet_log())
        self.agent.start()
        wait_until(lambda: is_inviting(self.lane), "the lane invites")

    def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.stop()
            self.agent = None

    # -- the lane as it is

    @property
    def lane(self) -> LaneState:
        assert self.agent is not None
        return self.agent.loop.lane

    def wait_phase(self, *phases: Phase, within_s: float = 60.0) -> None:
        wait_until(lambda: self.lane.phase in phases, f"phase {phases}", within_s)

    def wait_inviting(self, within_s: float = 40.0) -> None:
        wait_until(lambda: is_inviting(self.lane), f"inviting: {self.lane}", within_s)

    def wait_fault(self, code: FaultCode, *, raised: bool, within_s: float = 20.0) -> None:
        wait_until(lambda: (code in self.lane.faults) == raised, f"{code} {raised}", within_s)

    # -- trucks and people

    def send(self, visit: TruckVisit) -> VisitHandle:
        return self.bench.world.send(visit)

    def see_off(self, handle: VisitHandle, within_s: float = 90.0) -> str | None:
        """Follow a truck until it has left, and say which way.

        A held one is told to back out; its driver presents the card again while the sign asks.
        """
        deadline_s = time.monotonic() + within_s
        again_s = time.monotonic() + ASKED_AGAIN_S
        told = False
        while not handle.wait_gone(0.05):
            assert time.monotonic() < deadline_s, f"a truck is stuck in the lane: {self.lane}"
            if self.lane.sign is not Sign.PRESENT_CARD or not handle.has_stopped.is_set():
                again_s = time.monotonic() + ASKED_AGAIN_S
            elif time.monotonic() > again_s and handle.visit.card_uid is not None:
                again_s = time.monotonic() + ASKED_AGAIN_S
                handle.present_card(handle.visit.card_uid)
            if not told and self.lane.phase in (Phase.HELD, Phase.TURNING_BACK):
                told = True
                handle.turn_back()
        return handle.left_by

    def supervisor(self, decision: Outcome) -> None:
        """A named person decides about the vehicle in the lane, as the uplink would hand it on."""
        assert self.agent is not None
        assert self.lane.passage is not None
        self._commands += 1
        event = Overridden(
            command_id=CommandId(f"c{self._commands}"),
            passage_id=self.lane.passage.passage_id,
            decision=decision,
            by="li.wei",
            reason="checked by eye",
            expires_at_ms=CLOCK.now().wall_ms + 60_000,
        )
        self.agent._inbox.put(event, instant(CLOCK))

    def order_boom_down(self) -> None:
        assert self.agent is not None
        self._commands += 1
        now_ms = CLOCK.now().wall_ms
        order = v1.LowerBarrierCommand(
            command_id=f"c{self._commands}",
            by="li.wei",
            reason="the lane is empty",
            issued_at_ms=now_ms,
            expires_at_ms=now_ms + 60_000,
        )
        self.agent._inbox.put(event_of(order), instant(CLOCK))

    # -- what is on record

    def records(self) -> list[v1.RecordBody]:
        """Every record that is still in the outbox, in order: all of them without a hub."""
        return records_in(self.state_dir)

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Outcome, who decided, way out of each closed passage."""
        closed = [body for body in self.records() if isinstance(body, v1.PassageClosed)]
        return [(body.outcome, body.decided_by, body.left) for body in closed]

    def fault_changes(self, code: FaultCode) -> list[bool]:
        """True for each time a fault was raised, False for each time it was cleared."""
        changes = [body for body in self.records() if isinstance(body, v1.FaultChanged)]
        return [body.raised for body in changes if body.code == code.value]


def records_in(state_dir: Path) -> list[v1.RecordBody]:
    with closing(sqlite3.connect(f"file:{state_dir / 'lane.db'}?mode=ro", uri=True)) as reader:
        rows = reader.execute("SELECT seq, body FROM outbox ORDER BY seq").fetchall()
    numbers = [row[0] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    return [v1.decode_body(row[1]) for row in rows]
