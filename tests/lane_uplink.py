"""A lane's real uplink, over a real broker, to a hub process: for tests of what travels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from central.broker.embedded import password_file, read_password
from devices.clock import SystemClock
from gate_agent.inbox import Inbox
from gate_agent.store.clip_shelf import ClipShelf
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.lane_store import LaneStore, OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.mqtt import BrokerAddress
from gate_agent.uplink.uplink import Uplink
from tests.agent_rig import quiet_log
from tests.hub_bench import SITE, a_health
from tests.hub_process import HubProcess


@contextmanager
def uplink_of(store: LaneStore, hub: HubProcess) -> Iterator[tuple[Uplink, HubCache]]:
    """The uplink of lane1, whose database this is, running; and what it holds of the hub."""
    folder = store.path.parent
    password = read_password(password_file(hub.folder / "state" / "broker", "lane1"))
    with (
        closing(HubCache(folder / "hub.db")) as cache,
        closing(OutboxReader(store.path)) as outbox,
    ):
        uplink = Uplink(
            SITE,
            "lane1",
            store.epoch,
            "1",
            BrokerAddress(
                host="127.0.0.1",
                port=hub.mqtt_port,
                client_id="lane1",
                username="lane1",
                password=password,
                ca_file="",
            ),
            cache,
            outbox,
            PictureFiles(folder / "pictures", max_bytes=1_000_000),
            lambda _unsent, _oldest: a_health("lane1"),
            Inbox(),
            SystemClock(),
            quiet_log(),
            clips=ClipShelf(folder),
        )
        uplink.start()
        try:
            yield uplink, cache
        finally:
            uplink.stop()
