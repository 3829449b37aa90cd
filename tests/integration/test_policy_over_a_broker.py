"""A pack from the command line through the hub's own process and broker to a lane's uplink."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central.store import hub_store
from central.store.connection import open_store
from gate_agent.domain.draws import commitment
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.vocabulary import LaneId
from gate_agent.store.lane_store import LaneStore
from gate_agent.uplink import policy_sync
from gate_agent.wire import v1
from gate_agent.wire.policy_pack import PolicyPackError, read_pack
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


def test_a_lane_of_an_older_version_is_an_alarm_at_the_hub_and_goes_on_by_the_old_rules(
    hub: HubProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_as_an_older_version(body: bytes, name: str) -> PolicyPack:
        if b"is_fee_required" in body:
            raise PolicyPackError(f"{name}: unknown field `is_fee_required` - at `$`")
        return read_pack(body, name)

    monkeypatch.setattr(policy_sync, "read_pack", read_as_an_older_version)
    state = hub.folder / "state"
    token_file, file = tmp_path / "token", tmp_path / "pack.json"
    token_file.write_text(
        hub.cli("token", "add", "desk", "--role", "administrator", "--state", str(state)).stdout
    )

    def imports(**said: object) -> None:
        file.write_text(json.dumps({"owner": "rules desk"} | said))
        place = ("--url", f"http://127.0.0.1:{hub.http_port}", "--token-file", str(token_file))
        kept = hub.cli("policy", "import", str(file), *place)
        assert kept.returncode == 0, kept.stderr

    def alarms() -> list[tuple[str, str]]:
        store = open_store(state / "hub.db")
        with closing(store):
            return [(row.lane, row.code) for row in store.read_now(hub_store.alarms)]

    imports(version="7")
    (tmp_path / "lane").mkdir()
    store = LaneStore(tmp_path / "lane" / "lane.db", LaneId("lane1"), ReleasePolicy())
    with closing(store), uplink_of(store, hub) as (uplink, _):
        wait_until("the lane holds the pack", lambda: uplink.policy.digest != "", 40)
        imports(version="8", is_fee_required=True)
        wait_until("the hub raises it", lambda: alarms() == [("lane1", "policy_refused")], 40)
        assert [pack.version for pack in uplink.policy.packs] == ["7"]
