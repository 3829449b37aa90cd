"""An emergency at the lane itself: begun, used and ended by hand while the hub is dead."""

import json
from pathlib import Path

import msgspec
import pytest

from devices.clock import SystemClock
from hil_tests.demo.processes import ProcessDied, run_once
from hil_tests.rig import Papers, visit_of
from hil_tests.site import Declared, Site

PAPERS = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=20_000)
PACK = {
    "version": "emergency",
    "owner": "rules desk",
    "slips": [
        {"mode": "network_down", "prefix": "WL-", "first": 100, "last": 199},
        {"mode": "drill", "prefix": "YL-", "first": 100, "last": 199, "is_drill": True},
    ],
}
WHO = ["--by", "li.wei", "--reason", "cable cut"]


@pytest.mark.timeout(180)
def test_row_45_a_person_at_the_lane_releases_on_a_slip_while_the_hub_is_dead(
    tmp_path: Path,
) -> None:
    with Site(tmp_path, 1, SystemClock()) as site:
        site.start(declared=[Declared(declaration_id="D1", papers=PAPERS)])
        site.console.post("/policy/import?source=p.json", PACK)
        site.wait(
            lambda: site.lane_states()["lane1"].get("policy_version") == "emergency", "the pack"
        )

        def order(*what: str) -> dict[str, object]:
            config = str(site.lanes["lane1"].config)
            said = run_once(
                "gate_agent.cli", ["emergency", "--config", config, "--json", *what, *WHO]
            )
            return dict(json.loads(said))

        with pytest.raises(ProcessDied):
            order("--kind", "network_down")
        site.end("hub")
        site.wait(lambda: not order()["is_hub_heard"], "the lane to be alone", 40)
        begun = order("--kind", "network_down")
        assert (begun["mode"], begun["emergency"]) == ("emergency", "network_down")
        way = site.benches["lane1"].world.send(visit_of(PAPERS, seed=0))
        site.wait(lambda: bool(order()["is_waiting"]), "the vehicle to be held", 60)
        assert not way.is_gone.is_set()
        with pytest.raises(ProcessDied):
            order("--release", "YL-100")  # of the drill's book
        assert order("--release", "WL-100")["done"]
        assert way.wait_gone(60)
        assert way.left_by == "exit"
        with pytest.raises(ProcessDied):
            order("--kind", "flood")  # no book for it
        assert order("--end")["mode"] == "auto"

        site.start_hub()
        site.console = site.client("admin")
        site.wait(lambda: not site.unsynced(), "the records at the hub", 30)
        bodies = [msgspec.json.decode(row[4]) for row in site.hub_records("lane1")]
        (done,) = [body for body in bodies if body["type"] == "passage_overridden"]
        assert (done["slip"], done["emergency"], done["local"]) == ("WL-100", "network_down", True)
        assert done["by"].startswith("li.wei [")
        audit = site.query(
            site.places.hub_state / "hub.db",
            "SELECT action, detail FROM audit WHERE who LIKE 'li.wei [%' ORDER BY audit_id",
        )
        assert audit == [
            ("command_set_mode", "emergency: network_down: cable cut"),
            ("command_override", "release: WL-100: cable cut"),
            ("command_set_mode", "auto: cable cut"),
        ]
        assert not site.benches["lane1"].world.violations
