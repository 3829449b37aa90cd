"""Cutting frames out of a dirty byte stream. Pure.

Serves every protocol whose frames begin with one fixed byte, end with another and have a bounded
length. Dirt it survives: bytes lost, added or changed, frames cut short or joined, a stream that
is entered in the middle, a wrong baud rate.

How: the scanner looks at each end byte in turn, and asks of every start byte before it whether
the bytes between make a whole frame; the longest that does, wins. A false start byte followed by
a length that never comes therefore hides no good frame behind it, and the same bytes give the
same frames however they were cut into pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F")


class FrameDecoder(Protocol[F]):
    """The receiving half of a codec: bytes in, frames out, no I/O."""

    @property
    def discarded_bytes(self) -> int:
        """How many bytes so far belonged to no good frame."""
        ...

    @property
    def pending_bytes(self) -> int:
        """How many bytes are kept because they may begin a frame. Always below one frame."""
        ...

    def feed(self, chunk: bytes) -> list[F]:
        """Take any number of bytes and return the frames that they complete. Never raises."""
        ...


class FrameScanner(Generic[F]):
    """Finds frames `start … end` of at most `max_bytes` bytes; `parse` is the judge.

    `parse` gets a candidate that begins with `start` and ends with `end`; it returns the frame,
    or None when length, checksum or content do not fit. It must not raise.
    """

    def __init__(
        self, *, start: int, end: int, max_bytes: int, parse: Callable[[bytes], F | None]
    ) -> None:
        self._start = start
        self._end = end
        self._max_bytes = max_bytes
        self._parse = parse
        self._pending = bytearray()
        self._discarded_bytes = 0

    @property
    def discarded_bytes(self) -> int:
        """How many bytes so far belonged to no good frame."""
        return self._discarded_bytes

    @property
    def pending_bytes(self) -> int:
        """How many bytes are kept because they may begin a frame. Always below `max_bytes`."""
        return len(self._pending)

    def feed(self, chunk: bytes) -> list[F]:
        """Take any number of bytes and return the frames that they complete. Never raises."""
        frames: list[F] = []
        scanned = len(self._pending)
        self._pending += chunk
        while (end_at := self._pending.find(self._end, scanned)) >= 0:
            found = self._frame_ending_at(end_at)
            if found is None:
                scanned = end_at + 1
                continue
            start_at, frame = found
            frames.append(frame)
            self._discarded_bytes += start_at
            del self._pending[: end_at + 1]
            scanned = 0
        self._trim()
        return frames

    def _frame_ending_at(self, end_at: int) -> tuple[int, F] | None:
        start_at = self._pending.find(self._start, max(0, end_at + 1 - self._max_bytes), end_at)
        while start_at >= 0:
            frame = self._parse(bytes(self._pending[start_at : end_at + 1]))
            if frame is not None:
                return start_at, frame
            start_at = self._pending.find(self._start, start_at + 1, end_at)
        return None

    def _trim(self) -> None:
        """Drop what can no longer be part of a frame: bounded whatever arrives."""
        keep_from = max(0, len(self._pending) - (self._max_bytes - 1))
        start_at = self._pending.find(self._start, keep_from)
        drop = len(self._pending) if start_at < 0 else start_at
        self._discarded_bytes += drop
        del self._pending[:drop]
