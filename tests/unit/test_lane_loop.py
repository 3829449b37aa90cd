"""The thread that decides, with a real store and nothing around it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devices.clock import ManualClock
from gate_agent.clock import instant
from gate_agent.domain.events import AgentStarted, InputsChanged, WeightObserved
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import Instant, LaneId, WeightState
from gate_agent.inbox import Inbox
from gate_agent.runtime.deadlines import Deadlines
from gate_agent.runtime.lane_loop import LaneLoop, status_of
from gate_agent.store.held_manifest import HeldManifest
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.lane_store import LaneStore
from gate_agent.store.manifest_reader import ManifestReader
from tests.agent_rig import quiet_log


class _Lane:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "lane.db"
        self.clock = ManualClock()
        self.inbox = Inbox()
        self.store = LaneStore(self.path, LaneId("lane1"), ReleasePolicy())
        HubCache(folder / "hub.db").close()
        self.manifest = ManifestReader(folder / "hub.db", self.store.used_by)
        self.loop = LaneLoop(
            self.store,
            self.manifest,
            self.inbox,
            Deadlines(),
            self.clock,
            quiet_log(),
            acknowledged=lambda: self.store.last_seq,
            recorded=lambda: None,
            stop_lamps=lambda: None,
            confirmed_s=lambda: float("-inf"),
        )

    def turns(self, count: int, *, every_s: float) -> None:
        """Come round `count` times with an event waiting each time."""
        for number in range(count):
            self.clock.advance(every_s)
            state = WeightState.EMPTY if number % 2 else WeightState.MOVING
            event = WeightObserved(state=state, gross_kg=0, division_kg=20)
            self.inbox.put(event, instant(self.clock))
            self.loop.turn()

    def unforgotten(self) -> int:
        with closing(sqlite3.connect(self.path)) as reader:
            count: int = reader.execute("SELECT count(*) FROM outbox").fetchone()[0]
            return count

    def close(self) -> None:
        self.manifest.close()
        self.store.close()


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[_Lane]:
    opened = _Lane(tmp_path)
    yield opened
    opened.close()


def test_a_clock_that_was_set_back_does_not_make_an_old_manifest_young() -> None:
    heard, held = Instant(1_000.0, 1_790_000_000_000), 1_790_000_000_000
    manifest = HeldManifest(version=3, count=1, digest="", confirmed_ms=held)
    at = Instant(heard.mono_s + 5 * 3600.0, heard.wall_ms + 60_000)  # set back by 4:59 h
    confirmed = status_of(manifest, at, heard.mono_s).confirmed_at
    assert confirmed is not None
    assert confirmed.age_s(at) == 5 * 3600.0
    unknown = status_of(manifest, at, float("-inf")).confirmed_at
    assert unknown is not None
    assert unknown.age_s(at) == 60.0


def test_a_scale_that_never_rests_does_not_keep_acknowledged_records_on_the_lane(
    lane: _Lane,
) -> None:
    started = AgentStarted(policy=ReleasePolicy(), version="test")
    lane.inbox.put(started, instant(lane.clock))
    lane.loop.turn()
    assert lane.unforgotten() > 0
    lane.turns(200, every_s=0.4)
    assert lane.unforgotten() == 0


def test_a_vehicle_abandoned_in_the_lane_does_not_let_the_journal_grow_for_ever(
    lane: _Lane,
) -> None:
    arrived = InputsChanged(entry_loop=True, front_beam=False, rear_beam=False, exit_loop=False)
    lane.inbox.put(AgentStarted(policy=ReleasePolicy(), version="test"), instant(lane.clock))
    lane.inbox.put(arrived, instant(lane.clock))
    lane.turns(2, every_s=0.0)
    assert lane.loop.lane.passage is not None
    lane.turns(100, every_s=1.0)
    before = lane.unforgotten()
    lane.turns(600, every_s=1.0)
    assert lane.unforgotten() < before, "not while a vehicle is being checked, but afterwards"
