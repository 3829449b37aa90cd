"""The uplink's turn: one thing that cannot be kept loses nothing else; one line a change."""

from collections.abc import Iterator, MutableMapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from devices.clock import ManualClock
from gate_agent.domain.effects import Record
from gate_agent.domain.events import (
    CardPresented,
    FaultCleared,
    FaultRaised,
    Overridden,
    Stamped,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import PassageOpened
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import LaneId, PassageId
from gate_agent.errors import StoreError
from gate_agent.inbox import Inbox
from gate_agent.logs import Log
from gate_agent.store.clip_shelf import ClipShelf
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.lane_store import LaneStore, OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.mqtt import BrokerAddress, LinkChanged, Received
from gate_agent.uplink.uplink import SILENT_S, Uplink
from gate_agent.wire import digest, v1
from tests.builders import START


class _Bench:
    def __init__(self, folder: Path) -> None:
        self.clock, self.inbox = ManualClock(), Inbox()
        self.lines: list[str] = []
        self.store = LaneStore(folder / "lane.db", LaneId("lane1"), ReleasePolicy())
        self.cache = HubCache(folder / "hub.db")
        self.outbox = OutboxReader(folder / "lane.db")
        self.uplink = Uplink(
            "site",
            "lane1",
            self.store.epoch,
            "1",
            BrokerAddress(
                host="127.0.0.1", port=1, client_id="c", username="", password="", ca_file=""
            ),
            self.cache,
            self.outbox,
            PictureFiles(folder / "pictures", max_bytes=1_000_000),
            self._health,
            self.inbox,
            self.clock,
            self._log(),
            clips=ClipShelf(folder),
        )

    def _health(self, unsent: int, oldest_ms: int | None) -> v1.LaneHealth:
        raise AssertionError(f"not connected: {unsent} {oldest_ms}")

    def _log(self) -> Log:
        def keep(_: object, method: str, line: MutableMapping[str, Any]) -> str:
            self.lines.append(f"{method} {line['event']}")
            raise structlog.DropEvent

        log: Log = structlog.wrap_logger(None, processors=[keep])
        return log

    def turn(self, *items: v1.HubMessage | LinkChanged | bytes) -> None:
        for item in items:
            if isinstance(item, LinkChanged):
                self.uplink._link.inbox.put(item)
            else:
                payload = item if isinstance(item, bytes) else v1.encode(item)
                self.uplink._link.inbox.put(Received("a/topic", payload))
        self.uplink.wake()
        self.uplink.turn()

    def record(self, count: int) -> None:
        bodies = [PassageOpened(passage_id=PassageId(f"p{n}")) for n in range(count)]
        effects = tuple(Record(body=body) for body in bodies)
        event = Stamped(CardPresented(uid="04"), START)
        self.store.commit(event, Step(self.store.lane, effects))

    def told(self) -> list[object]:
        events: list[object] = []
        while (stamped := self.inbox.take(0.0)) is not None:
            events.append(stamped.event)
        return events

    def fill_disk(self) -> None:
        self.cache._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.cache._db.execute("PRAGMA query_only = 1")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    bench = _Bench(tmp_path)
    with closing(bench.store), closing(bench.cache), closing(bench.outbox):
        yield bench


def an_order(bench: _Bench, command_id: str = "c1") -> v1.OverrideCommand:
    now_ms = bench.clock.now().wall_ms
    return v1.OverrideCommand(
        command_id=command_id,
        passage_id="p1",
        decision="release",
        by="li",
        reason="seen",
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + 60_000,
    )


def test_an_acknowledgement_that_cannot_be_kept_does_not_lose_the_order_behind_it(
    bench: _Bench,
) -> None:
    bench.record(3)
    bench.fill_disk()
    ack = v1.RecordAck(epoch=bench.store.epoch, through_seq=3)
    with pytest.raises(StoreError):
        bench.turn(ack, LinkChanged(up=True, detail=""), an_order(bench))
    assert [type(event) for event in bench.told()] == [Overridden]
    assert "info hub_link_up" in bench.lines
    assert bench.uplink._publisher._acknowledged_seq >= 0
    assert bench.uplink._acknowledged == 3


def test_what_the_hub_says_in_another_version_is_refused_and_the_rest_is_taken(
    bench: _Bench,
) -> None:
    bench.turn(b'{"type":"fly"}', b"\xff", b"", an_order(bench))
    assert [type(event) for event in bench.told()] == [Overridden]
    assert bench.lines.count("warning hub_message_refused") == 2


def test_an_acknowledgement_of_an_earlier_life_of_the_database_counts_for_nothing(
    bench: _Bench,
) -> None:
    bench.turn(v1.RecordAck(epoch="other", through_seq=9))
    assert bench.cache.acknowledged(bench.store.epoch) == 0
    assert bench.cache.acknowledged("other") == 0


def test_a_lane_put_back_to_an_older_state_does_not_take_its_new_records_for_acknowledged(
    bench: _Bench,
) -> None:
    bench.record(5)
    bench.turn(v1.RecordAck(epoch=bench.store.epoch, through_seq=90))  # of its later life
    bench.turn(v1.RecordAck(epoch=bench.store.epoch, through_seq=91))
    assert bench.cache.acknowledged(bench.store.epoch) == 0
    assert bench.lines == ["error acknowledged_ahead"]
    bench.turn(v1.RecordAck(epoch=bench.store.epoch, through_seq=5))
    assert bench.cache.acknowledged(bench.store.epoch) == 5


def test_a_link_that_stays_down_is_one_line_however_often_it_is_tried(bench: _Bench) -> None:
    down, up = LinkChanged(up=False, detail="refused"), LinkChanged(up=True, detail="")
    bench.turn(down, down, down, up, down, down, up)
    assert bench.lines == [
        "warning hub_link_lost",
        "info hub_link_up",
        "warning hub_link_lost",
        "info hub_link_up",
    ]


def test_a_hub_that_falls_silent_is_one_fault_until_it_is_heard(bench: _Bench) -> None:
    for _ in range(3):
        bench.clock.advance(SILENT_S * 0.6)
        bench.turn()
    assert bench.told() == [FaultRaised(code=FaultCode.UPLINK, detail="the hub is not heard")]
    bench.turn(v1.ManifestHead(version=0, count=0, digest=digest.EMPTY, at_ms=0))
    bench.turn()
    assert bench.told() == [FaultCleared(code=FaultCode.UPLINK)]


def test_a_lane_whose_clock_differs_from_the_hubs_says_so_once_and_when_it_is_right_again(
    bench: _Bench,
) -> None:
    def head(ahead_s: int) -> v1.ManifestHead:
        at_ms = bench.clock.now().wall_ms - ahead_s * 1000
        return v1.ManifestHead(version=0, count=0, digest=digest.EMPTY, at_ms=at_ms)

    bench.turn(head(30), head(0), head(1))  # one was late on the way
    # what the lane knew of its clock before it started is over
    assert bench.told() == [FaultCleared(code=FaultCode.CLOCK)]
    bench.turn(*[head(30) for _ in range(5)])
    detail = "the lane's clock is 30 s ahead of the hub's"
    assert bench.told() == [FaultRaised(code=FaultCode.CLOCK, detail=detail)]
    bench.turn(head(1), head(0))
    assert bench.told() == [FaultCleared(code=FaultCode.CLOCK)]


def test_a_lane_that_refuses_the_hubs_rules_has_no_manifest_confirmed(bench: _Bench) -> None:
    old, new = b'{"owner":"o","version":"1"}', b'{"is_of_2027":true,"owner":"o","version":"2"}'

    def packs(body: bytes) -> v1.PolicyPacks:
        return v1.PolicyPacks(digest=digest.policy_digest([body], []), packs=(body,))

    def head(body: bytes) -> v1.ManifestHead:
        bench.clock.advance(60.0)
        at_ms = bench.clock.now().wall_ms
        return v1.ManifestHead(
            version=0, count=0, digest=digest.EMPTY, at_ms=at_ms,
            policy_digest=digest.policy_digest([body], []),
        )  # fmt: skip

    bench.turn(packs(old), head(old))
    confirmed_s = bench.uplink.manifest_confirmed_s
    assert confirmed_s == bench.clock.now().mono_s
    bench.turn(packs(new), head(new), head(new), head(new))
    assert bench.uplink.manifest_confirmed_s == confirmed_s
    assert bench.uplink.policy.packs[0].version == "1"
    bench.turn(head(old))
    assert bench.uplink.manifest_confirmed_s == bench.clock.now().mono_s
