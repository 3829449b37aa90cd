"""Answers lanes that ask for a declaration: which passage may use it up."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from central.clock import Clock
from central.errors import StoreError
from central.store import claim_store
from central.store.connection import Store
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import ClaimRequest, encode

log = structlog.get_logger()


class AnswerSender(Protocol):
    """The way to the lanes."""

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane; False, and nothing is kept, while there is no broker."""
        ...


class Claims:
    """Event loop only. A claim is on the disk before it is answered."""

    def __init__(self, *, store: Store, clock: Clock, sender: AnswerSender) -> None:
        self._store = store
        self._clock = clock
        self._sender = sender
        self._answering: set[asyncio.Task[None]] = set()

    def request(self, request: ClaimRequest) -> None:
        """A lane asks. It does not wait for long, and never asks the same twice."""
        task = asyncio.create_task(self._answer(request))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def stop(self) -> None:
        """End what is under way: a lane without an answer is alone, and knows it."""
        tasks = tuple(self._answering)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, request: ClaimRequest) -> None:
        try:
            answer = await self._store.write(claim_store.claim, request, self._clock.wall_ms())
        except StoreError as exc:
            log.warning("claim_not_answered", lane=request.lane, error=str(exc))
            return
        if answer is None:
            log.info("claim_too_late", lane=request.lane, passage=request.passage_id)
            return
        self._sender.send(request.lane, Stream.CLAIM, encode(answer), qos=0)
