"""A pack from the command line through the hub's own process and broker to a lane's uplink."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate_agent.domain.draws import commitment
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import LaneId
from gate_agent.store.lane_store import LaneStore
from gate_agent.wire import v1
from tests.hub_bench import wait_until
from tests.hub_process import HubProcess, running_hub
from tests.lane_uplink import uplink_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    yield from running_hub(tmp_path)


def test_a_pack_imported_by_command_reaches_a_lane_with_its_secret_and_no_other_lanes_topic(
    hub: HubProcess, tmp_path: Path
) -> None:
    state = hub.folder / "state"
    token = hub.cli("token", "add", "desk", "--role", "administrator", "--state", str(state))
    token_file = tmp_path / "token"
    token_file.write_text(token.stdout)
    place = ("--url", f"http://127.0.0.1:{hub.http_port}", "--token-file", str(token_file))
    begins = datetime.now(UTC) + timedelta(minutes=5)
    ends = begins + timedelta(days=30)
    made = hub.cli(
        "policy", "new-period", "p1", "--from", begins.isoformat(), "--until", ends.isoformat(),
        *place,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    file = tmp_path / "pack.json"
    pack = {"version": "7", "owner": "rules desk", "draw_periods": [json.loads(made.stdout)]}
    file.write_text(json.dumps(pack | {"limits": {"min_plate_frames": 0}}))
    refused = hub.cli("policy", "import", str(file), *place)
    assert refused.returncode == 1
    assert "pack.json" in refused.stderr
    assert "$.limits.min_plate_frames" in refused.stderr
    file.write_text(json.dumps(pack))
    kept = hub.cli("policy", "import", str(file), *place)
    assert kept.returncode == 0, kept.stderr
    assert "in force" in hub.cli("policy", "list", *place).stdout
    assert "not over" in hub.cli("policy", "reveal", "p1", *place).stderr

    (tmp_path / "lane").mkdir()
    store = LaneStore(tmp_path / "lane" / "lane.db", LaneId("lane1"), ReleasePolicy())
    with closing(store), uplink_of(store, hub) as (uplink, cache):
        wait_until("the lane holds the pack", lambda: uplink.policy.digest != "", 40)
        (held,) = uplink.policy.packs
        assert held.version == "7"
        secret = uplink.policy.secrets["p1"].secret
        assert commitment(secret) == held.draw_periods[0].commitment
        assert cache.policy() == uplink.policy
    log = (hub.folder / "hub.log").read_text()
    assert secret.hex() not in log
    assert isinstance(v1.PolicyPacks, type)
