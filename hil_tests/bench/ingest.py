"""How fast the hub takes records in: lanes that come back after days without a network.

Real hub process, real broker, one MQTT connection per lane; batches and window are those of the
lane's own publisher. The time ends with the hub's last acknowledgement, after its last commit.
"""

from __future__ import annotations

import queue
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gate_agent.uplink.mqtt import BrokerAddress, MqttLink, Received
from gate_agent.uplink.publisher import AHEAD_RECORDS, BATCH_RECORDS
from gate_agent.wire import v1
from gate_agent.wire.topics import Stream, topic
from hil_tests.bench.figures import Figure, Part
from hil_tests.demo.places import HOST, SITE, free_port, prepare
from hil_tests.demo.port import Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.places import LanePlace, Places

LANES = 4
UP_S = 30.0
LONGEST_S = 300.0
EPOCH = "bench"
_RECORDS_PER_PASSAGE = 3


class IngestError(Exception):
    """The hub did not come up or did not take everything."""


@dataclass(slots=True)
class Sender:
    """One lane with a full outbox."""

    lane: str
    link: MqttLink
    batches: list[tuple[int, bytes]]  # highest seq, message
    sent_seq: int = 0
    acknowledged_seq: int = 0

    def turn(self) -> None:
        """Take what the hub said, send what fits into the window."""
        while True:
            try:
                item = self.link.inbox.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Received) and item.payload:
                message = v1.decode_hub_message(item.payload)
                if isinstance(message, v1.RecordAck) and message.epoch == EPOCH:
                    self.acknowledged_seq = max(self.acknowledged_seq, message.through_seq)
        while self.batches and self.sent_seq - self.acknowledged_seq < AHEAD_RECORDS:
            highest, payload = self.batches[0]
            if not self.link.publish(topic(SITE, self.lane, Stream.RECORDS), payload):
                return
            self.sent_seq = highest
            self.batches.pop(0)


def measure(clock: Clock, *, records: int, say: Callable[[str], None]) -> Part:
    """Send `records` over all lanes and wait for the acknowledgements. Raises `IngestError`."""
    with tempfile.TemporaryDirectory(prefix="kakou-bench-") as folder:
        places = prepare(Path(folder), free_port(), LANES, clock)
        port = Port(places, 0, clock)
        senders: list[Sender] = []
        try:
            say("hub and broker")
            port.start_hub()
            senders += [_sender(places, lane, records // LANES) for lane in places.lanes]
            _wait(lambda: port.console.is_up() and all(s.link.is_up for s in senders), UP_S, clock)
            say(f"{records} records from {LANES} lanes")
            took_s = _send(senders, clock)
        finally:
            for sender in senders:
                sender.link.stop()
            port.stop()
    stored = sum(sender.acknowledged_seq for sender in senders)
    return Part(
        title=f"records into the hub, {LANES} lanes catching up, acknowledged after the commit",
        command="python -m hil_tests.bench --only ingest",
        figures=(
            Figure(name="records a second", value=round(stored / took_s), unit="1/s", n=stored),
        ),
    )


def _send(senders: list[Sender], clock: Clock) -> float:
    began_s = clock.now().mono_s

    def is_done() -> bool:
        for sender in senders:
            sender.turn()
        return all(not s.batches and s.acknowledged_seq >= s.sent_seq for s in senders)

    _wait(is_done, LONGEST_S, clock)
    return clock.now().mono_s - began_s


def _wait(is_so: Callable[[], bool], longest_s: float, clock: Clock) -> None:
    deadline_s = clock.now().mono_s + longest_s
    while not is_so():
        if clock.now().mono_s > deadline_s:
            raise IngestError(f"the hub was not done after {longest_s:.0f} s")
        clock.sleep(0.002)


def _sender(places: Places, lane: LanePlace, records: int) -> Sender:
    password_file = places.hub_state / "broker" / "passwords" / lane.lane
    address = BrokerAddress(
        host=HOST,
        port=places.broker_port,
        client_id=f"{SITE}-{lane.lane}",
        username=lane.lane,
        password=password_file.read_text(encoding="utf-8").strip(),
        ca_file="",
    )
    offline = v1.encode(v1.LaneStatus(lane=lane.lane, epoch=EPOCH, online=False, version="bench"))
    will = (topic(SITE, lane.lane, Stream.STATUS), offline)
    link = MqttLink(address, [topic(SITE, lane.lane, Stream.ACK)], will)
    link.start()
    return Sender(lane.lane, link, _batches(lane.lane, records))


def _batches(lane: str, count: int) -> list[tuple[int, bytes]]:
    records = [
        v1.RawRecord(seq=seq, at_ms=1_790_000_000_000 + 1_000 * seq, body=msgspec.Raw(_body(seq)))
        for seq in range(1, count + 1)
    ]
    return [
        (
            part[-1].seq,
            v1.encode(v1.RecordBatch(lane=lane, epoch=EPOCH, records=tuple(part))),
        )
        for start in range(0, count, BATCH_RECORDS)
        if (part := records[start : start + BATCH_RECORDS])
    ]


def _body(seq: int) -> bytes:
    """Opened, decided, closed, and so on."""
    number, step = divmod(seq - 1, _RECORDS_PER_PASSAGE)
    passage_id = f"bench-{number}"
    if step == 0:
        return v1.encode(v1.PassageOpened(passage_id=passage_id))
    if step == 1:
        return v1.encode(_decided(passage_id, number))
    return v1.encode(
        v1.PassageClosed(
            passage_id=passage_id,
            outcome="release",
            decided_by="lane",
            left="exit",
            arrived_at_ms=1_790_000_000_000 + number,
            timeline=v1.Timeline(plate_ms=900, card_ms=7_100, weight_ms=9_000, decided_ms=9_000),
        )
    )


def _decided(passage_id: str, number: int) -> v1.PassageDecided:
    plate = f"粤Z{number:06d}"
    return v1.PassageDecided(
        passage_id=passage_id,
        outcome="release",
        reasons=(),
        evidence=v1.EvidenceFacts(
            plate=v1.PlateFact(
                text=plate, plate_class="green", confidence_permille=990,
                frames_agreed=2, frames_seen=2,
            ),
            card=v1.CardFact(uid=f"{number:08X}"),
            weight=v1.WeightFact(gross_kg=32_000, division_kg=20, spread_kg=20),
        ),
        declaration=v1.DeclarationRow(
            declaration_id=f"d{number}", plates=(plate,), card_uid=f"{number:08X}",
            gross_kg=32_000, valid_from_ms=0, valid_until_ms=2_000_000_000_000,
        ),
        manifest_version=1,
        policy_version="bench",
    )  # fmt: skip
