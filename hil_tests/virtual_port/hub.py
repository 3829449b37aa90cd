"""The real hub without web pages and threads: its store does at once what is asked of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from central.assembly import Hub, HubLink
from central.config import CentralConfig
from central.store.connection import Store, open_store
from hil_tests.virtual_port.loop import HubClock
from hil_tests.virtual_port.network import SITE, HubSide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.services import Services
    from hil_tests.virtual_port.network import Network

DISK_BYTES = 10**12  # the same on every machine that plays a port
P = ParamSpec("P")
T = TypeVar("T")


class InlineStore(Store):
    """The hub's store in the only thread there is."""

    async def write(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One transaction. Raises `StoreError`."""
        return self._write(query, *args, **kwargs)

    async def read(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One snapshot. Raises `StoreError`."""
        return self._read(query, *args, **kwargs)


class VirtualHub(Hub):
    """The hub's own assembly, with the network that is played."""

    def __init__(self, config: CentralConfig, network: Network) -> None:
        super().__init__(config, HubClock(network.loop), failed=self._part_failed)
        self._network = network
        self.failures = 0

    def _part_failed(self) -> None:
        self.failures += 1

    def _open_store(self) -> Store:
        return open_store(self._config.database, kind=InlineStore)

    def _free_bytes(self) -> int:
        return DISK_BYTES

    async def _make_link(self) -> HubLink:
        return HubSide(self._network, self._received, self._connection_changed)


class HubProcess:
    """The machine on which the hub runs: it is killed, started, and put back to a backup."""

    def __init__(self, folder: Path, network: Network, lanes: list[str]) -> None:
        self._config = CentralConfig(site=SITE, state=str(folder), lanes=tuple(lanes))
        self._network = network
        self._hub: VirtualHub | None = None
        self.services: Services | None = None
        self.failures = 0

    @property
    def database(self) -> Path:
        """The hub's file."""
        return self._config.database

    async def start(self) -> None:
        """Start it, if it does not run."""
        if self._hub is None:
            hub = VirtualHub(self._config, self._network)
            self._hub = hub
            self.services = await hub.start()

    async def stop(self) -> None:
        """End it. What was not committed is gone; nothing is ever half committed."""
        hub, self._hub, self.services = self._hub, None, None
        if hub is not None:
            await hub.stop()
            self.failures += hub.failures

    def back_up(self) -> bytes:
        """The database as a backup has it."""
        with closing(sqlite3.connect(self.database)) as live:
            return live.serialize()

    def restore(self, image: bytes) -> None:
        """Put a backup in place; the hub must not run."""
        for suffix in ("-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        self.database.write_bytes(image)
