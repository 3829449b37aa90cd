"""The parts of a manifest that has not wholly come: a large one must not wait in memory.

What is longer than a few megabytes waits in a file beside hub.db that has no name: it is gone with
the process, and dropping it needs no room on a disk that is full.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from gate_agent.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IN_MEMORY_BYTES = 4_000_000
LEFT_FREE_BYTES = 64_000_000
"""So much of the disk is left to the lane's own records."""


class ArrivingParts:
    """Encoded parts by their number. Belongs to the uplink thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[int, tuple[int, int]] = {}
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._end = 0

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[bytes]:
        """Every part, in the order of the numbers. Raises `StoreError`."""
        if self._file is None:
            return
        try:
            for at, size in (self._places[number] for number in sorted(self._places)):
                self._file.seek(at)
                yield self._file.read(size)
        except OSError as exc:
            raise StoreError(f"{self._folder}: a part of a manifest cannot be read: {exc}") from exc

    def keep(self, number: int, body: bytes) -> None:
        """Keep one; one that came twice is kept once. Raises `StoreError`: then it is not kept."""
        if number in self._places:
            return
        try:
            self._refuse_the_last_room(len(body))
            if self._file is None:
                self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - `drop` closes it
                    IN_MEMORY_BYTES, dir=str(self._folder)
                )
            self._file.seek(self._end)
            self._file.write(body)
            self._file.flush()
        except OSError as exc:
            raise StoreError(f"{self._folder}: a part of a manifest cannot be kept: {exc}") from exc
        self._places[number] = (self._end, len(body))
        self._end += len(body)

    def drop(self) -> None:
        """Forget all of them, and give the file back."""
        file, self._file = self._file, None
        self._places, self._end = {}, 0
        if file is not None:
            with suppress(OSError):  # what was not yet written has no room, and is not needed
                file.close()

    def _refuse_the_last_room(self, more_bytes: int) -> None:
        if self._end + more_bytes <= IN_MEMORY_BYTES:
            return
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < LEFT_FREE_BYTES + more_bytes:
            raise OSError("the disk is nearly full")
