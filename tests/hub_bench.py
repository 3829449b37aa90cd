"""What the hub's tests share: records, a store of their own, a lane on a real MQTT broker."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from central.hub.ingest import Arrival, decode
from central.store.connection import Store, open_store
from central.store.ingest_store import Acknowledgement, ingest
from gate_agent.wire import digest
from gate_agent.wire.topics import HUB, Stream, parse_topic, topic
from gate_agent.wire.v1 import (
    Command,
    DeclarationRow,
    EvidenceFacts,
    LaneHealth,
    LaneStatus,
    LowerBarrierCommand,
    ManifestHead,
    ManifestPart,
    ManifestRequest,
    OutcomeName,
    OverrideCommand,
    PassageClosed,
    PassageDecided,
    PassageOpened,
    RawRecord,
    RecordAck,
    RecordBatch,
    RecordBody,
    SetModeCommand,
    Timeline,
    decode_hub_message,
    encode,
)
from hil_tests.rig import free_ports

SITE = "port"
NOW_MS = 1_790_000_000_000


@contextlib.contextmanager
def a_store(path: Path) -> Iterator[Store]:
    store = open_store(path)
    try:
        yield store
    finally:
        store.close()


def free_port() -> int:
    return free_ports(1)[0]


def record(seq: int, body: RecordBody | bytes) -> RawRecord:
    raw = body if isinstance(body, bytes) else encode(body)
    return RawRecord(seq=seq, at_ms=NOW_MS + seq, body=msgspec.Raw(raw))


def batch(lane: str, epoch: str, records: Sequence[RawRecord]) -> bytes:
    return encode(RecordBatch(lane=lane, epoch=epoch, records=tuple(records)))


def take(store: Store, *payloads: bytes, lane: str = "lane1") -> tuple[Acknowledgement, ...]:
    """Decode and store messages of one lane as the hub does, in one transaction."""
    return store.write_now(ingest, [decode(arrival(payload, lane), NOW_MS) for payload in payloads])


def take_records(
    store: Store, records: Sequence[RawRecord], *, lane: str = "lane1", epoch: str = "e1"
) -> int:
    """Store records; the acknowledged seq."""
    (ack,) = take(store, batch(lane, epoch, records), lane=lane)
    return ack.through_seq


def take_bodies(store: Store, *bodies: RecordBody, lane: str = "lane1") -> int:
    """Store bodies under the next numbers of the lane; the acknowledged seq."""

    def highest(db: sqlite3.Connection) -> int:
        return int(
            db.execute(
                "SELECT coalesce(max(seq), 0) FROM records WHERE lane = ?", [lane]
            ).fetchone()[0]
        )

    first = store.read_now(highest) + 1
    return take_records(
        store, [record(seq, body) for seq, body in enumerate(bodies, start=first)], lane=lane
    )


def arrival(payload: bytes, lane: str = "lane1") -> Arrival:
    name = topic(SITE, lane, Stream.RECORDS)
    address = parse_topic(name)
    assert address is not None
    return Arrival(topic=name, address=address, payload=payload, settle=lambda: None)


def a_declaration(number: int = 1, **changes: object) -> DeclarationRow:
    row = DeclarationRow(
        declaration_id=f"d{number}",
        plates=(f"粤B{number:05d}",),
        card_uid=f"{number:08X}",
        gross_kg=32_000,
        valid_from_ms=NOW_MS,
        valid_until_ms=NOW_MS + 86_400_000,
    )
    return msgspec.structs.replace(row, **changes)


def decided(
    passage_id: str, outcome: OutcomeName = "hold", declaration: DeclarationRow | None = None
) -> PassageDecided:
    return PassageDecided(
        passage_id=passage_id,
        outcome=outcome,
        reasons=() if outcome == "release" else ("no_declaration",),
        evidence=EvidenceFacts(),
        declaration=declaration,
        manifest_version=1,
        policy_version="p1",
    )


def closed(passage_id: str, outcome: OutcomeName = "release") -> PassageClosed:
    return PassageClosed(
        passage_id=passage_id,
        outcome=outcome,
        decided_by="lane",
        left="exit",
        arrived_at_ms=NOW_MS,
        timeline=Timeline(),
    )


def a_passage(passage_id: str, outcome: OutcomeName = "release") -> list[RecordBody]:
    return [
        PassageOpened(passage_id=passage_id),
        decided(passage_id, outcome),
        closed(passage_id, outcome),
    ]


def a_health(lane: str = "lane1") -> LaneHealth:
    return LaneHealth(
        lane=lane,
        epoch="e1",
        at_ms=1,
        mode="auto",
        phase="idle",
        passage_id=None,
        barrier="closed",
        weight_kg=0,
        weight_state="empty",
        faults=(),
        manifest_version=1,
        manifest_age_s=0.5,
        last_seq=1,
        unsent=0,
        oldest_unsent_s=0.0,
    )


def wait_until(what: str, happened: Callable[[], bool], patience_s: float = 20.0) -> None:
    until_s = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < until_s, f"waited {patience_s} s for: {what}"
        time.sleep(0.02)


class LaneOnTheWire:
    """A lane's uplink by the letter of wire v1: an outbox, acknowledgements, a manifest."""

    def __init__(self, *, lane: str, port: int, password: str) -> None:
        self.lane = lane
        self.outbox: dict[int, RawRecord] = {}
        self.next_seq = 1
        self.through_seq = 0
        self.commands: queue.Queue[Command] = queue.Queue()
        self.head: ManifestHead | None = None
        self.rows: dict[str, DeclarationRow] = {}
        self.version = 0
        self.digest = digest.EMPTY
        self.mismatches = 0
        self._parts: dict[tuple[int, int], dict[int, ManifestPart]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=lane)
        self._client.username_pw_set(lane, password)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        will = LaneStatus(lane=lane, epoch="e1", online=False)
        self._client.will_set(topic(SITE, lane, Stream.STATUS), encode(will), 1, retain=True)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [
                (topic(SITE, lane, Stream.ACK), 1),
                (topic(SITE, lane, Stream.COMMAND), 1),
                (topic(SITE, lane, Stream.MANIFEST_PART), 1),
                (topic(SITE, HUB, Stream.MANIFEST_HEAD), 1),
            ]
        )
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()
        self._resender = threading.Thread(target=self._resend, name=f"resend-{lane}")
        self._resender.start()

    def add(self, *bodies: RecordBody) -> None:
        with self._lock:
            for body in bodies:
                self.outbox[self.next_seq] = record(self.next_seq, body)
                self.next_seq += 1

    def publish(self, stream: Stream, payload: bytes) -> None:
        self._client.publish(topic(SITE, self.lane, stream), payload, 1)

    def close(self) -> None:
        self._stop.set()
        self._resender.join()
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets(sockpair_only=True)  # paho leaves this pair to the collector

    def cut(self) -> None:
        """Break the connection without a word and for good, as a cut fibre does.

        Coming back, the client would send again what was not acknowledged: a sign of life.
        """
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        self._client.loop_stop()
        sock.shutdown(socket.SHUT_RDWR)

    def _resend(self) -> None:
        while not self._stop.wait(0.1):
            with self._lock:
                waiting = [self.outbox[seq] for seq in sorted(self.outbox)[:50]]
                asked = self.head is not None and self.head.version != self.version
            if not self._client.is_connected():
                continue
            if waiting:
                self.publish(Stream.RECORDS, batch(self.lane, "e1", waiting))
            if asked:
                request = ManifestRequest(lane=self.lane, have_version=self.version)
                self.publish(Stream.MANIFEST_REQUEST, encode(request))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._lock:
            match decode_hub_message(bytes(message.payload)):
                case RecordAck(through_seq=through_seq):
                    self.through_seq = max(self.through_seq, through_seq)
                    for seq in [seq for seq in self.outbox if seq <= through_seq]:
                        del self.outbox[seq]
                case ManifestHead() as head:
                    self.head = head
                case ManifestPart() as part:
                    self._collect(part)
                case (OverrideCommand() | LowerBarrierCommand() | SetModeCommand()) as command:
                    self.commands.put(command)

    def _collect(self, part: ManifestPart) -> None:
        got = self._parts.setdefault((part.from_version, part.to_version), {})
        got[part.part] = part
        if len(got) == part.parts and part.from_version in (0, self.version):
            rows = {} if part.from_version == 0 else dict(self.rows)
            for one in got.values():
                rows.update({row.declaration_id: row for row in one.upserts})
                for gone in one.deletes:
                    rows.pop(gone, None)
            total = digest.changed(
                digest.EMPTY, added=[digest.row_digest(row) for row in rows.values()]
            )
            if (len(rows), total) == (part.count, part.digest):
                self.rows, self.version, self.digest = rows, part.to_version, total
            else:
                self.mismatches += 1
                self.version = 0
            self._parts.clear()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
