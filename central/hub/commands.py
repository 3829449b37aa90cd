"""A supervisor's orders: audited, then sent, then followed until the lane answers.

The row and its audit entry are committed before anything is published. An order is sent again
whenever the broker or the lane comes back and until the lane answers or it expires; the lane
carries out a command id at most once. What the lane did comes back as records.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Literal, Protocol, TypedDict

import structlog

from central.clock import Clock
from central.errors import CommandStale, StaleReason, StoreError
from central.hub.changes import Changes
from central.hub.lanes import Lanes, PresenceState
from central.store import command_store, policy_store
from central.store.connection import Store
from central.store.rows import CommandRow
from gate_agent.domain.slips import emergency_kinds
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import (
    DecisionName,
    EndEvacuationCommand,
    EvacuateCommand,
    LaneCommand,
    LowerBarrierCommand,
    OverrideCommand,
    SetModeCommand,
)

ModeName = Literal["auto", "attended", "emergency", "closed"]
EXPIRY_CHECK_S = 1.0

log = structlog.get_logger()


class Sender(Protocol):
    """The way to the lanes."""

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane; False, and nothing is kept, while there is no broker."""
        ...


class _Head(TypedDict):
    """What every order says."""

    command_id: str
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


class Commands:
    """Issues orders. Event loop only."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        lanes: Lanes,
        changes: Changes,
        sender: Sender,
        expires_after_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._changes = changes
        self._sender = sender
        self._expires_after_ms = round(expires_after_s * 1000)

    async def override(
        self, passage_id: str, decision: DecisionName, *, by: str, reason: str, slip: str = ""
    ) -> CommandRow:
        """Order a decision for a held passage. Raises `CommandStale`, `StoreError`."""
        command = OverrideCommand(
            passage_id=passage_id, decision=decision, slip=slip, **self._head(by, reason)
        )
        return await self._sent(await self._store.write(command_store.issue_override, command))

    async def lower_barrier(self, lane: str, *, by: str, reason: str) -> CommandRow:
        """Order a boom that was left open down. Raises `CommandStale`, `StoreError`."""
        self._check_known(lane)
        command = LowerBarrierCommand(**self._head(by, reason))
        return await self._order(lane, command)

    async def set_mode(
        self, lane: str, mode: ModeName, *, by: str, reason: str, kind: str = ""
    ) -> CommandRow:
        """Order a lane's mode; `kind`: of an emergency. Raises `CommandStale`, `StoreError`."""
        self._check_known(lane)
        if mode == "emergency" and kind not in await self.emergency_kinds():
            raise CommandStale(StaleReason.UNKNOWN_KIND, f"lane {lane}: emergency {kind!r}")
        command = SetModeCommand(mode=mode, kind=kind, **self._head(by, reason))
        return await self._order(lane, command)

    async def evacuate(self, lane: str, *, by: str, reason: str) -> CommandRow:
        """Order a boom up and kept open. Raises `CommandStale`, `StoreError`."""
        self._check_known(lane)
        command = EvacuateCommand(**self._head(by, reason))
        return await self._order(lane, command)

    async def end_evacuation(self, lane: str, *, by: str, reason: str) -> CommandRow:
        """End the evacuation that the lane says it is in. Raises `CommandStale`, `StoreError`."""
        self._check_known(lane)
        command = EndEvacuationCommand(
            evacuation_id=self._evacuation_of(lane), **self._head(by, reason)
        )
        return await self._order(lane, command)

    def _head(self, by: str, reason: str) -> _Head:
        now_ms = self._clock.wall_ms()
        return _Head(
            command_id=_new_id(),
            by=by,
            reason=reason,
            issued_at_ms=now_ms,
            expires_at_ms=now_ms + self._expires_after_ms,
        )

    async def _order(self, lane: str, command: LaneCommand) -> CommandRow:
        return await self._sent(await self._store.write(command_store.issue_to_lane, command, lane))

    def _evacuation_of(self, lane: str) -> str:
        presence = self._lanes.one(lane)
        is_heard = presence is not None and presence.state is PresenceState.ONLINE
        health = presence.health if presence is not None and is_heard else None
        if health is None or not health.evacuation:
            raise CommandStale(StaleReason.NO_EVACUATION, f"lane {lane}")
        return health.evacuation

    async def emergency_kinds(self) -> tuple[str, ...]:
        """The kinds of emergency that the rules of now have slips for. Raises `StoreError`."""
        pack = await self._store.read(policy_store.current, self._clock.wall_ms())
        return emergency_kinds(pack) if pack else ()

    async def send_again(self, lane: str | None = None) -> None:
        """Send what is pending once more: the broker came back, or `lane` did."""
        waiting = await self._store.read(command_store.still_to_send, self._clock.wall_ms(), lane)
        for to, body in waiting:
            self._sender.send(to, Stream.COMMAND, body, qos=1)

    async def run(self) -> None:
        """Mark what nobody answered, until cancelled."""
        while True:
            await asyncio.sleep(EXPIRY_CHECK_S)
            now_ms = self._clock.wall_ms()
            try:
                if await self._store.read(command_store.any_due, now_ms):
                    await self._store.write(command_store.expire_due, now_ms)
                    self._changes.announce()
            except StoreError as exc:
                log.warning("commands_not_expired", error=str(exc))

    async def _sent(self, row: CommandRow) -> CommandRow:
        await self.send_again(row.lane)
        self._changes.announce()
        return row

    def _check_known(self, lane: str) -> None:
        if self._lanes.one(lane) is None:
            raise CommandStale(StaleReason.UNKNOWN_LANE, f"lane {lane}")


def _new_id() -> str:
    return f"c-{secrets.token_hex(8)}"
