"""Hub and broker stopped: the lane goes on, and nothing is lost or doubled when they come back."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from devices.clock import SystemClock
from hil_tests.rig import Papers, visit_of
from hil_tests.site import Declared, Site

PAPERS = [
    Papers(plate=f"粤B{n}24{n}5", card_uid=f"04A1B2C{n}", gross_kg=20_000 + 2_000 * n)
    for n in range(3)
]


@pytest.mark.timeout(180)
def test_a_lane_without_hub_releases_what_was_declared_and_catches_up(tmp_path: Path) -> None:
    with Site(tmp_path, 1, SystemClock()) as site:
        site.start(
            declared=[Declared(declaration_id=f"D{n}", papers=p) for n, p in enumerate(PAPERS)]
        )
        world = site.benches["lane1"].world
        ways = [world.send(visit_of(PAPERS[0], seed=0))]
        assert ways[0].wait_gone(60)
        site.end("hub")
        ways += [world.send(visit_of(p, seed=n)) for n, p in enumerate(PAPERS[1:], 1)]
        assert ways[1].wait_gone(60)
        site.end("lane1")  # the records survive the agent's end, too
        site.start_lane("lane1")
        assert ways[2].wait_gone(60)
        site.start_hub()
        site.console = site.client("admin")
        site.wait(lambda: not site.unsynced(), "the records at the hub", 30)
        site.wait(site.all_invite, "the lane", 30)
        assert [way.left_by for way in ways] == ["exit", "exit", "exit"]
        records = site.hub_records("lane1")
        bodies = [msgspec.json.decode(row[4]) for row in records]
        closed = Counter(b["passage_id"] for b in bodies if b["type"] == "passage_closed")
        assert list(closed.values()) == [1, 1, 1]
        assert {b["decided_by"] for b in bodies if b["type"] == "passage_closed"} == {"lane"}
        assert [row[0] for row in records] == list(range(1, len(records) + 1))
        assert not world.violations
