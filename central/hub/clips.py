"""Fetches a clip from its lane, part by part, when a person asks for it.

The request is audited and on the disk before the lane is asked, and expires. At most one part of a
clip is on its way; what is lost is asked for again. A lane that is away is asked when it is back,
until the request has expired.
"""

from __future__ import annotations

import asyncio

import structlog

from central.clock import Clock
from central.errors import StoreError
from central.hub.changes import Changes
from central.hub.claims import AnswerSender
from central.store import clip_store
from central.store.connection import Store
from central.store.rows import ClipRow, ClipState
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import ClipPart, ClipRequest, encode

EXPIRES_AFTER_MS = 15 * 60_000
ASK_AGAIN_S = 2.0

log = structlog.get_logger()


class Clips:
    """Event loop only."""

    def __init__(
        self, *, store: Store, clock: Clock, changes: Changes, sender: AnswerSender
    ) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes
        self._sender = sender
        self._taking: set[asyncio.Task[None]] = set()
        self._moved: set[str] = set()  # clips of which something came since the last look

    async def ask(self, passage_id: str, *, by: str) -> ClipRow:
        """Ask for the clip of a passage. Raises `CommandStale`, `StoreError`."""
        now_ms = self._clock.wall_ms()
        row = await self._store.write(
            clip_store.ask, passage_id, by=by, at_ms=now_ms, expires_at_ms=now_ms + EXPIRES_AFTER_MS
        )
        if row.state is ClipState.PENDING:
            self._ask_lane(row)
        self._changes.announce()
        return row

    def came(self, part: ClipPart) -> None:
        """A lane sent some of a clip."""
        task = asyncio.create_task(self._take(part))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def run(self) -> None:
        """Ask again for what did not move, and end what has expired, until cancelled."""
        while True:
            await asyncio.sleep(ASK_AGAIN_S)
            moved, self._moved = self._moved, set()
            try:
                waiting = await self._store.read(clip_store.pending)
                now_ms = self._clock.wall_ms()
                if any((row.expires_at_ms or 0) < now_ms for row in waiting):
                    await self._store.write(clip_store.expire_due, now_ms)
                    self._changes.announce()
                for row in waiting:
                    if row.clip_id not in moved:
                        await self._go_on(row)
            except StoreError as exc:
                log.warning("clips_not_asked_again", error=str(exc))

    async def stop(self) -> None:
        """End what is under way: the lane is asked for it again."""
        tasks = tuple(self._taking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, part: ClipPart) -> None:
        try:
            row = await self._store.write(clip_store.take, part, self._clock.wall_ms())
            if row is None:
                return
            self._moved.add(row.clip_id)
            await self._go_on(row)
        except StoreError as exc:
            log.warning("clip_part_not_kept", lane=part.lane, clip_id=part.clip_id, error=str(exc))
            return
        self._changes.announce()

    async def _go_on(self, row: ClipRow) -> None:
        if row.state is not ClipState.PENDING:
            log.info("clip_request_ended", clip_id=row.clip_id, state=row.state.value)
        elif row.here_bytes == row.total_bytes:
            found = await self._store.read(clip_store.digest, row.clip_id)
            state = ClipState.HERE if found == row.clip_id else ClipState.ALTERED
            await self._store.write(clip_store.end, row.clip_id, state, self._clock.wall_ms())
            log.info("clip_request_ended", clip_id=row.clip_id, state=state.value)
        else:
            self._ask_lane(row)

    def _ask_lane(self, row: ClipRow) -> None:
        request = ClipRequest(
            clip_id=row.clip_id, offset=row.here_bytes, expires_at_ms=row.expires_at_ms or 0
        )
        self._sender.send(row.lane, Stream.CLIP_REQUEST, encode(request), qos=0)
