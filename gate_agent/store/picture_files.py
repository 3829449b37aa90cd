"""Evidence pictures as files named by their SHA-256, bounded by age and bytes.

Written by the plate thread, read by the uplink. A full disk degrades to "no pictures", never to
"no decisions".
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from gate_agent.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


class PictureFiles:
    """A folder of JPEGs. `max_bytes` bounds it: the oldest go first."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._written = 0
        self.trim()  # a lane that restarts every night may never write enough for the next one

    def keep(self, jpeg: bytes) -> str:
        """Write one picture and return its id, the SHA-256 in hex. Raises `StoreError`."""
        picture_id = hashlib.sha256(jpeg).hexdigest()
        path = self._path(picture_id)
        partial = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(jpeg)
            partial.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise StoreError(f"{path}: picture cannot be written: {exc}") from exc
        self._written += len(jpeg)
        if self._written > self._max_bytes // 20:
            self._written = 0
            self.trim()
        return picture_id

    def read(self, picture_id: str) -> bytes | None:
        """A kept picture, or None when it is gone or a power cut took its bytes."""
        try:
            jpeg = self._path(picture_id).read_bytes()
        except OSError:
            return None
        return jpeg if hashlib.sha256(jpeg).hexdigest() == picture_id else None

    def trim(self) -> None:
        """Delete the oldest pictures until the folder is within its bound."""
        for partial in self._folder.glob("*/*.part"):
            with contextlib.suppress(OSError):
                partial.unlink()
        files = []
        for path in self._folder.glob("*/*.jpg"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files, key=lambda item: item[0]):
            if total <= self._max_bytes:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def _path(self, picture_id: str) -> Path:
        return self._folder / picture_id[:2] / f"{picture_id}.jpg"
