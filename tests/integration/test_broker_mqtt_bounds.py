"""What the embedded broker may take of the disk when the hub takes nothing from it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import embedded
from central.broker.embedded import HUB_USER, BrokerPlace, EmbeddedBroker
from tests.hub_bench import free_port

STORE_BYTES = 5_000_000
PAYLOAD = b"x" * 100_000
TOPIC = "gate/v1/port/lane1/records"


class _Client:
    def __init__(self, port: int, user: str, password: str) -> None:
        self.confirmed = 0
        self.waiting: list[paho.MQTTMessage] = []
        self.mqtt = paho.Client(CallbackAPIVersion.VERSION2, client_id=user, manual_ack=True)
        self.mqtt.username_pw_set(user, password)
        self.mqtt.reconnect_delay_set(1, 1)
        self.mqtt.on_message = lambda _client, _userdata, message: self.waiting.append(message)
        self.mqtt.on_publish = self._on_publish
        self.mqtt.connect("127.0.0.1", port, 10)
        self.mqtt.loop_start()

    def _on_publish(self, *_: object) -> None:
        self.confirmed += 1

    def take(self) -> None:
        taken, self.waiting = self.waiting, []
        for message in taken:
            self.mqtt.ack(message.mid, message.qos)

    def stop(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def _stored_bytes(folder: Path) -> int:
    sizes = [path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file()]
    return sum(sizes)


async def _until(condition: Callable[[], object], what: str, act: Callable[[], None]) -> None:
    deadline_s = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline_s, f"not within 30 s: {what}"
        act()
        await asyncio.sleep(0.05)


def test_a_hub_that_takes_nothing_does_not_fill_the_disk_and_all_goes_on_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STORE_BYTES", STORE_BYTES)
    asyncio.run(_flood(tmp_path))


async def _flood(folder: Path) -> None:
    place = BrokerPlace(
        host="127.0.0.1", port=free_port(), folder=folder, site="port", lanes=("lane1",)
    )
    broker = EmbeddedBroker(place)
    await broker.start()
    hub = _Client(place.port, HUB_USER, broker.password_of(HUB_USER))
    lane = _Client(place.port, "lane1", broker.password_of("lane1"))
    try:
        await _until(hub.mqtt.is_connected, "the hub connects", lambda: None)
        hub.mqtt.subscribe(TOPIC, 1)
        await _until(lane.mqtt.is_connected, "the lane connects", lambda: None)
        for _ in range(2 * STORE_BYTES // len(PAYLOAD)):
            lane.mqtt.publish(TOPIC, PAYLOAD, 1)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert _stored_bytes(folder) < 1.2 * STORE_BYTES
        before = lane.confirmed
        await _until(lambda: lane.confirmed > before + 10, "the lane is taken again", hub.take)
    finally:
        lane.stop()
        hub.stop()
        await broker.stop()
