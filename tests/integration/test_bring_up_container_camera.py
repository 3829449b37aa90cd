"""A camera that posts container numbers is brought into service; mistakes are named."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import msgspec
import pytest

from devices.config import ContainerCameraConfig, DevicesConfig
from devices.errors import LinkDown
from devices.sim.container_camera import SimContainerCamera
from hil_tests.rig import devices_at, free_ports
from tests.builders import BOX, OTHER_BOX
from tests.technician import Technician

GOOD = b'{"containers": ["CSQU 305438-3"]}'


def table_of(**keys: object) -> ContainerCameraConfig:
    table = {"listen": "127.0.0.1", "allow": ["127.0.0.0/8"], "port": free_ports(1)[0]}
    return msgspec.convert(table | keys, ContainerCameraConfig)


def lane_with(folder: Path, table: ContainerCameraConfig) -> DevicesConfig:
    return msgspec.structs.replace(devices_at(folder, 1, 2), container_camera=table)


class Traffic:
    """A camera that posts one body again and again, as long as the walk lasts."""

    def __init__(self, table: ContainerCameraConfig, body: bytes, path: str) -> None:
        self.camera = SimContainerCamera(f"http://127.0.0.1:{table.port}{path}")
        self._body = body
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.05):
            with contextlib.suppress(LinkDown):
                self.camera.post("application/json", self._body)


@pytest.mark.parametrize(
    ("answer", "is_well", "said"),
    [
        ("y", True, "CSQU 305438-3"),
        (BOX.lower(), True, "CSQU 305438-3"),
        (OTHER_BOX, False, "the box has another number"),
        ("", True, "nobody compares"),
    ],
)
def test_a_camera_that_reads_containers_is_proved_with_a_box(
    tmp_path: Path, answer: str, said: str, *, is_well: bool
) -> None:
    technician, table = Technician(), table_of()
    with Traffic(table, GOOD, "/containers"):
        answers = {"vehicle": "", "container": answer}
        lane = lane_with(tmp_path, table)
        assert technician.brings_up("container_camera", lane, answers, wait_s=10.0) is is_well
    assert f"127.0.0.1:{table.port}/containers" in technician.said
    assert said in technician.said


def test_a_post_that_is_not_taken_is_told_with_what_to_set(tmp_path: Path) -> None:
    technician = Technician()
    for table, body, path, advice in (
        (
            table_of(allow=["192.0.2.7"]),
            GOOD,
            "/containers",
            "may not post: container_camera.allow",
        ),
        (table_of(), GOOD, "/other", "it posts to /other: container_camera.path"),
        (table_of(), b'{"box": "x"}', "/containers", 'http-json: {"containers":["CSQU3054383"]}'),
        (table_of(), b" " * 70_000, "/containers", "over container_camera.body_max_kb = 64"),
    ):
        with Traffic(table, body, path):
            lane = lane_with(tmp_path, table)
            assert not technician.brings_up("container_camera", lane, {"vehicle": ""}, wait_s=0.6)
        assert advice in technician.said


def test_nothing_posted_and_an_address_that_is_taken_are_told(tmp_path: Path) -> None:
    technician, table = Technician(), table_of()
    lane = lane_with(tmp_path, table)
    assert not technician.brings_up("container_camera", lane, {"vehicle": ""}, wait_s=0.1)
    assert "nothing was posted to" in technician.said
    assert 'container_camera.listen = "127.0.0.1" hears this machine only' in technician.said
