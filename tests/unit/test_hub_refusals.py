"""A lane that cannot take the rules: the hub raises it once, and once more after it was mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from central.clock import ManualClock
from central.hub.changes import Changes
from central.hub.refusals import Refusals
from central.store import hub_store
from central.store.connection import Store
from gate_agent.wire.v1 import LaneHealth, PolicyRefusal
from tests.hub_bench import a_health, a_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


def refusing(lane: str, digest: str = "ab", why: str = "unknown field `is_of_2027`") -> LaneHealth:
    refusal = PolicyRefusal(digest=digest * 32, why=why)
    return msgspec.structs.replace(a_health(lane), policy_refused=refusal)


def told(store: Store, *healths: LaneHealth) -> list[tuple[str, str, str]]:
    """The alarms after a hub that has just begun heard these."""

    async def hears() -> None:
        refusals = Refusals(store=store, clock=ManualClock(), changes=Changes())
        for health in healths:
            refusals.heard(health)
            while refusals._telling:
                await asyncio.gather(*refusals._telling)
        await refusals.stop()

    asyncio.run(hears())
    rows = store.read_now(hub_store.alarms)
    return sorted((row.lane, row.code, row.detail) for row in rows)


def test_each_lane_that_refuses_a_set_of_packs_is_one_alarm_however_often_it_says_so(
    store: Store,
) -> None:
    detail = "rules abababababab: unknown field `is_of_2027`"
    once = [("lane1", "policy_refused", detail), ("lane2", "policy_refused", detail)]
    assert told(store, a_health(), refusing("lane1"), refusing("lane1"), refusing("lane2")) == once
    assert told(store, refusing("lane1"), refusing("lane2")) == once  # the hub began again
    assert len(told(store, refusing("lane1", "cd"))) == 3
