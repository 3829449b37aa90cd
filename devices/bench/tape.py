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

import hashlib
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.errors import DeviceError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from devices.clock import Clock

FORMAT = 1
KEEP_EVERY_S = 1.0  # what a power cut may cost
_PIECE = re.compile(rb"([0-9]+\.[0-9]{6}) ([<>]) ((?:[0-9a-f]{2})+)")
_DIGEST = re.compile(rb"(.*\n)?sha256 ([0-9a-f]{64})\s*", re.DOTALL)
Direction = Literal["<", ">"]
Wire = Literal["serial", "tcp", "modbus-tcp", "http"]


class TapeError(DeviceError):
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
    by an error before anything was noted, no file is left.
    """

    def __init__(self, path: Path, head: TapeHead, clock: Clock) -> None:
        """Make the file. Raises `TapeError` where there is one, or none can be written."""
        self._path = path
        self._clock = clock
        self._kept_s = float("-inf")
        self._began_s = clock.now().mono_s
        self._digest = hashlib.sha256()
        self._in_use = threading.Lock()
        self.piece_count = 0
        try:
            self._file = path.open("xb")
        except FileExistsError as exc:
            raise TapeError(f"{path}: exists, and no tape is written over another") from exc
        except OSError as exc:
            raise TapeError(f"{path}: {exc.strerror or exc}") from exc
        self._put(msgspec.json.encode(head) + b"\n")

    def note(self, direction: Direction, payload: bytes) -> None:
        """These bytes have just passed."""
        with self._in_use:
            if not self._file.closed:
                at_s = self._clock.now().mono_s - self._began_s
                self._put(f"{at_s:.6f} {direction} {payload.hex()}\n".encode())
                self.piece_count += 1

    def keep(self) -> None:
        """Have it on the disk, once in `KEEP_EVERY_S`. Not of `note`, which holds up the wire."""
        now_s = self._clock.now().mono_s
        if now_s - self._kept_s >= KEEP_EVERY_S:
            self._kept_s = now_s
            os.fsync(self._file.fileno())

    def close(self) -> str:
        """End the tape with its digest and return that. May be called once."""
        with self._in_use:
            digest = self._digest.hexdigest()
            self._file.write(f"sha256 {digest}\n".encode())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
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
        self.close()
        if kind is not None and not self.piece_count:
            self._path.unlink(missing_ok=True)

    def _put(self, line: bytes) -> None:
        self._digest.update(line)
        self._file.write(line)
        self._file.flush()


def read_tape(path: Path) -> Tape:
    """Read a tape and check its digest; of one that was cut, what is whole. Raises `TapeError`."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise TapeError(f"{path}: {exc.strerror or exc}") from exc
    ended = _DIGEST.fullmatch(raw)
    body = (ended[1] or b"") if ended else raw[: raw.rfind(b"\n") + 1]
    digest = hashlib.sha256(body).hexdigest()
    if ended and ended[2].decode() != digest:
        raise TapeError(f"{path}: it was changed: its digest is another")
    if not body:
        raise TapeError(f"{path}: not a tape: it has no whole line")
    first, *lines = body.splitlines()
    try:
        head = msgspec.json.decode(first, type=TapeHead)
    except msgspec.DecodeError as exc:
        raise TapeError(f"{path}: line 1: {exc}") from exc
    if head.tape != FORMAT:
        raise TapeError(f"{path}: format {head.tape}; this program reads {FORMAT}")
    pieces = tuple(_piece(path, number, line) for number, line in enumerate(lines, start=2))
    return Tape(head=head, pieces=pieces, sha256=digest, is_cut=ended is None)


def _piece(path: Path, number: int, line: bytes) -> Piece:
    match = _PIECE.fullmatch(line)
    if match is None:
        raise TapeError(f"{path}: line {number} is not a piece of a wire")
    direction: Direction = "<" if match[2] == b"<" else ">"
    return Piece(float(match[1]), direction, bytes.fromhex(match[3].decode()))
