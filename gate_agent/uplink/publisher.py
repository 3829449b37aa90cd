"""Outbox -> hub, in order, until the hub acknowledges. At least once; the hub dedupes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gate_agent.store.picture_files import PICTURE_MAX_BYTES
from gate_agent.wire import v1
from gate_agent.wire.chain import is_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.store.lane_store import OutboxReader, OutboxRow
    from gate_agent.store.picture_files import PictureFiles

BATCH_RECORDS = 64
BATCH_BYTES = 400_000  # brokers refuse messages of a megabyte; base64 adds a third
AHEAD_RECORDS = 256  # sent but not acknowledged
RESEND_S = 5.0
ASSURE_EVERY_S = 60.0
"""How often a lane says up to where it has forgotten, and tells of its open passage again.

A hub that was put back to a backup finds so what it lacks, though no vehicle comes, and who waits.
"""

_picture_decoder = msgspec.json.Decoder(v1.PictureTaken)


class Publisher:
    """Sends what the hub has not acknowledged. Belongs to the uplink thread."""

    def __init__(
        self,
        outbox: OutboxReader,
        pictures: PictureFiles,
        lane: str,
        epoch: str,
        send: Callable[[bytes], bool],
    ) -> None:
        self._outbox = outbox
        self._pictures = pictures
        self._lane = lane
        self._epoch = epoch
        self._send = send
        self._sent_seq = 0
        self._acknowledged_seq = 0
        self._progress_s = 0.0
        self._assured_s = float("-inf")

    def start_over(self, acknowledged_seq: int, now_s: float) -> None:
        """The link is new: everything that is not acknowledged is sent again."""
        self._acknowledged_seq = acknowledged_seq
        self._sent_seq = acknowledged_seq
        self._progress_s = now_s
        self._assured_s = float("-inf")

    def acknowledge(self, through_seq: int, now_s: float) -> None:
        """The hub has committed everything up to here."""
        if through_seq > self._acknowledged_seq:
            self._acknowledged_seq = through_seq
            self._progress_s = now_s
        self._sent_seq = max(self._sent_seq, self._acknowledged_seq)

    def publish(self, now_s: float) -> None:
        """Send what fits; start over when the hub has been silent for too long."""
        waiting = self._sent_seq > self._acknowledged_seq
        if not waiting:
            self._progress_s = now_s
        elif now_s - self._progress_s > RESEND_S:
            self.start_over(self._acknowledged_seq, now_s)
        if self._acknowledged_seq and now_s - self._assured_s >= ASSURE_EVERY_S:
            if not self._assure():
                return
            self._assured_s = now_s
        while self._sent_seq - self._acknowledged_seq < AHEAD_RECORDS:
            rows = self._outbox.after(self._sent_seq, BATCH_RECORDS)
            batch = self._batch(rows)
            if not batch or not self._send_batch(batch):
                return
            self._sent_seq = batch[-1].seq

    def _assure(self) -> bool:
        """Send what the hub has acknowledged of the open passage; at least an empty batch."""
        sent_seq = self._forgotten_through()
        while True:
            rows = self._outbox.after(sent_seq, BATCH_RECORDS)
            batch = self._batch([row for row in rows if row.seq <= self._acknowledged_seq])
            if not self._send_batch(batch):
                return False
            sent_seq = batch[-1].seq if batch else self._acknowledged_seq
            if sent_seq >= self._acknowledged_seq:
                return True

    def _forgotten_through(self) -> int:
        """The lane has, or may have, nothing any more up to here."""
        kept_from = self._outbox.kept_from()
        if kept_from is None:
            return self._acknowledged_seq
        return min(self._acknowledged_seq, kept_from - 1)

    def _batch(self, rows: list[OutboxRow]) -> list[v1.RawRecord]:
        batch: list[v1.RawRecord] = []
        size = 0
        for row in rows:
            body = self._with_picture(row.body) if is_picture(row.body) else row.body
            if batch and size + len(body) > BATCH_BYTES:
                break
            size += len(body)
            batch.append(_raw(row, body))
        return batch

    def _send_batch(self, batch: list[v1.RawRecord]) -> bool:
        message = v1.RecordBatch(
            lane=self._lane,
            epoch=self._epoch,
            records=tuple(batch),
            forgotten_through=self._forgotten_through(),
        )
        return self._send(v1.encode(message))

    def _with_picture(self, body: bytes) -> bytes:
        record = _picture_decoder.decode(body)
        jpeg = self._pictures.read(record.picture_id)
        if jpeg is not None and len(jpeg) > PICTURE_MAX_BYTES:
            jpeg = None
        return v1.encode(msgspec.structs.replace(record, jpeg=jpeg))


def _raw(row: OutboxRow, body: bytes) -> v1.RawRecord:
    return v1.RawRecord(seq=row.seq, at_ms=row.at_ms, body=msgspec.Raw(body), chain=row.chain)
