"""A clip as one file that any player opens: Motion JPEG in AVI, the camera's own JPEGs untouched.

Frames have the moments at which they came. AVI knows only a rate, so each frame is put at its place
on a grid of `rate_fps` and the places between are empty chunks, which players show as the frame
before: the clip runs in real time, however unevenly its frames came. Deterministic: the same frames
give the same bytes.

Layout: RIFF `AVI ` of LIST `hdrl` (avih, one strl), LIST `INFO` (ICMT: what is shown), LIST `movi`
(`00dc` chunks) and `idx1`. Source: Microsoft's published description of AVI RIFF files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

_HEAD = re.compile(
    rb"RIFF.{4}AVI LIST.{4}hdrlavih.{4}(?P<avih>.{56}).{0,512}?"
    rb"LIST.{4}INFOICMT.{4}(?P<comment>[^\0]{0,256})\0",
    re.DOTALL,
)
_HAS_INDEX = 0x10
_KEY_FRAME = 0x10
_SIZE_MARKERS = frozenset({0xC0, 0xC1, 0xC2})  # the JPEG headers that say width and height
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One JPEG and the monotonic second of its arrival."""

    at_s: float
    jpeg: bytes = field(repr=False)


def avi_of(frames: Sequence[ClipFrame], *, rate_fps: int, comment: str) -> tuple[bytes, ...]:
    """The file for frames in order of time, at least one, in pieces: the JPEGs are not copied.

    Raises ValueError for an empty clip.
    """
    if not frames:
        raise ValueError("clip: no frame")
    jpegs = _on_the_grid(frames, rate_fps)
    longest = max(len(frame.jpeg) for frame in frames)
    head = _header(len(jpegs), rate_fps, *size_of(frames[0].jpeg), longest)
    told = _list(b"INFO", _chunk(b"ICMT", comment.encode("ascii", "replace") + b"\0"))
    body: list[bytes] = []
    index, offset = [], 4
    for jpeg in jpegs:
        flags = _KEY_FRAME if jpeg else 0
        index.append(struct.pack("<4sIII", b"00dc", flags, offset, len(jpeg)))
        body += (struct.pack("<4sI", b"00dc", len(jpeg)), jpeg, b"\0" * (len(jpeg) % 2))
        offset += 8 + len(jpeg) + len(jpeg) % 2
    movie = struct.pack("<4sI4s", b"LIST", offset, b"movi")
    last = _chunk(b"idx1", b"".join(index))
    whole = 4 + len(head) + len(told) + 8 + offset + len(last)
    first = struct.pack("<4sI4s", b"RIFF", whole, b"AVI ")
    return (first, head, told, movie, *body, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipHead:
    """What a clip says of itself: whose it is, and its places on the grid of `rate_fps`."""

    comment: str
    places: int
    rate_fps: int


HEAD_BYTES = 4_096  # what `head_of` needs


def head_of(content: bytes) -> ClipHead | None:
    """Read the beginning of a clip; None for what is not one of ours."""
    found = _HEAD.match(content)
    if found is None:
        return None
    frame_us, places = struct.unpack("<I12xI", found["avih"][:20])
    if not frame_us:
        return None
    comment = found["comment"].decode("ascii", "replace")
    return ClipHead(comment=comment, places=places, rate_fps=round(1_000_000 / frame_us))


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height that a JPEG says it has; (0, 0) where it says none."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004 - a marker
        marker = jpeg[at + 1]
        if marker in _SIZE_MARKERS:
            height_px, width_px = struct.unpack(">HH", jpeg[at + 5 : at + 9])
            return width_px, height_px
        length = 0 if marker in _NO_LENGTH else struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        at += 2 + length
    return 0, 0


def _on_the_grid(frames: Sequence[ClipFrame], rate_fps: int) -> list[bytes]:
    """Each frame at its place, b"" where the one before stays; of two on one place the later."""
    first_s = frames[0].at_s
    places = {round((frame.at_s - first_s) * rate_fps): frame.jpeg for frame in frames}
    return [places.get(place, b"") for place in range(max(places) + 1)]


def _header(count: int, rate_fps: int, width_px: int, height_px: int, longest: int) -> bytes:
    size = (width_px, height_px)
    pace = (1_000_000 // rate_fps, longest * rate_fps)
    main = struct.pack("<10I16x", *pace, 0, _HAS_INDEX, count, 0, 1, longest, *size)
    timing = (1, rate_fps, 0, count, longest, 0xFFFFFFFF, 0)  # scale, rate, start, length ...
    corners = (width_px & 0xFFFF, height_px & 0xFFFF)
    stream = struct.pack("<4s4s12x7I4x2H", b"vids", b"MJPG", *timing, *corners)
    bits, image_bytes = 24, width_px * height_px * 3
    pixels = struct.pack("<IiiHH4sI16x", 40, *size, 1, bits, b"MJPG", image_bytes)
    streams = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", pixels))
    return _list(b"hdrl", _chunk(b"avih", main) + streams)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(kind: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", kind + content)
