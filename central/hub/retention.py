"""Keeps the hub's disk from filling up: pictures and clips go by rule, a little at a time.

First what is older than its days. Then, while the disk has less room than the floor, the oldest
that are beyond a least age. What nothing may be deleted for is an alarm. Room is what the disk has
free and what is free inside the database, which does not shrink.

Nothing ages beyond what a lane has seen of the time: a hub whose clock was set to another year
deletes nothing for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from central.clock import Clock
from central.config import RetentionConfig
from central.errors import CommandStale, StoreError
from central.hub.changes import Changes
from central.hub.clips import Clips
from central.store import keeping, retention_store
from central.store.connection import Store
from central.store.keeping import KeepDeed, KeepWord
from central.store.retention_store import FIRST, Kind, Place, Wanted
from central.store.rows import Keeping, RetentionRule

BUSY_S: Final = 0.25  # between two turns that delete: records are stored in between
IDLE_S: Final = 60.0
PASS_EVERY_S: Final = 600.0  # from the end of one look at everything old to the next
DAY_MS: Final = 86_400_000
GB: Final = 1e9
SCRATCH_GB: Final = 1.0  # what the broker and the database's log may need beside the database

TO_DO: Final = (
    "give the state folder a larger disk, or fewer days in [retention] of central.toml; what is"
    " kept by a person, open, owed, in conflict or too young is never deleted for room"
)

log = structlog.get_logger()


@dataclass(slots=True)
class _Pass:
    """One way along everything old, from the oldest."""

    after: Place = FIRST
    next_s: float = -math.inf


class Retention:
    """Event loop only."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        changes: Changes,
        clips: Clips,
        config: RetentionConfig,
        free_bytes: Callable[[], int],
    ) -> None:
        """`free_bytes`: what the disk of the state folder has free; raises `OSError`."""
        self._store = store
        self._clock = clock
        self._changes = changes
        self._clips = clips
        self._config = config
        self._free_bytes = free_bytes
        self._by_age = _Pass()
        self._for_room = _Pass()

    async def keep(self, passage_id: str, *, by: str, reason: str) -> Keeping:
        """Keep the pictures and the clip of a passage; a clip that its lane still has is fetched.

        Raises `KeepError`, `StoreError`.
        """
        found = await self._say(passage_id, KeepDeed.KEPT, by, reason)
        with contextlib.suppress(CommandStale):  # there is none
            await self._clips.ask(passage_id, by=by)
        return found

    async def end_keep(self, passage_id: str, *, by: str, reason: str) -> Keeping:
        """Let the rules have them again. Raises `KeepError`, `StoreError`."""
        return await self._say(passage_id, KeepDeed.ENDED, by, reason)

    async def _say(self, passage_id: str, deed: KeepDeed, by: str, reason: str) -> Keeping:
        word = KeepWord(
            passage_id=passage_id, deed=deed, by=by, at_ms=self._clock.wall_ms(), reason=reason
        )
        found = await self._store.write(keeping.say, word)
        self._changes.announce()
        return found

    async def run(self) -> None:
        """Delete what is due, until cancelled."""
        while True:
            try:
                is_busy = await self.turn()
            except (StoreError, OSError) as exc:
                log.warning("retention_turn_failed", error=str(exc))
                is_busy = False
            await asyncio.sleep(BUSY_S if is_busy else IDLE_S)

    async def turn(self) -> bool:
        """Delete a little of what is due; whether there may be more. Raises `StoreError`."""
        leaving = await self._store.read(retention_store.clip_leaves)
        if leaving is not None:
            await self._store.write(retention_store.drop_parts, leaving)
            return True
        lanes_ms = await self._store.read(retention_store.newest_by_a_lane_ms)
        now_ms = min(self._clock.wall_ms(), lanes_ms)
        is_busy = await self._step(self._by_age, self._too_old(now_ms))
        return is_busy or await self._make_room(now_ms)

    def _too_old(self, now_ms: int) -> Wanted:
        days = {Kind.PICTURE: self._config.pictures_days, Kind.CLIP: self._config.clips_days}
        return _wanted(RetentionRule.AGE, {kind: n for kind, n in days.items() if n}, now_ms)

    async def _step(self, way: _Pass, wanted: Wanted) -> bool:
        """Go on along one way; whether there is more of it now."""
        if not wanted.days or self._clock.mono_s() < way.next_s:
            return False
        found = await self._store.read(retention_store.look, wanted, way.after)
        gone: tuple[Place, ...] = ()
        if found.may_go:
            gone = await self._store.write(
                retention_store.delete, found.may_go, wanted, at_ms=self._clock.wall_ms()
            )
            counts = {kind.value: sum(each.kind is kind for each in gone) for kind in Kind}
            log.info("deleted_by_rule", rule=wanted.rule.value, **counts)
            self._changes.announce()
        way.after = FIRST if found.is_end else found.last
        if found.is_end:
            way.next_s = self._clock.mono_s() + PASS_EVERY_S
        return bool(gone) or not found.is_end

    async def _make_room(self, now_ms: int) -> bool:
        """Below the floor: let the oldest go, or call a person; whether more may go now."""
        floor_gb, days = self._config.disk_free_gb, self._config.room_after_days
        disk_gb = self._free_bytes() / GB
        inside_gb = await self._store.read(retention_store.reusable_bytes) / GB
        if disk_gb + inside_gb >= floor_gb:
            self._for_room = _Pass()
            if disk_gb >= min(floor_gb / 2, SCRATCH_GB):
                return False
        elif days is not None:
            both = dict.fromkeys(Kind, days)
            wanted = _wanted(RetentionRule.ROOM, both, now_ms, floor_gb)
            if await self._step(self._for_room, wanted):
                return True
        await self._call(disk_gb, inside_gb)
        return False

    async def _call(self, disk_gb: float, inside_gb: float) -> None:
        days = self._config.room_after_days
        beyond = "room_after_days is not set" if days is None else f"room_after_days is {days}"
        detail = (
            f"{disk_gb:.1f} GB free and {inside_gb:.1f} GB in hub.db of"
            f" {self._config.disk_free_gb:g} GB wanted; {beyond}"
        )
        if await self._store.write(retention_store.tell_low, detail, self._clock.wall_ms()):
            log.error("hub_disk_low", detail=detail, to_do=TO_DO)
            self._changes.announce()


def _wanted(
    rule: RetentionRule, days: dict[Kind, int], now_ms: int, free_gb: float | None = None
) -> Wanted:
    before_ms = {kind: now_ms - count * DAY_MS for kind, count in days.items()}
    return Wanted(rule=rule, days=days, before_ms=before_ms, free_gb=free_gb)
