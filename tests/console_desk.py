"""The console and API on real stores in a folder, without a broker: for tests with TestClient.

Records come in through the hub's own decoding and ingest. Orders are audited and stored as ever;
with no broker there is nobody to send them to, so they stay pending.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from central.app import create_app
from central.auth import commands as auth_commands
from central.auth import passwords
from central.auth.access import Access
from central.auth.roles import Role
from central.clock import ManualClock
from central.config import CentralConfig
from central.hub.changes import Changes
from central.hub.clips import Clips
from central.hub.commands import Commands
from central.hub.ingest import Arrival, decode
from central.hub.lanes import Lanes
from central.hub.mqtt import HubMqtt, MqttAddress
from central.hub.retention import Retention
from central.manifest.versions import ManifestService
from central.services import Services
from central.store import ingest_store
from central.store.connection import open_store
from gate_agent.wire import v1
from gate_agent.wire.topics import Address, Stream, topic

with warnings.catch_warnings():
    # Starlette asks for a newer httpx than our lock has; the one we have serves it as well.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PASSWORD = "harbour lights 7"
BROWSER = {"sec-fetch-site": "same-origin"}


@dataclass
class Desk:
    """A console to be driven."""

    client: TestClient
    services: Services
    clock: ManualClock
    state: Path
    seq: int = 0

    def send(self, *bodies: v1.RecordBody, lane: str = "lane1") -> None:
        records = []
        for body in bodies:
            self.seq += 1
            raw = msgspec.Raw(v1.encode(body))
            records.append(v1.RawRecord(seq=self.seq, at_ms=self.clock.wall_ms(), body=raw))
        batch = v1.RecordBatch(lane=lane, epoch="e1", records=tuple(records))
        arrival = Arrival(
            topic=topic("port", lane, Stream.RECORDS),
            address=Address("port", lane, Stream.RECORDS),
            payload=v1.encode(batch),
            settle=lambda: None,
        )
        decoded = decode(arrival, self.clock.wall_ms())
        self.services.store.write_now(ingest_store.ingest, [decoded])
        self.services.lanes.know(lane)

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        answer = self.client.post(
            "/login", data={"name": name, "password": password}, headers=BROWSER
        )
        assert answer.status_code == 303, answer.text

    def token(self, role: Role) -> dict[str, str]:
        secret = auth_commands.add_token(self.state, f"t-{role}", role, 0)
        return {"Authorization": f"Bearer {secret}"}


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Argon2 at its lowest cost: the tests check who comes in, not how long a guess takes."""
    usual = passwords._hasher
    passwords._hasher = PasswordHasher.from_parameters(CHEAPEST)
    try:
        yield
    finally:
        passwords._hasher = usual


@contextmanager
def open_desk(folder: Path) -> Iterator[Desk]:
    """A console with a viewer, a supervisor and an administrator."""
    config = CentralConfig(site="port", state=str(folder), lanes=("lane1", "lane2"))
    clock = ManualClock()
    for name, role in (
        ("vera", Role.VIEWER),
        ("sun.li", Role.SUPERVISOR),
        ("admin", Role.ADMINISTRATOR),
    ):
        auth_commands.add_user(folder, name, PASSWORD, role, 0)
    store = open_store(config.database)
    access = Access(auth_commands.access_path(folder), clock.wall_ms)
    changes = Changes()
    lanes = Lanes(clock, config.lanes)
    mqtt = HubMqtt(
        MqttAddress(host="127.0.0.1", port=1, user="", password="", site="port"),
        received=lambda _message: None,
        connection_changed=lambda _connected: None,
    )
    clips = Clips(store=store, clock=clock, changes=changes, sender=mqtt)
    services = Services(
        config=config,
        clock=clock,
        store=store,
        lanes=lanes,
        commands=Commands(
            store=store,
            clock=clock,
            lanes=lanes,
            changes=changes,
            sender=mqtt,
            expires_after_s=20.0,
        ),
        clips=clips,
        retention=Retention(
            store=store,
            clock=clock,
            changes=changes,
            clips=clips,
            config=config.retention,
            free_bytes=lambda: 10**12,
        ),
        manifest=ManifestService(store=store, clock=clock, changed=changes.announce),
        changes=changes,
        access=access,
    )
    try:
        app = create_app(services)
        with TestClient(app, base_url="http://hub.test", follow_redirects=False) as client:
            yield Desk(client=client, services=services, clock=clock, state=folder)
    finally:
        access.close()
        store.close()
