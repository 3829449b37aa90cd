"""Records of the lanes: decode, validate, one transaction, then the acknowledgement.

Whatever waits is put into one transaction, so a slow disk makes larger groups, not a longer
queue. While the database cannot commit nothing is acknowledged and the group is tried again;
the inbox is bounded and what does not fit is left to the lane, which sends it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from central.clock import Clock
from central.errors import StoreError
from central.store.connection import Store
from central.store.ingest_store import (
    Acknowledgement,
    DeadRecord,
    DecodedBatch,
    LiveRecord,
    Undecodable,
    ingest,
)
from gate_agent.wire.chain import without_picture
from gate_agent.wire.topics import HUB, Address
from gate_agent.wire.v1 import (
    PictureTaken,
    RawRecord,
    RecordBatch,
    WireError,
    decode_body,
    decode_lane_message,
)

INBOX_MESSAGES = 2_000
INBOX_BYTES = 128_000_000
GROUP_MESSAGES = 100
GROUP_BYTES = 16_000_000
RETRY_S = 1.0
_GREATEST = 2**53  # beyond it a number is no sequence and no time
_EPOCH_LENGTH = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message on a records topic. `settle` tells the broker that it is stored."""

    topic: str
    address: Address
    payload: bytes
    settle: Callable[[], None]


class Ingest:
    """The inbox of records and the task that empties it. Event loop only."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        acknowledge: Callable[[Acknowledgement], None],
        stored: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._acknowledge = acknowledge
        self._stored = stored
        self._inbox: asyncio.Queue[Arrival] = asyncio.Queue(INBOX_MESSAGES)
        self._inbox_bytes = 0
        self._failing = False
        self.left_to_the_lane = 0  # arrivals that found the inbox full

    @property
    def failing(self) -> bool:
        """Whether the last transaction could not be committed."""
        return self._failing

    def offer(self, arrival: Arrival) -> None:
        """Take an arrival; when the inbox is full the lane will send it again."""
        if self._inbox.full() or self._inbox_bytes >= INBOX_BYTES:
            self.left_to_the_lane += 1
            if self.left_to_the_lane == 1:
                log.warning("ingest_inbox_full", messages=self._inbox.qsize())
            return
        self._inbox.put_nowait(arrival)
        self._inbox_bytes += len(arrival.payload)

    async def run(self) -> None:
        """Store what arrives until cancelled."""
        while True:
            group = await self._next_group()
            now_ms = self._clock.wall_ms()
            decoded = [decode(arrival, now_ms) for arrival in group]
            acknowledgements = await self._commit(decoded)
            for arrival in group:
                arrival.settle()
            for acknowledgement in acknowledgements:
                self._acknowledge(acknowledgement)
            self._stored()

    async def _next_group(self) -> list[Arrival]:
        group = [await self._inbox.get()]
        size_bytes = len(group[0].payload)
        while len(group) < GROUP_MESSAGES and size_bytes < GROUP_BYTES and not self._inbox.empty():
            group.append(self._inbox.get_nowait())
            size_bytes += len(group[-1].payload)
        self._inbox_bytes -= size_bytes
        return group

    async def _commit(
        self, decoded: list[DecodedBatch | Undecodable]
    ) -> tuple[Acknowledgement, ...]:
        while True:
            try:
                acknowledgements = await self._store.write(ingest, decoded)
            except StoreError as exc:
                if not self._failing:
                    log.error("ingest_cannot_commit", error=str(exc), retry_s=RETRY_S)  # noqa: TRY400 - the text says it all
                self._failing = True
                await asyncio.sleep(RETRY_S)
            else:
                if self._failing:
                    log.info("ingest_commits_again")
                self._failing = False
                return acknowledgements


def decode(arrival: Arrival, received_ms: int) -> DecodedBatch | Undecodable:
    """Take a message apart; one bad record spoils only itself."""

    def undecodable(reason: str) -> Undecodable:
        log.warning("message_undecodable", topic=arrival.topic, reason=reason)
        return Undecodable(
            topic=arrival.topic,
            lane=arrival.address.lane,
            received_ms=received_ms,
            payload=arrival.payload,
            reason=reason,
        )

    try:
        message = decode_lane_message(arrival.payload)
    except WireError as exc:
        return undecodable(str(exc))
    if not isinstance(message, RecordBatch):
        return undecodable("not a record batch")
    if message.lane != arrival.address.lane or message.lane == HUB:
        return undecodable(f"a batch of lane {message.lane!r} on the topic of another")
    if not 1 <= len(message.epoch) <= _EPOCH_LENGTH:
        return undecodable(f"epoch of {len(message.epoch)} characters")
    if (wrong := _wrong_number(message)) is not None:
        return undecodable(wrong)
    return DecodedBatch(
        topic=arrival.topic,
        lane=message.lane,
        epoch=message.epoch,
        received_ms=received_ms,
        records=tuple(_decode_record(record) for record in message.records),
        forgotten_through=message.forgotten_through,
    )


def _wrong_number(batch: RecordBatch) -> str | None:
    if not 0 <= batch.forgotten_through <= _GREATEST:
        return f"forgotten_through {batch.forgotten_through} out of 0..2**53"
    wrong = (record.seq for record in batch.records if not 1 <= record.seq <= _GREATEST)
    return next((f"seq {seq} out of 1..2**53" for seq in wrong), None)


def _decode_record(record: RawRecord) -> LiveRecord | DeadRecord:
    raw = bytes(record.body)
    if abs(record.at_ms) > _GREATEST:
        return DeadRecord(
            seq=record.seq, at_ms=0, raw=raw, reason=f"at_ms {record.at_ms}", chain=record.chain
        )
    try:
        body = decode_body(raw)
    except WireError as exc:
        return DeadRecord(
            seq=record.seq, at_ms=record.at_ms, raw=raw, reason=str(exc), chain=record.chain
        )
    stored = without_picture(raw) if isinstance(body, PictureTaken) else raw
    return LiveRecord(
        seq=record.seq,
        at_ms=record.at_ms,
        body=body,
        type=str(body.__struct_config__.tag),
        stored=stored,
        chain=record.chain,
    )
