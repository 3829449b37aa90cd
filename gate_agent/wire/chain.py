"""The chain through the records of a lane: each link holds everything before it fast.

The link of a record is the SHA-256 over the link before it, the record's place (lane, epoch, seq,
at_ms) and its body's bytes. A record that is altered, left out, put in or moved no longer fits
its own link or the next one. The first record of an epoch that carries a link has "" before it:
records before that were made by a version without a chain, and are said to be unproved.

A picture's bytes are named by their SHA-256 in the body, so its link is taken without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

START = ""
"""Before the first link of an epoch."""
_PICTURE = b'"picture_taken"'
_HEAD_BYTES = 64  # the type stands first in a body
_encoder = msgspec.json.Encoder()


def link(previous: str, *, lane: str, epoch: str, seq: int, at_ms: int, body: bytes) -> str:
    """The link of one record, 64 hex digits. `body` as `without_picture` leaves it."""
    place = _encoder.encode(("kakou-chain-1", previous, lane, epoch, seq, at_ms))
    return hashlib.sha256(place + b"\n" + body).hexdigest()


def is_picture(body: bytes) -> bool:
    """Whether a record's body, or the beginning of it, is that of a picture."""
    return _PICTURE in body[:_HEAD_BYTES]


def without_picture(body: bytes) -> bytes:
    """The bytes of a body that are part of the chain: those of a picture without its JPEG."""
    if not is_picture(body):
        return body
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return body
    return _encoder.encode(fields | {"jpeg": None}) if isinstance(fields, dict) else body


class Flaw(StrEnum):
    """What is wrong with a chain at one place."""

    MISSING = "missing"  # numbers that are not there
    ALTERED = "altered"  # the record, or its link, is not the one that was written
    CUT = "cut"  # it does not follow from the record before it
    UNPROVED = "unproved"  # no link: made by a version without a chain. Not a break


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One flaw, over the records `first` to `last`."""

    lane: str
    epoch: str
    flaw: Flaw
    first: int
    last: int

    @property
    def is_break(self) -> bool:
        """Whether the chain does not hold there."""
        return self.flaw is not Flaw.UNPROVED

    def __str__(self) -> str:
        span = f"record {self.first}" if self.first == self.last else f"{self.first}..{self.last}"
        return f"lane {self.lane} epoch {self.epoch}: {span} {self.flaw.value}"


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """One record with its place, as a line of an exported file has it."""

    lane: str
    epoch: str
    seq: int
    at_ms: int
    chain: str | None
    body: msgspec.Raw


def line_of(record: Linked) -> bytes:
    """A record as a line of an exported file, its end included."""
    return _encoder.encode(record) + b"\n"


class Walk:
    """Goes along the records of one epoch in order and says where the chain does not hold."""

    def __init__(
        self, *, after_seq: int | None = 0, after_chain: str | None = START, is_proved: bool = False
    ) -> None:
        """Begin after the record `after_seq`, whose link is `after_chain`; None: not known.

        `after_seq` None: begin with whichever record comes first. `is_proved`: a link has been
        seen before, so every record carries one.
        """
        self.seq = after_seq
        self.chain = after_chain
        self.is_proved = is_proved
        self.first_seq = 0  # of this walk; 0: none yet
        self.proved_from: int | None = None  # the first record with a link on this walk

    def step(self, record: Linked) -> Iterator[Finding]:
        """The flaws of the next record, and of the gap before it."""

        def found(flaw: Flaw, first: int, last: int) -> Finding:
            return Finding(lane=record.lane, epoch=record.epoch, flaw=flaw, first=first, last=last)

        if self.seq is None:
            self.seq, self.chain = record.seq - 1, START if record.seq == 1 else None
        self.first_seq = self.first_seq or record.seq
        gap = record.seq > self.seq + 1
        if gap:
            yield found(Flaw.MISSING, self.seq + 1, record.seq - 1)
        before = None if gap else self.chain
        if record.chain is None:
            yield found(Flaw.CUT if self.is_proved else Flaw.UNPROVED, record.seq, record.seq)
        elif before is not None and record.chain != self._expected(before, record):
            yield found(Flaw.ALTERED, record.seq, record.seq)
        if record.chain is not None:
            self.is_proved = True
            self.proved_from = self.proved_from or record.seq
        self.seq = record.seq
        # Without a link the next one begins the chain, unless it had begun: then it is cut.
        self.chain = START if record.chain is None and not self.is_proved else record.chain

    @staticmethod
    def _expected(before: str, record: Linked) -> str:
        return link(
            before,
            lane=record.lane,
            epoch=record.epoch,
            seq=record.seq,
            at_ms=record.at_ms,
            body=without_picture(bytes(record.body)),
        )


def findings(records: Iterable[Linked], walk: Walk) -> Iterator[Finding]:
    """The flaws of records of one epoch in order; neighbours of one kind as one."""
    last: Finding | None = None
    for record in records:
        for each in walk.step(record):
            if last is not None and (last.flaw, last.last + 1) == (each.flaw, each.first):
                last = Finding(
                    lane=each.lane,
                    epoch=each.epoch,
                    flaw=each.flaw,
                    first=last.first,
                    last=each.last,
                )
                continue
            if last is not None:
                yield last
            last = each
    if last is not None:
        yield last
