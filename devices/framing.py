"""Cutting frames out of a dirty byte stream. Pure.

Dirt it survives: bytes lost, added or changed, frames cut short or joined, a stream that is
entered in the middle, a wrong baud rate.

`FrameScanner` serves protocols whose frames begin with a known byte, end with another and have a
bounded length. It looks at each end byte in turn, and asks of every start byte before it whether
the bytes between make a whole frame; the longest that does, wins.

`FixedScanner` serves protocols whose frames begin with a known byte and always have the same
length, whatever they end with. It asks of every start byte whether the bytes from there on make a
frame; the first that does, wins.

`LengthScanner` serves protocols whose frames say near their beginning how long they are, and may
begin with any byte. Frames count in the order of their ends; of those that end together the longest
wins.

With each, a false start byte hides no good frame behind it, and the same bytes give the same
frames however they were cut into pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

F = TypeVar("F")

WITHOUT_PARITY = bytes(byte & 0x7F for byte in range(256))


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


class KeptBytes:
    """The bytes of a stream that may begin a frame, and how many belonged to none.

    Every scanner keeps fewer than its longest frame has.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._discarded_bytes = 0

    @property
    def discarded_bytes(self) -> int:
        """How many bytes so far belonged to no good frame."""
        return self._discarded_bytes

    @property
    def pending_bytes(self) -> int:
        """How many bytes are kept because they may begin a frame."""
        return len(self._pending)


class FrameScanner(KeptBytes, Generic[F]):
    """Finds frames `start … end` of at most `max_bytes` bytes; `parse` is the judge.

    `start` is one byte, or several any of which may begin a frame. `parse` gets a candidate that
    begins with one of them and ends with `end`; it returns the frame, or None when length,
    checksum or content do not fit. It must not raise.
    """

    def __init__(
        self, *, start: int | bytes, end: int, max_bytes: int, parse: Callable[[bytes], F | None]
    ) -> None:
        super().__init__()
        self._starts = bytes((start,)) if isinstance(start, int) else start
        self._end = end
        self._max_bytes = max_bytes
        self._parse = parse

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
        start_at = self._find_start(max(0, end_at + 1 - self._max_bytes), end_at)
        while start_at >= 0:
            frame = self._parse(bytes(self._pending[start_at : end_at + 1]))
            if frame is not None:
                return start_at, frame
            start_at = self._find_start(start_at + 1, end_at)
        return None

    def _find_start(self, begin: int, end: int) -> int:
        """The first start byte in `begin:end`, -1 when there is none."""
        if len(self._starts) == 1:
            return self._pending.find(self._starts, begin, end)
        found = [self._pending.find(start, begin, end) for start in self._starts]
        return min([at for at in found if at >= 0], default=-1)

    def _trim(self) -> None:
        """Drop what can no longer be part of a frame: bounded whatever arrives."""
        keep_from = max(0, len(self._pending) - (self._max_bytes - 1))
        start_at = self._find_start(keep_from, len(self._pending))
        drop = len(self._pending) if start_at < 0 else start_at
        self._discarded_bytes += drop
        del self._pending[:drop]


class FixedScanner(KeptBytes, Generic[F]):
    """Finds frames of exactly `frame_bytes` bytes that begin with one of `starts`.

    `parse` gets a candidate of that length; it returns the frame, or None when checksum or content
    do not fit. It must not raise. With `seven_bit` the eighth bit of every byte, a parity bit, is
    cleared before anything else.
    """

    def __init__(
        self,
        *,
        starts: bytes,
        frame_bytes: int,
        parse: Callable[[bytes], F | None],
        seven_bit: bool = False,
    ) -> None:
        super().__init__()
        self._starts = starts
        self._frame_bytes = frame_bytes
        self._parse = parse
        self._translation = WITHOUT_PARITY if seven_bit else None

    def feed(self, chunk: bytes) -> list[F]:
        """Take any number of bytes and return the frames that they complete. Never raises."""
        self._pending += chunk if self._translation is None else chunk.translate(self._translation)
        frames: list[F] = []
        at = good_bytes = 0
        while len(self._pending) - at >= self._frame_bytes:
            frame = self._frame_at(at)
            if frame is None:
                at += 1
            else:
                frames.append(frame)
                at += self._frame_bytes
                good_bytes += self._frame_bytes
        while at < len(self._pending) and self._pending[at] not in self._starts:
            at += 1
        self._discarded_bytes += at - good_bytes
        del self._pending[:at]
        return frames

    def _frame_at(self, at: int) -> F | None:
        if self._pending[at] not in self._starts:
            return None
        return self._parse(bytes(self._pending[at : at + self._frame_bytes]))


class LengthScanner(KeptBytes, Generic[F]):
    """Finds frames that begin with `header` and say how long they are.

    `total_bytes` gets `prefix_bytes` bytes of a candidate, the header and what holds the length,
    and returns the length of the whole frame; None when there is none like it. `parse` gets a
    candidate of that length, at most `max_bytes`; it returns the frame, or None when checksum or
    content do not fit. Neither must raise.
    """

    def __init__(
        self,
        *,
        header: bytes,
        prefix_bytes: int,
        total_bytes: Callable[[bytes], int | None],
        max_bytes: int,
        parse: Callable[[bytes], F | None],
    ) -> None:
        super().__init__()
        self._header = header
        self._prefix_bytes = prefix_bytes
        self._total_bytes = total_bytes
        self._max_bytes = max_bytes
        self._parse = parse
        self._judged = 0  # candidates that end here or before were no frames

    def feed(self, chunk: bytes) -> list[F]:
        """Take any number of bytes and return the frames that they complete. Never raises."""
        self._pending += chunk
        frames: list[F] = []
        floor = 0  # bytes before it are spent
        whole, open_at = self._candidates()
        for end, start in sorted(whole):
            if start < floor:
                continue
            frame = self._parse(bytes(self._pending[start:end]))
            if frame is not None:
                frames.append(frame)
                self._discarded_bytes += start - floor
                floor = end
        keep = next((at for at in open_at if at >= floor), len(self._pending))
        self._discarded_bytes += keep - floor
        del self._pending[:keep]
        self._judged = len(self._pending)
        return frames

    def _candidates(self) -> tuple[list[tuple[int, int]], list[int]]:
        """(end, start) of those that are whole and not judged; the starts of those cut short."""
        whole: list[tuple[int, int]] = []
        open_at: list[int] = []
        stream = bytes(self._pending)
        size, prefix_bytes = len(stream), self._prefix_bytes
        for at in self._starts(stream):
            total: int | None = prefix_bytes  # at least, while the length has not come
            if at + prefix_bytes <= size:
                total = self._total_bytes(stream[at : at + prefix_bytes])
            if total is None or total > self._max_bytes:
                continue
            if at + total > size:
                open_at.append(at)
            elif at + total > self._judged:
                whole.append((at + total, at))
        return whole, open_at

    def _starts(self, stream: bytes) -> Iterable[int]:
        """Where the header stands in `stream`, or is cut off by its end."""
        header = self._header
        if not header:
            return range(len(stream))
        starts = []
        at = stream.find(header)
        while at >= 0:
            starts.append(at)
            at = stream.find(header, at + 1)
        tail = range(max(0, len(stream) - len(header) + 1), len(stream))
        return starts + [at for at in tail if header.startswith(stream[at:])]
