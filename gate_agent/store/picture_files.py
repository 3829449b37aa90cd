"""Evidence pictures and clips as files named by their SHA-256, bounded by bytes and age.

Any thread may write, several write into one folder of pictures; the uplink reads. A full disk
degrades to "no pictures", never to "no decisions".
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING

from gate_agent.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from devices.clock import Clock

DAY_MS = 86_400_000
PICTURE_MAX_BYTES = 700_000
"""A larger one no broker would take, and it would stand before every later record for ever."""
FRESH_NS = 600_000_000_000
"""The record that names a picture is committed within this after the picture was written."""
TRIM_EVERY_S = 3_600.0
"""A clip is gone this long after its last day, whether anything is written or not."""
CLIP_SUFFIX = ".avi"


def place_of(folder: Path, file_id: str, suffix: str) -> Path:
    """Where a file of this id is kept, or would be."""
    return folder / file_id[:2] / f"{file_id}{suffix}"


class KeptFiles:
    """A folder of files of one kind. `max_bytes` bounds it: the oldest go first."""

    def __init__(self, folder: Path, *, max_bytes: int, suffix: str, noun: str) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._suffix = suffix
        self._noun = noun
        self._written = 0
        self._trimming = threading.Lock()
        for partial in folder.glob("*/*.part"):  # of a power cut: nobody writes one yet
            with contextlib.suppress(OSError):
                partial.unlink()
        self.trim()  # a lane that restarts every night may never write enough for the next one

    def keep(self, *pieces: bytes) -> str:
        """Write one file, given in pieces, and return its id, the SHA-256 in hex.

        Raises `StoreError`.
        """
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        file_id = digest.hexdigest()
        path = self.path(file_id)
        # One of its own for each thread: two may keep the same picture.
        partial = path.with_name(f"{file_id}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.writelines(pieces)
            partial.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise StoreError(f"{path}: {self._noun} cannot be written: {exc}") from exc
        self._written += sum(len(piece) for piece in pieces)
        if self._written > self._max_bytes // 20:
            self._written = 0
            self.trim()
        return file_id

    def read(self, file_id: str) -> bytes | None:
        """A kept file, or None when it is gone or a power cut took its bytes."""
        try:
            content = self.path(file_id).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == file_id else None

    def trim(self) -> None:
        """Delete the oldest files until the folder is within its bounds; unsent ones last.

        Where another thread is at it, it is left to that one.
        """
        if not self._trimming.acquire(blocking=False):
            return
        try:
            self._trim()
        finally:
            self._trimming.release()

    def _trim(self) -> None:
        files = []
        for path in self._folder.glob(f"*/*{self._suffix}"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in files)
        oldest_ns = self._oldest_ns()
        if total <= self._max_bytes and all(written_ns >= oldest_ns for written_ns, _, _ in files):
            return
        unsent, fresh_ns = self._unsent(), max(item[0] for item in files) - FRESH_NS
        lost = 0
        for written_ns, size, path in sorted(
            files, key=lambda item: (item[2].stem in unsent or item[0] > fresh_ns, item[0])
        ):
            if total <= self._max_bytes and written_ns >= oldest_ns:
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
                lost += path.stem in unsent
        if lost:
            self._tell_lost(lost)

    def path(self, file_id: str) -> Path:
        """Where a file is, or would be."""
        return place_of(self._folder, file_id, self._suffix)

    def _oldest_ns(self) -> int:
        """Files last written before this (UTC epoch nanoseconds) are too old."""
        return 0

    def _unsent(self) -> Collection[str]:
        """The ids of those that somebody still waits for."""
        return ()

    def _tell_lost(self, count: int) -> None:
        """So many of those were deleted all the same."""


class PictureFiles(KeptFiles):
    """A folder of JPEGs. What the hub has goes before what it does not have yet."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        unsent: Callable[[], Collection[str]] = tuple,
        tell_lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`unsent` names the pictures that the hub has not acknowledged; any thread may call it.

        `tell_lost` hears how many of them were deleted because nothing else was left.
        """
        self._unsent_now = unsent
        self._told_lost = tell_lost
        super().__init__(folder, max_bytes=max_bytes, suffix=".jpg", noun="picture")

    def _unsent(self) -> Collection[str]:
        try:
            return self._unsent_now()
        except StoreError:  # not known: the oldest go
            return ()

    def _tell_lost(self, count: int) -> None:
        self._told_lost(count)


class ClipFiles(KeptFiles):
    """A folder of clips, none older than `max_days`.

    A wall clock that stands too far ahead for a while would empty it: the bound by age is of the
    machine's own time.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_days: int, clock: Clock) -> None:
        self._max_days = max_days
        self._clock = clock
        self._trimmed_s = clock.now().mono_s
        super().__init__(folder, max_bytes=max_bytes, suffix=CLIP_SUFFIX, noun="clip")

    def trim_if_due(self) -> None:
        """Trim once in `TRIM_EVERY_S`: call it often, also while nothing is written."""
        now_s = self._clock.now().mono_s
        if now_s - self._trimmed_s >= TRIM_EVERY_S:
            self._trimmed_s = now_s
            self.trim()

    def _oldest_ns(self) -> int:
        return (self._clock.now().wall_ms - self._max_days * DAY_MS) * 1_000_000
