"""A camera that reads container numbers posts to the lane over real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from devices.bench.check import _look_at_container_camera
from devices.camera.refusals import Refusal
from devices.clock import SystemClock
from devices.config import ContainerCameraConfig
from devices.container_camera.pushed import PushedContainers
from devices.errors import DeviceConfigError, LinkDown
from devices.sim.container_camera import (
    ANOTHER_CONTAINER,
    SimContainerCamera,
    sim_container_camera,
)
from devices.sim.lane_world import TruckVisit
from devices.sim.posting_camera import PostingFault
from devices.sim.truck import TruckSpec
from gate_agent.adapters.reader import ReaderAdapter, containers_read
from gate_agent.domain.containers import is_container_number
from gate_agent.domain.events import ContainersRead
from gate_agent.inbox import Inbox
from hil_tests.rig import free_ports
from tests.builders import BOX, OTHER_BOX

CLOCK = SystemClock()
VISIT = TruckVisit(
    truck=TruckSpec(gross_kg=20_000.0), picture=b"", card_uid=None, containers=(BOX, OTHER_BOX)
)


def config_of(**changes: object) -> ContainerCameraConfig:
    table = {"listen": "127.0.0.1", "port": 0, "allow": ["127.0.0.0/8"]}
    return msgspec.convert(table | changes, ContainerCameraConfig)


@pytest.fixture
def lane() -> Iterator[PushedContainers]:
    lane = PushedContainers(config_of(), CLOCK)
    lane.open()
    yield lane
    lane.close()


def test_posted_numbers_arrive_at_once_stamped_here(lane: PushedContainers) -> None:
    before_s = CLOCK.now().mono_s
    assert SimContainerCamera(lane.place).read(BOX, OTHER_BOX) == b"{}"
    (reading,) = lane.read(5.0)
    assert reading.numbers == (BOX, OTHER_BOX)
    assert before_s <= reading.received_s <= CLOCK.now().mono_s


def test_a_sign_of_life_and_what_cannot_be_read_are_no_reading(lane: PushedContainers) -> None:
    camera = SimContainerCamera(lane.place)
    camera.read()
    assert (lane.read(0.2), lane.refusals()) == ((), ())
    camera.post("application/json", b'{"plates": []}')
    assert lane.read(0.2) == ()
    assert [each.refusal for each in lane.refusals()] == [Refusal.NO_READING]
    with pytest.raises(LinkDown, match="413"):
        camera.post("application/json", b" " * 65_000)
    place = urlsplit(lane.place)
    link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5.0)
    link.request("POST", "/plates", body=b"{}")
    assert link.getresponse().status == 404
    link.close()


def test_only_who_may_and_knows_the_password_is_heard(tmp_path: Path) -> None:
    stranger = PushedContainers(config_of(allow=["192.0.2.7"]), CLOCK)
    stranger.open()
    with pytest.raises(LinkDown):
        SimContainerCamera(stranger.place).read(BOX)
    stranger.close()
    secret = tmp_path / "secret"
    secret.write_text("b0x\n")
    lane = PushedContainers(config_of(username="camera", password_file=str(secret)), CLOCK)
    lane.open()
    with pytest.raises(LinkDown, match="401"):
        SimContainerCamera(lane.place, username="camera", password="other").read(BOX)
    SimContainerCamera(lane.place, username="camera", password="b0x").read(BOX)
    assert [reading.numbers for reading in lane.read(5.0)] == [(BOX,)]
    lane.close()


def test_it_can_be_closed_and_opened_again_and_a_taken_port_is_named(
    lane: PushedContainers,
) -> None:
    port = int(lane.place.rpartition(":")[2].partition("/")[0])
    with pytest.raises(LinkDown, match=rf"container camera: http://127\.0\.0\.1:{port}/containers"):
        PushedContainers(config_of(port=port), CLOCK).open()
    lane.close()
    assert not lane.is_heard
    with pytest.raises(LinkDown, match="container camera: not open"):
        lane.read(0.0)
    lane.open()
    assert lane.is_heard
    SimContainerCamera(lane.place).read(BOX)
    assert [reading.numbers for reading in lane.read(5.0)] == [(BOX,)]


def test_a_camera_that_is_unplugged_gives_no_number(lane: PushedContainers) -> None:
    camera = SimContainerCamera(lane.place)
    camera.read(BOX)
    assert len(lane.read(5.0)) == 1
    camera.unplug()
    with pytest.raises(LinkDown, match="unplugged"):
        camera.read(BOX)
    assert lane.read(0.2) == ()  # never the last ones again
    camera.plug()
    camera.read(OTHER_BOX)
    assert [reading.numbers for reading in lane.read(5.0)] == [(OTHER_BOX,)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (PostingFault.NONE, [(BOX, OTHER_BOX)]),
        (PostingFault.TWICE, [(BOX, OTHER_BOX)] * 2),
        (PostingFault.ANOTHER, [(ANOTHER_CONTAINER,)]),
        (PostingFault.GARBAGE, []),
        (PostingFault.HALF, []),
    ],
)
def test_the_simulated_camera_posts_what_a_truck_carries(
    lane: PushedContainers, fault: PostingFault, expected: list[tuple[str, ...]]
) -> None:
    camera = SimContainerCamera(lane.place)
    camera.fault = fault
    camera.start()
    camera.look(VISIT)
    found = []
    for _ in range(len(expected) or 1):
        found += [reading.numbers for reading in lane.read(2.0 if expected else 1.0)]
        if len(found) >= len(expected) > 0:
            break
    camera.look(None)
    camera.stop()
    assert found == expected
    assert is_container_number(ANOTHER_CONTAINER)


def test_what_is_posted_is_an_event_of_the_moment_it_came(lane: PushedContainers) -> None:
    inbox = Inbox()
    adapter = ReaderAdapter(lane, containers_read, inbox, CLOCK)
    SimContainerCamera(lane.place).read(BOX)
    assert adapter.serve()
    stamped = inbox.take(0.0)
    assert stamped is not None
    assert stamped.event == ContainersRead(numbers=(BOX,))
    assert 0 <= CLOCK.now().mono_s - stamped.at.mono_s < 5.0


def test_a_list_or_a_password_that_cannot_work_is_named_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match=r"container_camera\.allow: '10\.0\.0\.0/33'"):
        PushedContainers(config_of(allow=["10.0.0.0/33"]), CLOCK)
    with pytest.raises(DeviceConfigError, match=r"container_camera\.password_file"):
        PushedContainers(config_of(username="u", password_file=str(tmp_path / "none")), CLOCK)
    with pytest.raises(DeviceConfigError, match=r"container_camera\.port"):
        sim_container_camera(config_of())


def test_check_names_what_was_posted_meanwhile_and_who_was_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devices.bench.check.CHECK_S", 1.5)
    config = config_of(port=free_ports(1)[0])
    camera, is_over = sim_container_camera(config), threading.Event()
    bodies = [b"not JSON"]

    def keep_posting() -> None:
        while not is_over.wait(0.1):
            with suppress(LinkDown):
                camera.post("application/json", bodies[0])

    traffic = threading.Thread(target=keep_posting)
    traffic.start()
    try:
        refused = _look_at_container_camera(config, CLOCK)
        bodies[0] = json.dumps({"containers": [BOX]}).encode()
        time.sleep(0.3)
        posted = _look_at_container_camera(config, CLOCK)
    finally:
        is_over.set()
        traffic.join()
    assert "a post of 127.0.0.1 was refused: " in refused.en
    assert "http-json" in refused.en
    assert "127.0.0.1 的推送被拒收" in refused.zh
    assert f"posted: {BOX}" in posted.en
