"""Tapes: every byte of a wire in both directions with its time, in one text file.

A tape is UTF-8 lines. The first is a JSON object, its head: `tape` (the format, 1), `device`,
`driver`, `place`, `baud`, `wire` (`serial`, `tcp`, `modbus-tcp` or `http`) and `began` (UTC, ISO
8601).
Each further line is one piece of the wire::

    0.123456 < 022b303031323334

seconds since the beginning, `<` from the device or `>` to it, and the bytes in hex. The last line
is `sha256 ` and the digest of everything above it, so that a tape that was changed says so. A tape
that was not ended (the power, the SSH session) has no such line; it is read up to its last whole
line and is marked as cut.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.bench.wording import ToldError, said
from devices.texts import as_is

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from devices.clock import Clock
    from devices.texts import Said

FORMAT = 1
KEEP_EVERY_S = 1.0  # what a power cut may cost
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PIECE = re.compile(rb"([0-9]+\.[0-9]{6}) ([<>]) ((?:[0-9a-f]{2})+)")
_DIGEST = re.compile(rb"(.*\n)?sha256 ([0-9a-f]{64})\s*", re.DOTALL)
Direction = Literal["<", ">"]
Wire = Literal["serial", "tcp", "modbus-tcp", "http"]


class TapeError(ToldError):
    """A file that is no tape, or may not become one; the message names file and line."""


class TapeHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a tape."""

    tape: int = FORMAT
    device: str
    driver: str
    place: str
    baud: int
    wire: Wire
    began: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that passed together, `at_s` after the tape began."""

    at_s: float
    direction: Direction
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """A tape. `is_cut`: it was not ended, `sha256` is of what can be read of it."""

    head: TapeHead
    pieces: tuple[Piece, ...]
    sha256: str
    is_cut: bool = False


class TapeWriter:
    """Writes a tape. Any thread may call `note`, one thread `keep`.

    What was noted is with the operating system at once, and on the disk after `keep`. Where it ends
    by an error before anything was noted, no file is left. Where the disk takes no more, `note`
    holds up no wire: the tape ends there, is cut, and `keep` and `close` say so.
    """

    def __init__(self, path: Path, head: TapeHead, clock: Clock) -> None:
        """Make the file. Raises `TapeError` where there is one, or none can be written."""
        self._path = path
        self._clock = clock
        self._kept_s = float("-inf")
        self._began_s = clock.now().mono_s
        self._last_s = 0.0  # when the last whole piece was noted
        self._digest = hashlib.sha256()
        self._in_use = threading.Lock()
        self._why_ended: OSError | None = None
        self.piece_count = 0
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError as exc:
            raise TapeError(said("tape.exists", path=str(path))) from exc
        except OSError as exc:
            raise _unwritable(path, exc) from exc
        try:
            self._write(msgspec.json.encode(head) + b"\n")
        except OSError as exc:
            self._file.close()
            path.unlink(missing_ok=True)
            raise _unwritable(path, exc) from exc

    def note(self, direction: Direction, payload: bytes) -> None:
        """These bytes have just passed."""
        with self._in_use:
            if self._file.closed or self._why_ended is not None:
                return
            at_s = self._clock.now().mono_s - self._began_s
            self._put(f"{at_s:.6f} {direction} {payload.hex()}\n".encode())
            if self._why_ended is None:
                self._last_s = at_s
                self.piece_count += 1

    def keep(self) -> None:
        """Have it on the disk, once in `KEEP_EVERY_S`. Not of `note`, which holds up the wire.

        Raises `TapeError` when the tape has ended: nothing can be written, or the file is gone.
        """
        now_s = self._clock.now().mono_s
        if self._why_ended is None and now_s - self._kept_s >= KEEP_EVERY_S:
            self._kept_s = now_s
            self._sync()
        if self._why_ended is not None:
            raise self._ended(self._why_ended)

    def close(self) -> str:
        """End the tape with its digest and return that. May be called once.

        Raises `TapeError` where it has ended before: it is then closed without a digest, as cut.
        """
        with self._in_use:
            digest = self._digest.hexdigest()
            if self._why_ended is None:
                self._put(f"sha256 {digest}\n".encode())
            if self._why_ended is None:
                self._sync()
            self._file.close()
        if self._why_ended is not None:
            raise self._ended(self._why_ended)
        return digest

    def __enter__(self) -> TapeWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._file.closed:
            return
        if kind is None:
            self.close()
            return
        with contextlib.suppress(TapeError):  # what ends it already says why
            self.close()
        if not self.piece_count:
            self._path.unlink(missing_ok=True)

    def _put(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError as exc:
            self._why_ended = exc

    def _write(self, line: bytes) -> None:
        """Write all of it: a disk that fills up may take a part at first. Raises `OSError`."""
        self._digest.update(line)
        while line:
            line = line[self._file.write(line) :]

    def _sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
            is_gone = os.fstat(self._file.fileno()).st_nlink == 0
        except OSError as exc:
            self._why_ended = exc
        else:
            # Linux would go on writing into a file that nobody can open any more.
            self._why_ended = FileNotFoundError(errno.ENOENT, "removed") if is_gone else None

    def _ended(self, exc: OSError) -> TapeError:
        path = str(self._path)
        if exc.errno == errno.ENOENT:
            return TapeError(said("tape.gone", path=path))
        return TapeError(said("tape.ended", path=path, why=_why(exc), at_s=self._last_s))


def _unwritable(path: Path, exc: OSError) -> TapeError:
    return TapeError(said("tape.cannot_be_written", path=str(path), why=_why(exc)))


def _why(exc: OSError) -> Said:
    """What the system says; a full disk in words of ours."""
    return said("tape.disk_full") if exc.errno in FULL else as_is(exc.strerror or str(exc))


def read_tape(path: Path) -> Tape:
    """Read a tape and check its digest; of one that was cut, what is whole. Raises `TapeError`."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise TapeError(said("tape.cannot_be_read", path=str(path), why=_why(exc))) from exc
    ended = _DIGEST.fullmatch(raw)
    body = (ended[1] or b"") if ended else raw[: raw.rfind(b"\n") + 1]
    digest = hashlib.sha256(body).hexdigest()
    if ended and ended[2].decode() != digest:
        raise TapeError(said("tape.changed", path=str(path)))
    if not body:
        raise TapeError(said("tape.no_line", path=str(path)))
    first, *lines = body.splitlines()
    try:
        head = msgspec.json.decode(first, type=TapeHead)
    except msgspec.DecodeError as exc:
        raise TapeError(said("tape.no_head", path=str(path), why=str(exc))) from exc
    if head.tape != FORMAT:
        raise TapeError(said("tape.format", path=str(path), found=head.tape, known=FORMAT))
    pieces = tuple(_piece(path, number, line) for number, line in enumerate(lines, start=2))
    return Tape(head=head, pieces=pieces, sha256=digest, is_cut=ended is None)


def _piece(path: Path, number: int, line: bytes) -> Piece:
    match = _PIECE.fullmatch(line)
    if match is None:
        raise TapeError(said("tape.no_piece", path=str(path), number=number))
    direction: Direction = "<" if match[2] == b"<" else ">"
    return Piece(float(match[1]), direction, bytes.fromhex(match[3].decode()))
