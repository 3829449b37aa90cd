"""Where a lane's messages go, and what a wrong one does."""

import asyncio
from dataclasses import dataclass, field

import pytest

from central.clock import ManualClock
from central.hub.changes import Changes
from central.hub.lanes import Lanes
from central.hub.mqtt import Received
from central.hub.switchboard import Switchboard
from gate_agent.wire.topics import HUB, Stream, parse_topic, topic
from gate_agent.wire.v1 import LaneStatus, ManifestRequest, encode
from tests.hub_bench import SITE, a_health, batch


@dataclass
class Heard:
    asked: list[tuple[str, int]] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    settled: int = 0

    def settle(self) -> None:
        self.settled += 1


class Inbox:
    """Takes arrivals; what it does with them is told in test_hub_ingest."""

    def __init__(self) -> None:
        self.arrivals: list[object] = []

    def offer(self, arrival: object) -> None:
        self.arrivals.append(arrival)


class Bench:
    def __init__(self) -> None:
        self.heard, self.inbox, self.changes = Heard(), Inbox(), Changes()
        self.lanes = Lanes(ManualClock())
        self.board = Switchboard(
            ingest=self.inbox,
            lanes=self.lanes,
            changes=self.changes,
            manifest_asked=lambda lane, have: self.heard.asked.append((lane, have)),
            lane_came=self.heard.came.append,
        )

    def receive(self, stream: Stream, payload: bytes, lane: str = "lane1") -> None:
        name = topic(SITE, lane, stream)
        address = parse_topic(name)
        assert address is not None
        self.board.receive(
            Received(topic=name, address=address, payload=payload, settle=self.heard.settle)
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_records_are_settled_with_the_broker_only_by_the_ingest(bench: Bench) -> None:
    bench.receive(Stream.RECORDS, batch("lane1", "e1", []))
    assert len(bench.inbox.arrivals) == 1
    assert bench.heard.settled == 0


def test_everything_else_is_settled_at_once_and_goes_where_it_belongs(bench: Bench) -> None:
    bench.receive(Stream.HEALTH, encode(a_health()))
    bench.receive(Stream.STATUS, encode(LaneStatus(lane="lane1", epoch="e1", online=True)))
    bench.receive(Stream.MANIFEST_REQUEST, encode(ManifestRequest(lane="lane1", have_version=3)))
    assert bench.heard.settled == 3
    assert bench.heard.asked == [("lane1", 3)]
    assert bench.heard.came == ["lane1"]
    presence = bench.lanes.one("lane1")
    assert presence is not None
    assert presence.health == a_health()
    assert bench.changes.count == 3


@pytest.mark.parametrize(
    ("stream", "lane", "payload"),
    [
        (Stream.HEALTH, "lane1", b"\xff"),
        (Stream.HEALTH, "lane2", encode(a_health("lane1"))),
        (Stream.HEALTH, HUB, encode(a_health(HUB))),
        (Stream.STATUS, "lane1", batch("lane1", "e1", [])),
    ],
)
def test_a_message_that_is_wrong_is_counted_and_changes_nothing(
    bench: Bench, stream: Stream, lane: str, payload: bytes
) -> None:
    bench.receive(stream, payload, lane)
    assert bench.board.unreadable == 1
    assert bench.lanes.all() == ()


def test_a_page_that_waits_hears_of_a_change_and_of_silence() -> None:
    async def scene() -> None:
        changes = Changes()
        waiting = asyncio.create_task(changes.after(changes.count, 20))
        await asyncio.sleep(0)
        changes.announce()
        assert await waiting == 1
        assert await changes.after(0, 20) == 1, "what was missed is told at once"
        assert await changes.after(1, 0.01) == 1

    asyncio.run(scene())
