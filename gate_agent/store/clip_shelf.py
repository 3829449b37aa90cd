"""A lane's clips for whoever only reads them, while the lane runs or from its disk alone.

Nothing here deletes: by age and by bytes only the running lane does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate_agent.errors import StoreError
from gate_agent.store.avi import HEAD_BYTES, ClipHead, head_of
from gate_agent.store.picture_files import CLIP_SUFFIX, place_of

CLIPS = "clips"
"""The folder in a lane's `state_dir`."""
_BLOCK_BYTES = 1 << 20
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedClip:
    """A clip on the disk. `head` None: its beginning is not that of a clip."""

    clip_id: str
    path: Path
    bytes: int
    kept_ms: int  # UTC epoch, when it was written
    head: ClipHead | None


class ClipShelf:
    """The clips in a lane's state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / CLIPS

    def clips(self) -> Iterator[ShelvedClip]:
        """All of them, the oldest first. One that goes meanwhile is left out."""
        files = []
        for path in self._folder.glob(f"*/*{CLIP_SUFFIX}"):
            try:
                status = path.stat()
                with path.open("rb") as file:
                    head = head_of(file.read(HEAD_BYTES))
            except OSError:
                continue
            files.append(
                ShelvedClip(
                    clip_id=path.stem,
                    path=path,
                    bytes=status.st_size,
                    kept_ms=status.st_mtime_ns // 1_000_000,
                    head=head,
                )
            )
        yield from sorted(files, key=lambda clip: (clip.kept_ms, clip.clip_id))

    def part(self, clip_id: str, offset: int, size: int) -> tuple[bytes, int] | None:
        """Some bytes of a clip, and how many it has in all. None: gone, or not the id of a clip."""
        if _ID.fullmatch(clip_id) is None:
            return None
        try:
            with place_of(self._folder, clip_id, CLIP_SUFFIX).open("rb") as file:
                file.seek(offset)
                return file.read(size), file.seek(0, 2)
        except (OSError, ValueError):
            return None


def digest_of(path: Path) -> str:
    """The SHA-256 of a file. Raises `StoreError`."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as exc:
        raise StoreError(f"{path}: {exc.strerror}") from exc
    return digest.hexdigest()
