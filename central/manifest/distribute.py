"""Keeps the lanes on the newest manifest and policy: says which, answers who asks."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Protocol

import structlog

from central.clock import Clock
from central.errors import StoreError
from central.manifest.parts import EncodedParts, write_parts
from central.store import manifest_queries, policy_store
from central.store.connection import Store
from gate_agent.wire.topics import HUB, Stream
from gate_agent.wire.v1 import ManifestHead, PolicyPacks, encode

HEAD_EVERY_S = 1.0
ANSWERS_AT_ONCE = 2  # each may take a reader of the store for minutes

log = structlog.get_logger()


class PartSender(Protocol):
    """The way to the lanes."""

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane; False, and nothing is kept, while there is no broker."""
        ...

    async def drained(self) -> None:
        """Wait until what was sent is with the broker, or the broker is gone."""
        ...


class Distributor:
    """Publishes heads and parts. Event loop only."""

    def __init__(self, *, store: Store, clock: Clock, sender: PartSender) -> None:
        self._store = store
        self._clock = clock
        self._sender = sender
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._answering_policy: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(ANSWERS_AT_ONCE)
        self._announce_now = asyncio.Event()

    def announce(self) -> None:
        """There is a new version: do not wait for the next second."""
        self._announce_now.set()

    def request(self, lane: str, have_version: int) -> None:
        """A lane asks; while it is being answered further questions of it are the same one."""
        if lane not in self._answering:
            task = asyncio.create_task(self._answer(lane, have_version))
            self._answering[lane] = task
            task.add_done_callback(lambda _: self._answering.pop(lane, None))

    def request_policy(self, lane: str) -> None:
        """A lane asks for the packs and secrets; one answer at a time."""
        if lane not in self._answering_policy:
            task = asyncio.create_task(self._answer_policy(lane))
            self._answering_policy[lane] = task
            task.add_done_callback(lambda _: self._answering_policy.pop(lane, None))

    async def run(self) -> None:
        """Say every second which version is the newest, until cancelled."""
        while True:
            await self._publish_head()
            try:
                await asyncio.wait_for(self._announce_now.wait(), HEAD_EVERY_S)
            except TimeoutError:
                continue
            self._announce_now.clear()

    async def stop(self) -> None:
        """End the answers that are under way; the lanes will ask again."""
        tasks = [*self._answering.values(), *self._answering_policy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish_head(self) -> None:
        try:
            head = await self._store.read(manifest_queries.head)
            policy = await self._store.read(policy_store.distribution, self._clock.wall_ms())
        except StoreError as exc:
            log.warning("manifest_head_unreadable", error=str(exc))
            return
        message = ManifestHead(
            version=head.version,
            count=head.count,
            digest=head.digest,
            at_ms=self._clock.wall_ms(),
            policy_digest=policy.digest,
        )
        self._sender.send(HUB, Stream.MANIFEST_HEAD, encode(message), qos=0)

    async def _answer(self, lane: str, have_version: int) -> None:
        async with self._slots:
            try:
                with closing(EncodedParts(self._store.folder)) as parts:
                    await self._store.read(write_parts, have_version, parts)
                    if not await self._sent(lane, parts):
                        return
                    count = len(parts)
            except (StoreError, OSError) as exc:
                log.warning("manifest_unreadable", lane=lane, error=str(exc))
                return
        log.info("manifest_sent", lane=lane, have_version=have_version, parts=count)

    async def _sent(self, lane: str, parts: EncodedParts) -> bool:
        """Send them all; False where the broker is gone."""
        for part in parts:
            if not self._sender.send(lane, Stream.MANIFEST_PART, part, qos=1):
                return False
            await self._sender.drained()
        return True

    async def _answer_policy(self, lane: str) -> None:
        try:
            held = await self._store.read(policy_store.distribution, self._clock.wall_ms())
        except StoreError as exc:
            log.warning("policy_unreadable", lane=lane, error=str(exc))
            return
        packs = PolicyPacks(digest=held.digest, packs=held.packs, secrets=held.secrets)
        if held.digest and self._sender.send(lane, Stream.POLICY, encode(packs), qos=1):
            log.info("policy_sent", lane=lane, packs=len(held.packs))
