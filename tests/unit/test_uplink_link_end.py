"""A link that is stopped is gone at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_agent.uplink.mqtt import BrokerAddress, MqttLink
from hil_tests.rig import free_ports


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def sockets() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.mark.usefixtures("without_collector")
def test_a_stopped_link_leaves_no_socket_to_the_collector() -> None:
    before = sockets()
    address = BrokerAddress(
        host="127.0.0.1",
        port=free_ports(1)[0],
        client_id="demo-lane1",
        username="",
        password="",
        ca_file="",
    )
    link = MqttLink(address, ["gate/v1/demo/lane1/ack"], ("gate/v1/demo/lane1/status", b"{}"))
    link.start()
    link.inbox.get(timeout=10)  # nobody listens there: it says so

    link.stop()

    assert sockets() <= before
