"""What the console and the API say of a lane's proof, and the dossier that they hand out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from central.auth.roles import Role
from central.hub.ingest import decode
from central.store import ingest_store
from gate_agent.cli import main as agent_main
from gate_agent.wire import v1
from tests.console_desk import Desk
from tests.hub_bench import NOW_MS, arrival, batch
from tests.kept_lane import KeptStory, contents, rows, sealed


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.sign_in("vera")
    return desk


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[KeptStory]:
    with closing(KeptStory(tmp_path / "lane")) as story:
        story.ready()
        story.passage_released()
        yield story


def records(lane: KeptStory) -> list[v1.RawRecord]:
    return [
        v1.RawRecord(seq=r.seq, at_ms=r.at_ms, body=msgspec.Raw(r.body), chain=r.chain)
        for r in rows(lane.path)
    ]


def arrive(desk: Desk, lane: KeptStory, found: list[v1.RawRecord]) -> None:
    payload = batch("lane1", lane.store.epoch, found)
    desk.services.store.write_now(ingest_store.ingest, [decode(arrival(payload), NOW_MS)])
    desk.services.lanes.know("lane1")


def test_the_dossier_of_a_passage_is_handed_out_byte_for_byte(
    desk: Desk, lane: KeptStory, tmp_path: Path
) -> None:
    arrive(desk, lane, records(lane))
    (seal,), (content,) = sealed(lane.path), contents(lane.path)
    page = desk.client.get(f"/passages/{seal.passage_id}").text
    assert f"/passages/{seal.passage_id}/dossier" in page
    assert seal.sha256 in page
    answer = desk.client.get(f"/passages/{seal.passage_id}/dossier")
    assert answer.content == content
    assert f'filename="{seal.passage_id}.json"' in answer.headers["content-disposition"]
    by_token = desk.client.get(
        f"/api/v1/passages/{seal.passage_id}/dossier", headers=desk.token(Role.VIEWER)
    )
    assert by_token.content == content
    saved = tmp_path / "saved.json"
    saved.write_bytes(answer.content)
    assert agent_main(["replay", str(saved)]) == 0


def test_a_passage_without_a_dossier_is_said_to_have_none(desk: Desk, lane: KeptStory) -> None:
    arrive(desk, lane, records(lane)[:-1])
    passage_id = sealed(lane.path)[0].passage_id
    page = desk.client.get(f"/passages/{passage_id}").text
    assert "/dossier" not in page
    assert desk.client.get(f"/passages/{passage_id}/dossier").status_code == 404
    answer = desk.client.get(
        f"/api/v1/passages/{passage_id}/dossier", headers=desk.token(Role.VIEWER)
    )
    assert answer.status_code == 404
    assert passage_id in answer.json()["error"]


def test_a_lane_whose_chain_holds_is_shown_as_proved(desk: Desk, lane: KeptStory) -> None:
    arrive(desk, lane, records(lane))
    assert "记录链完整" in desk.client.get("/lanes/lane1").text
    found = _the_lane(desk)
    assert (found["missing"], found["lost"], found["chain_breaks"]) == (0, 0, 0)
    assert found["proved_from"] == 1


def test_a_record_that_was_altered_is_on_the_lanes_page_and_in_the_alarms(
    desk: Desk, lane: KeptStory
) -> None:
    found = records(lane)
    found[2] = msgspec.structs.replace(found[2], at_ms=found[2].at_ms + 1)
    arrive(desk, lane, found)
    assert "记录链断裂 1 处" in desk.client.get("/lanes/lane1").text
    assert _the_lane(desk)["chain_breaks"] == 1
    log = desk.client.get("/log").text
    assert "记录链不连续" in log
    assert "record 3 altered" in log


def test_a_lane_of_an_older_version_is_shown_without_a_chain(desk: Desk, lane: KeptStory) -> None:
    arrive(desk, lane, [msgspec.structs.replace(r, chain=None) for r in records(lane)])
    page = desk.client.get("/lanes/lane1").text
    assert "无记录链" in page
    assert "记录链断裂" not in page


def _the_lane(desk: Desk) -> dict[str, object]:
    lanes = desk.client.get("/api/v1/lanes", headers=desk.token(Role.VIEWER)).json()
    found: dict[str, object] = next(each for each in lanes if each["lane"] == "lane1")
    return found
