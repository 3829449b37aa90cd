"""A clip from a lane's disk through its uplink, the broker and the hub to whoever asked for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from gate_agent.domain.events import ClipKept
from gate_agent.domain.vocabulary import PassageId
from tests.hub_bench import wait_until
from tests.hub_process import HubProcess, running_hub
from tests.kept_lane import KeptStory
from tests.lane_uplink import uplink_of

CLIP = random.Random(7).randbytes(5_000_000)
CLIP_ID = sha256(CLIP).hexdigest()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    yield from running_hub(tmp_path)


class Api:
    """A supervisor's token at the hub's API."""

    def __init__(self, hub: HubProcess) -> None:
        state = str(hub.folder / "state")
        made = hub.cli("token", "add", "desk", "--role", "supervisor", "--state", state)
        self._headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        self._url = f"http://127.0.0.1:{hub.http_port}/api/v1"

    def ask(self, path: str, method: str = "GET") -> httpx.Response:
        return httpx.request(method, self._url + path, headers=self._headers, timeout=30)

    def clip(self, passage_id: str) -> dict[str, Any]:
        answer = self.ask(f"/passages/{passage_id}")
        found: dict[str, Any] | None = answer.json().get("clip")
        return found or {"state": "none", "here_bytes": 0}


def filmed_passage(story: KeptStory) -> PassageId:
    """One vehicle that is released, and whose clip is on the lane's disk."""
    story.ready().waits_for_verdict().manifest_answers()
    passage_id = story.passage.passage_id
    story.boom_goes_up().drives_out()
    story.happens(ClipKept(passage_id=passage_id, clip_id=CLIP_ID, frames=60))
    story.passes(2.0).boom_comes_down().passes(1.0)
    path = story.path.parent / "clips" / CLIP_ID[:2] / f"{CLIP_ID}.avi"
    path.parent.mkdir(parents=True)
    path.write_bytes(CLIP)
    return passage_id


def test_a_clip_comes_over_the_broker_though_the_hub_is_killed_and_no_record_waits_for_it(
    hub: HubProcess, tmp_path: Path
) -> None:
    api, folder = Api(hub), tmp_path / "lane"
    folder.mkdir()
    with closing(KeptStory(folder)) as story:
        passage_id = filmed_passage(story)
        with uplink_of(story.store, hub) as (uplink, cache):

            def is_acknowledged() -> bool:
                return cache.acknowledged(story.store.epoch) >= story.store.last_seq

            def state() -> str:
                return str(api.clip(passage_id)["state"])

            wait_until("the passage is known", lambda: state() == "at_lane", 40)
            assert api.ask(f"/passages/{passage_id}/clip", "POST").status_code == 202
            wait_until("some of it is here", lambda: api.clip(passage_id)["here_bytes"] > 0, 40)
            hub.kill()
            hub.start()
            while state() == "pending":  # all the while vehicles come and go
                story.passage_turned_back()
                uplink.wake()
                wait_until("their records are acknowledged", is_acknowledged, 10)
            assert state() == "here"
            assert api.ask(f"/clips/{CLIP_ID}").content == CLIP
    assert hub.cli("verify", "--state", str(hub.folder / "state")).returncode == 0
