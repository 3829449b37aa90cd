"""A lane's clips beside what its journal says of them: whole, altered, or gone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gate_agent.domain.events import ClipKept
from gate_agent.errors import StoreError
from gate_agent.store.clip_shelf import ClipShelf, ShelvedClip, digest_of
from gate_agent.store.encoding import EncodingError, decode_event
from gate_agent.store.picture_files import CLIP_SUFFIX
from gate_agent.store.schema import open_reader


class Standing(StrEnum):
    """What became of a clip."""

    WHOLE = "whole"  # its bytes have the SHA-256 that is its name
    ALTERED = "altered"  # they have another
    GONE = "gone"  # the journal names it, the disk no longer has it


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneClip:
    """One clip. `passage_id` "": it says of none; `seconds` None: it does not say, or is gone."""

    clip_id: str
    passage_id: str
    kept_ms: int  # UTC epoch
    bytes: int
    seconds: float | None
    standing: Standing
    path: Path | None = None


def clips_in(state_dir: Path, passage_id: str | None = None) -> Iterator[LaneClip]:
    """Every clip on the disk or in the journal, or those of one passage, the oldest first.

    Only the bytes of those are read. Raises `StoreError`.
    """
    if not state_dir.is_dir():
        raise StoreError(f"{state_dir}: not there")
    named = dict(_named(state_dir / "lane.db"))
    on_disk = {clip.clip_id: clip for clip in ClipShelf(state_dir).clips()}
    gone = [
        LaneClip(
            clip_id=clip_id,
            passage_id=passage,
            kept_ms=kept_ms,
            bytes=0,
            seconds=None,
            standing=Standing.GONE,
        )
        for clip_id, (passage, kept_ms) in named.items()
        if clip_id not in on_disk and passage_id in (None, passage)
    ]
    yield from gone  # older than what is there: the oldest go first
    for clip in on_disk.values():
        whose, _ = named.get(clip.clip_id, (clip.head.comment if clip.head else "", 0))
        if passage_id in (None, whose):
            yield _checked(clip, whose)


def _checked(clip: ShelvedClip, passage_id: str) -> LaneClip:
    is_whole = digest_of(clip.path) == clip.clip_id
    return LaneClip(
        clip_id=clip.clip_id,
        passage_id=passage_id,
        kept_ms=clip.kept_ms,
        bytes=clip.bytes,
        seconds=clip.head.places / clip.head.rate_fps if clip.head else None,
        standing=Standing.WHOLE if is_whole else Standing.ALTERED,
        path=clip.path,
    )


def copied(clip: LaneClip, folder: Path) -> Path:
    """Copy a clip, and check the copy. Raises `StoreError`; then there is no copy."""
    if clip.path is None:
        raise StoreError(f"clip {clip.clip_id}: gone")
    target = folder / f"{clip.clip_id}{CLIP_SUFFIX}"
    partial = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip.path, partial)
        if digest_of(partial) != clip.clip_id:
            raise StoreError(f"{target}: the copy has another SHA-256 than its name")
        partial.replace(target)
    except OSError as exc:
        raise StoreError(f"{exc.filename or target}: {exc.strerror}") from exc
    finally:
        partial.unlink(missing_ok=True)
    return target


def _named(path: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """The clips that the lane's journal still knows of: id, passage and when."""
    if not path.exists():
        return
    try:
        with closing(open_reader(path)) as connection:
            rows = connection.execute(
                "SELECT wall_ms, type, body FROM journal WHERE type = ? ORDER BY seq",
                [ClipKept.__name__],
            )
            for wall_ms, name, body in rows:
                event = decode_event(name, body)
                if isinstance(event, ClipKept):
                    yield event.clip_id, (event.passage_id, wall_ms)
    except (sqlite3.Error, EncodingError) as exc:
        raise StoreError(f"{path}: cannot be read: {exc}") from exc
