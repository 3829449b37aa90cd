"""Looks the lane's copy of the manifest through while the lane works already."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gate_agent.errors import DamagedError, StoreError
from gate_agent.store.hub_cache import condemn
from gate_agent.store.schema import is_large, look_through

if TYPE_CHECKING:
    from pathlib import Path

    from gate_agent.logs import Log


class LookThrough(threading.Thread):
    """Reads hub.db once from end to end. `found` is what is damaged, "" as long as nothing is.

    A damaged file is marked, and begun anew by the next start: the hub sends everything again.
    """

    def __init__(self, path: Path, log: Log) -> None:
        super().__init__(name="look-through", daemon=True)
        self._path = path
        self._log = log
        self.found = ""

    def run(self) -> None:
        """Once; a small file was looked through when it was opened."""
        try:
            if is_large(self._path):
                look_through(self._path)
        except DamagedError as exc:
            self._condemn(str(exc))
        except (StoreError, OSError) as exc:
            self._log.warning("manifest_not_looked_through", detail=str(exc))

    def _condemn(self, why: str) -> None:
        try:
            condemn(self._path, why)
        except StoreError as exc:
            self._log.error("manifest_damaged", detail=f"{why}; {exc}")
        self.found = why
