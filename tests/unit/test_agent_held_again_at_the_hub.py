"""A vehicle that the lane hands to a person a second time is on the console a second time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.clock import ManualClock
from central.errors import CommandStale
from central.hub.changes import Changes
from central.hub.commands import Commands
from central.hub.lanes import Lanes
from central.store import hub_store
from central.store.connection import Store
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import PassageOpened, PassageOverridden
from tests.hub_bench import a_store, decided, take_bodies


class _Wire:
    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        return bool(lane and stream and payload and qos)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


def _order(store: Store) -> str:
    clock = ManualClock()
    commands = Commands(
        store=store,
        clock=clock,
        lanes=Lanes(clock, ["lane1"]),
        changes=Changes(),
        sender=_Wire(),
        expires_after_s=20,
    )
    return asyncio.run(commands.override("p1", "release", by="li", reason="seen")).command_id


def test_a_vehicle_held_again_after_a_restart_waits_for_a_person_again(store: Store) -> None:
    take_bodies(store, PassageOpened(passage_id="p1"), decided("p1", "hold"))
    command_id = _order(store)
    done = PassageOverridden(
        passage_id="p1", command_id=command_id, decision="release", by="li", reason="seen"
    )
    take_bodies(store, done)
    assert not store.read_now(hub_store.held)
    with pytest.raises(CommandStale):
        _order(store)
    take_bodies(store, decided("p1", "hold"))  # the lane was killed before the boom moved
    assert [one.passage.passage_id for one in store.read_now(hub_store.held)] == ["p1"]
    assert _order(store) != command_id
