"""An evacuation on real processes: ordered at the console, outlasting a kill, ended at the lane."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.clock import SystemClock
from devices.readings import Lamp
from devices.sim.lane_world import ViolationKind
from hil_tests.demo.processes import ProcessDied, run_once
from hil_tests.rig import Papers, visit_of
from hil_tests.site import Declared, Site

PAPERS = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=20_000)
WHO = ["--by", "li.wei", "--reason", "fire in shed 4"]
WHY = {"reason": "fire in shed 4"}


@pytest.mark.timeout(240)
def test_in_an_evacuation_the_boom_stays_up_through_a_kill_and_nobody_is_released(
    tmp_path: Path,
) -> None:
    with Site(tmp_path, 1, SystemClock()) as site:
        site.start(declared=[Declared(declaration_id="D1", papers=PAPERS)])
        world = site.benches["lane1"].world

        def lane() -> dict[str, Any]:
            return dict(site.lane_states().get("lane1", {}))

        def order(*what: str, deed: str = "evacuate") -> dict[str, Any]:
            config = str(site.lanes["lane1"].config)
            said = run_once("gate_agent.cli", [deed, "--config", config, "--json", *what, *WHO])
            return dict(json.loads(said))

        with pytest.raises(ProcessDied):
            order()  # the hub is heard: the console gives the orders
        site.console.post("/lanes/lane1/evacuate", WHY)
        site.wait(lambda: lane().get("barrier") == "locked_open", "the boom to be kept open", 20)
        assert lane()["showing"] == "evacuation"
        assert world.lamp(Lamp.EXIT_GREEN)
        refused = site.console.post("/lanes/lane1/lower-barrier", WHY)
        wait_state(site, refused, "refused")

        site.kill("lane1")
        world.boom.push_to(0.0)  # somebody pulls it down
        site.start_lane("lane1")
        site.wait(lambda: world.boom.up_limit, "the boom to be raised after the kill", 30)
        way = world.send(visit_of(PAPERS, seed=0))
        assert way.wait_gone(60)
        assert way.left_by == "exit"
        site.wait(lambda: lane()["passage_id"] is None, "the passage to end", 30)
        world.boom.push_to(0.0)
        site.wait(lambda: world.boom.up_limit, "the boom to be raised again", 20)

        site.end("hub")
        site.wait(lambda: not order(deed="emergency")["is_hub_heard"], "the lane to be alone", 40)
        assert order("--end")["evacuation"] == ""
        SystemClock().sleep(2.0)
        assert world.boom.up_limit

        site.start_hub()
        site.console = site.client("admin")
        site.wait(lambda: not site.unsynced(), "the records at the hub", 30)
        bodies = [msgspec.json.decode(row[4]) for row in site.hub_records("lane1")]
        (closed,) = [body for body in bodies if body["type"] == "passage_closed"]
        assert (closed["outcome"], closed["left"]) == ("hold", "evacuation")
        done = [body for body in bodies if body["type"] == "command_carried_out"]
        assert [each["command"] for each in done] == ["evacuate", "end_evacuation"]
        hub = site.places.hub_state / "hub.db"
        audit = site.query(hub, "SELECT action FROM audit WHERE action LIKE '%evac%'")
        assert audit == [("command_evacuate",), ("command_end_evacuation",)]
        assert site.query(hub, "SELECT used_by FROM declarations") == [(None,)]
        site.console.post("/lanes/lane1/lower-barrier", WHY)
        site.wait(lambda: world.boom.down_limit, "the boom to come down by order", 20)
        seen = {each.kind for each in world.violations}
        assert seen == {ViolationKind.OPENED_FOR_NOBODY}  # as it was ordered


def wait_state(site: Site, order: Any, state: str) -> None:  # noqa: ANN401 - JSON
    """Until the lane has answered this order so."""

    def answered() -> bool:
        found: Any = site.console.get(f"/commands/{order['command_id']}")
        return bool(found["state"] == state)

    site.wait(answered, f"the order to be {state}", 20)
