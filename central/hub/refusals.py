"""Lanes that cannot take the rules: one alarm for each lane, set of packs and cause."""

from __future__ import annotations

import asyncio
import sqlite3

import structlog

from central.clock import Clock
from central.errors import StoreError
from central.hub.changes import Changes
from central.store.connection import Store
from central.store.projections import raise_once_by_hub
from gate_agent.domain.records import Alarm
from gate_agent.wire.v1 import LaneHealth

log = structlog.get_logger()


class Refusals:
    """Listens to what lanes say of themselves. Event loop only."""

    def __init__(self, *, store: Store, clock: Clock, changes: Changes) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes
        self._told: dict[str, str] = {}  # by lane: the last that is on the disk, or on its way
        self._telling: set[asyncio.Task[None]] = set()

    def heard(self, health: LaneHealth) -> None:
        """A lane says once a second how it is, and may go on saying for days that it refuses."""
        refused = health.policy_refused
        if refused is None:
            self._told.pop(health.lane, None)
            return
        detail = f"rules {refused.digest[:12]}: {refused.why}"
        if self._told.get(health.lane) == detail:
            return
        self._told[health.lane] = detail
        task = asyncio.create_task(self._tell(health.lane, detail))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def stop(self) -> None:
        """End what is under way: the lane will say it again."""
        tasks = tuple(self._telling)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, lane: str, detail: str) -> None:
        try:
            await self._store.write(_raise, lane, self._clock.wall_ms(), detail)
        except StoreError as exc:
            log.warning("refusal_not_stored", lane=lane, error=str(exc))
            self._told.pop(lane, None)
            return
        log.warning("policy_refused_by_lane", lane=lane, detail=detail)
        self._changes.announce()


def _raise(db: sqlite3.Connection, lane: str, at_ms: int, detail: str) -> None:
    code = Alarm.POLICY_REFUSED.value
    raise_once_by_hub(db, lane=lane, at_ms=at_ms, code=code, detail=detail)
