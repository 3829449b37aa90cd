"""The clips that a lane's closing records name, as they lie on its disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.sim.bench import plain_picture
from gate_agent.store.avi import HEAD_BYTES, head_of
from gate_agent.store.picture_files import CLIP_SUFFIX, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOVIE, PICTURE = b"movi", b"00dc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSeen:
    """What one closing record says of its clip, and what is on the disk. Times are UTC ms.

    `begins_ms` is at the earliest, by the file's own length before it was written. `is_empty_first`
    and `is_empty_last`: the simulated lane without a vehicle is seen before the last vehicle in the
    clip came and in the last picture; `has_vehicle`: a vehicle is seen. The one before it may still
    have been in the lane when the clip begins.
    """

    passage_id: str
    clip_id: str = ""  # "": the record names none
    is_there: bool = False
    fits: bool = False
    of: str = ""
    arrived_ms: int = 0
    clear_ms: int | None = None  # the exit was clear
    begins_ms: int = 0
    written_ms: int = 0
    is_empty_first: bool = False
    is_empty_last: bool = False
    has_vehicle: bool = field(default=False)


def clip_of(state_dir: Path, closed: dict[str, Any]) -> ClipSeen:
    """What there is of the clip of a `passage_closed`."""
    passage_id, clip_id = str(closed["passage_id"]), str(closed.get("clip_id", ""))
    if not clip_id:
        return ClipSeen(passage_id=passage_id)
    path = place_of(state_dir / "clips", clip_id, CLIP_SUFFIX)
    try:
        content, written_ms = path.read_bytes(), path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return ClipSeen(passage_id=passage_id, clip_id=clip_id)
    head = head_of(content[:HEAD_BYTES])
    lasts_ms = 0 if head is None else 1000 * (head.places - 1) // head.rate_fps
    empty = [picture == plain_picture() for picture in pictures_in(content)]
    return ClipSeen(
        passage_id=passage_id,
        clip_id=clip_id,
        is_there=True,
        fits=hashlib.sha256(content).hexdigest() == clip_id,
        of="" if head is None else head.comment,
        arrived_ms=closed["arrived_at_ms"],
        clear_ms=closed["timeline"].get("exit_clear_ms"),
        begins_ms=written_ms - lasts_ms,
        written_ms=written_ms,
        is_empty_first=_begins_empty(empty),
        is_empty_last=bool(empty) and empty[-1],
        has_vehicle=not all(empty),
    )


def _begins_empty(empty: list[bool]) -> bool:
    """Whether a picture without a vehicle comes before the last vehicle."""
    while empty and empty[-1]:
        empty = empty[:-1]
    return any(empty)


def pictures_in(clip: bytes) -> Iterator[bytes]:
    """The JPEGs of a clip, in order, byte for byte as the camera sent them."""
    at = clip.find(MOVIE) + len(MOVIE)
    while clip[at : at + 4] == PICTURE:
        size = int.from_bytes(clip[at + 4 : at + 8], "little")
        if size:
            yield clip[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
