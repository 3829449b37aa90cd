"""What the console and the API may use: one value, made by `central.assembly`."""

from __future__ import annotations

from dataclasses import dataclass

from central.auth.access import Access
from central.clock import Clock
from central.config import CentralConfig
from central.hub.changes import Changes
from central.hub.clips import Clips
from central.hub.commands import Commands
from central.hub.lanes import Lanes
from central.hub.retention import Retention
from central.manifest.versions import ManifestService
from central.store.connection import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running hub, as seen by a page."""

    config: CentralConfig
    clock: Clock
    store: Store
    lanes: Lanes
    commands: Commands
    clips: Clips
    retention: Retention
    manifest: ManifestService
    changes: Changes
    access: Access
