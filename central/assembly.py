"""Puts the hub together and takes it apart again, everything but its web pages.

Start: the lock of the state folder, the database, the broker, then the connection to it. Stop:
the other way round, so that what has arrived is still stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Protocol

import structlog

from central.auth.access import Access
from central.auth.commands import access_path
from central.broker.embedded import HUB_USER, BrokerPlace, EmbeddedBroker, read_password
from central.clock import Clock
from central.config import CentralConfig
from central.errors import StoreError
from central.hub.changes import Changes
from central.hub.claims import Claims
from central.hub.clips import Clips
from central.hub.commands import Commands
from central.hub.ingest import Ingest
from central.hub.lanes import Lanes
from central.hub.mqtt import HubMqtt, MqttAddress, Received
from central.hub.refusals import Refusals
from central.hub.retention import Retention
from central.hub.switchboard import Switchboard
from central.manifest.distribute import Distributor
from central.manifest.versions import ManifestService
from central.services import Services
from central.store import hub_store
from central.store.connection import Store, open_store
from central.store.ingest_store import Acknowledgement
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import RecordAck, encode

CANCEL_AGAIN_S = 0.5

log = structlog.get_logger()


class HubLink(Protocol):
    """The hub's connection to the lanes; `HubMqtt` says what its calls mean."""

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and we have not heard otherwise."""
        ...

    def start(self) -> None:
        """Begin to connect."""
        ...

    async def stop(self) -> None:
        """Disconnect."""
        ...

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane; False, and nothing is kept, while there is no broker."""
        ...

    async def drained(self) -> None:
        """Wait until little is on the way, or the broker is gone."""
        ...


class Hub:
    """The running hub. `start()` once, `stop()` once; event loop only."""

    def __init__(self, config: CentralConfig, clock: Clock, *, failed: Callable[[], None]) -> None:
        """`failed` is called when a part ended that must never end."""
        self._config = config
        self._clock = clock
        self._failed = failed
        self._tasks: list[asyncio.Task[None]] = []
        self._later: set[asyncio.Task[None]] = set()
        self._cleanup = contextlib.AsyncExitStack()
        self.broker: EmbeddedBroker | None = None

    async def start(self) -> Services:
        """Bring everything up. Raises `StoreError`, `BrokerError`; then nothing is left running."""
        try:
            return await self._start()
        except BaseException:
            await self._cleanup.aclose()
            raise

    async def stop(self) -> None:
        """Take everything down."""
        await self._cleanup.aclose()

    async def _start(self) -> Services:
        self._cleanup.enter_context(_only_hub(self._config.state_folder))
        store = self._open_store()
        self._cleanup.callback(store.close)
        access = Access(access_path(self._config.state_folder), self._clock.wall_ms)
        self._cleanup.callback(access.close)
        changes = Changes()
        known = [found.lane for found in await store.read(hub_store.lanes)]
        lanes = Lanes(self._clock, [*self._config.lanes, *known])
        self.mqtt = await self._make_link()
        self.distributor = Distributor(store=store, clock=self._clock, sender=self.mqtt)
        manifest = ManifestService(
            store=store, clock=self._clock, changed=lambda: self._manifest_changed(changes)
        )
        self.commands = Commands(
            store=store,
            clock=self._clock,
            lanes=lanes,
            changes=changes,
            sender=self.mqtt,
            expires_after_s=self._config.commands.expires_after_s,
        )
        self.claims = Claims(store=store, clock=self._clock, sender=self.mqtt)
        self.clips = Clips(store=store, clock=self._clock, changes=changes, sender=self.mqtt)
        self.retention = Retention(
            store=store,
            clock=self._clock,
            changes=changes,
            clips=self.clips,
            config=self._config.retention,
            free_bytes=self._free_bytes,
        )
        self.refusals = Refusals(store=store, clock=self._clock, changes=changes)
        self.ingest = self._make_ingest(store, changes, lanes, manifest)
        self.switchboard = Switchboard(
            ingest=self.ingest,
            lanes=lanes,
            changes=changes,
            manifest_asked=self.distributor.request,
            lane_came=self._lane_came,
            policy_asked=self.distributor.request_policy,
            claimed=self.claims.request,
            clip_came=self.clips.came,
            health_came=self.refusals.heard,
        )
        await self._run_parts(manifest)
        return Services(
            config=self._config,
            clock=self._clock,
            store=store,
            lanes=lanes,
            commands=self.commands,
            clips=self.clips,
            retention=self.retention,
            manifest=manifest,
            changes=changes,
            access=access,
        )

    # The seams at which the virtual port (hil_tests) puts its own: what touches disk and wire.

    def _open_store(self) -> Store:
        return open_store(self._config.database)

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._config.state_folder).free

    async def _make_link(self) -> HubLink:
        return HubMqtt(
            await self._broker_address(),
            received=self._received,
            connection_changed=self._connection_changed,
        )

    def _make_ingest(
        self, store: Store, changes: Changes, lanes: Lanes, manifest: ManifestService
    ) -> Ingest:
        def stored() -> None:
            manifest.uses_may_wait()
            changes.announce()

        def acknowledge(ack: Acknowledgement) -> None:
            lanes.know(ack.lane)
            payload = encode(RecordAck(epoch=ack.epoch, through_seq=ack.through_seq))
            self.mqtt.send(ack.lane, Stream.ACK, payload, qos=0)

        return Ingest(store=store, clock=self._clock, acknowledge=acknowledge, stored=stored)

    async def _run_parts(self, manifest: ManifestService) -> None:
        self._cleanup.push_async_callback(self._end_tasks)
        for name, part in (
            ("ingest", self.ingest.run()),
            ("commands", self.commands.run()),
            ("clips", self.clips.run()),
            ("retention", self.retention.run()),
            ("manifest", manifest.run()),
            ("distributor", self.distributor.run()),
        ):
            self._keep(name, part)
        self._cleanup.push_async_callback(self.distributor.stop)
        self._cleanup.push_async_callback(self.claims.stop)
        self._cleanup.push_async_callback(self.refusals.stop)
        self._cleanup.push_async_callback(self.clips.stop)
        self.mqtt.start()
        self._cleanup.push_async_callback(self.mqtt.stop)

    async def _broker_address(self) -> MqttAddress:
        broker = self._config.broker
        if broker.embedded:
            self.broker = EmbeddedBroker(
                BrokerPlace(
                    host=broker.host,
                    port=broker.port,
                    folder=self._config.state_folder / "broker",
                    site=self._config.site,
                    lanes=self._config.lanes,
                )
            )
            self._cleanup.push_async_callback(self.broker.stop)
            await self.broker.start()
            user, password = HUB_USER, self.broker.password_of(HUB_USER)
        else:
            user, password = broker.user, read_password(Path(broker.password_file))
        return MqttAddress(
            host=broker.host,
            port=broker.port,
            user=user,
            password=password,
            site=self._config.site,
        )

    def _manifest_changed(self, changes: Changes) -> None:
        self.distributor.announce()
        changes.announce()

    def _received(self, message: Received) -> None:
        self.switchboard.receive(message)

    def _connection_changed(self, connected: bool) -> None:  # noqa: FBT001 - a callback's argument
        if connected:
            self._soon(self._send_orders_again(None))
            self.distributor.announce()

    def _lane_came(self, lane: str) -> None:
        self._soon(self._send_orders_again(lane))
        self.distributor.announce()  # it may have missed every head until now

    async def _send_orders_again(self, lane: str | None) -> None:
        try:
            await self.commands.send_again(lane)
        except StoreError as exc:
            log.warning("orders_not_sent_again", error=str(exc))

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _keep(self, name: str, work: Coroutine[None, None, None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled():
                log.error("hub_part_ended", part=name, exc_info=task.exception())
                self._failed()

        task = asyncio.create_task(work, name=name)
        task.add_done_callback(ended)
        self._tasks.append(task)

    async def _end_tasks(self) -> None:
        tasks = [*self._tasks, *self._later]
        left = set(tasks)
        while left:
            # More than once: in Python 3.11 a `wait_for` whose time has come swallows the first.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _only_hub(folder: Path) -> Iterator[None]:
    """Hold the state folder's lock. Raises `StoreError` when another hub holds it."""
    path = folder / "hub.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="ascii")
    except OSError as exc:
        raise StoreError(f"{path}: {exc.strerror}") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{path}: another gate-central runs on this state folder") from None
        yield
