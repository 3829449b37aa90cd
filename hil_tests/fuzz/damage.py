"""Seeded damage to good streams, and what a decoder must still hold to.

One input is a good stream of one to three packets with one to three injuries, fed to a decoder
that has seen nothing. The same codec, seed and batch give the same inputs for ever: a finding is
repeated by its numbers alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil_tests.fuzz.codecs import CodecUnderLaw

BATCH_INPUTS = 10_000
POOL_PACKETS = 256
FINDINGS_KEPT = 20
# Bytes that begin, end or separate frames in one protocol or another, and parity's bit.
TELLING = bytes(
    (0x00, 0x02, 0x03, 0x0A, 0x0D, 0x20, 0x2D, 0x2E, 0x30, 0x3D, 0x53, 0x57, 0x80, 0xAA, 0xFF)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One input that broke a promise."""

    codec: str
    what: str
    seed: int
    batch: int
    number: int
    stream: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the inputs of one codec.

    `sent_frames` went into the good streams, `read_frames` came out of the damaged ones.
    `unsent_frames` are those that came out and were never sent: where the protocol has a checksum,
    damage that its sum does not see; where it has none, damage that nothing sees.
    """

    inputs: int = 0
    sent_frames: int = 0
    read_frames: int = 0
    unsent_frames: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take another tally into this one."""
        self.inputs += other.inputs
        self.sent_frames += other.sent_frames
        self.read_frames += other.read_frames
        self.unsent_frames += other.unsent_frames
        self.findings = (self.findings + other.findings)[:FINDINGS_KEPT]


def fuzz_batch(codec: CodecUnderLaw, *, seed: int, batch: int, inputs: int = BATCH_INPUTS) -> Tally:
    """Feed the first `inputs` inputs of a batch to the codec."""
    chance = random.Random(f"{seed}:{codec.name}:{batch}")
    pool = [codec.sample(chance) for _ in range(POOL_PACKETS)]
    packets = [codec.packet(frame, chance) for frame in pool]
    tally = Tally()
    for number in range(inputs):
        picked = [_below(chance, POOL_PACKETS) for _ in range(1 + _below(chance, 3))]
        stream = b"".join(packets[index] for index in picked)
        lightly = chance.random() < 0.2
        damaged = _flip_bit(bytearray(stream), chance) if lightly else hurt(stream, packets, chance)
        sent = [pool[index] for index in picked]
        what, read = _judged(codec, bytes(damaged), sent, chance, lightly=lightly)
        tally.inputs += 1
        tally.sent_frames += len(sent)
        tally.read_frames += len(read)
        tally.unsent_frames += sum(frame not in sent for frame in read)
        if what and len(tally.findings) < FINDINGS_KEPT:
            tally.findings.append(
                Finding(
                    codec=codec.name,
                    what=what,
                    seed=seed,
                    batch=batch,
                    number=number,
                    stream=damaged.hex(" "),
                )
            )
    return tally


def _judged(
    codec: CodecUnderLaw, stream: bytes, sent: list[Any], chance: random.Random, *, lightly: bool
) -> tuple[str, list[Any]]:
    """Which promise broke ("" when none), and what was read."""
    try:
        what, read = _fed(codec, stream, chance)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is what we are looking for
        return f"raised {exc!r}", []
    if what or not codec.checksum_at:
        return what, read
    for frame in read:
        if frame in sent:
            continue
        if lightly:
            return f"one wrong bit made {frame}", read
        if not codec.vouched(stream, frame, codec):
            return f"no good checksum vouches for {frame}", read
    return "", read


def _fed(codec: CodecUnderLaw, stream: bytes, chance: random.Random) -> tuple[str, list[Any]]:
    whole, pieces = codec.make_decoder(), codec.make_decoder()
    read = whole.feed(stream)
    again: list[Any] = []
    cut, end = sorted((_below(chance, len(stream) + 1), _below(chance, len(stream) + 1)))
    for piece in (stream[:cut], stream[cut:end], stream[end:]):
        again += pieces.feed(piece)
        if pieces.pending_bytes >= codec.max_frame_bytes:
            return f"keeps {pieces.pending_bytes} bytes", read
    good_bytes = len(stream) - whole.discarded_bytes - whole.pending_bytes
    if again != read or pieces.discarded_bytes != whole.discarded_bytes:
        return f"cut differently it reads {again}, not {read}", read
    if not len(read) <= good_bytes <= len(read) * codec.max_frame_bytes:
        return f"{len(read)} frames in {good_bytes} bytes: bytes are counted wrong", read
    return "", read


def _below(chance: random.Random, bound: int) -> int:
    """A whole number from 0 up to `bound`, in a third of the time that `randrange` takes."""
    return int(chance.random() * bound)


# --- injuries -------------------------------------------------------------------------------------


def hurt(stream: bytes, packets: list[bytes], chance: random.Random) -> bytearray:
    """`stream` with one to three injuries; `packets` are what its pieces may be mixed up with."""
    damaged = bytearray(stream)
    for _ in range(1 + _below(chance, 3)):
        if not damaged:
            break
        if chance.random() < 0.1:  # the beginning of another frame, cut short
            other = packets[_below(chance, len(packets))]
            at = _below(chance, len(damaged))
            damaged[at:at] = other[: _below(chance, len(other))]
        else:
            damaged = INJURIES[_below(chance, len(INJURIES))](damaged, chance)
    return damaged


def _flip_bit(hurt: bytearray, chance: random.Random) -> bytearray:
    hurt[_below(chance, len(hurt))] ^= 1 << _below(chance, 8)
    return hurt


def _other_byte(hurt: bytearray, chance: random.Random) -> bytearray:
    hurt[_below(chance, len(hurt))] = _below(chance, 256)
    return hurt


def _telling_byte(hurt: bytearray, chance: random.Random) -> bytearray:
    hurt[_below(chance, len(hurt))] = TELLING[_below(chance, len(TELLING))]
    return hurt


def _other_digit(hurt: bytearray, chance: random.Random) -> bytearray:
    hurt[_below(chance, len(hurt))] = 0x30 + _below(chance, 10)
    return hurt


def _lose(hurt: bytearray, chance: random.Random) -> bytearray:
    at = _below(chance, len(hurt))
    del hurt[at : at + 1 + _below(chance, 4)]
    return hurt


def _noise(hurt: bytearray, chance: random.Random) -> bytearray:
    at = _below(chance, len(hurt) + 1)
    hurt[at:at] = chance.randbytes(1 + _below(chance, 8))
    return hurt


def _twice(hurt: bytearray, chance: random.Random) -> bytearray:
    at = _below(chance, len(hurt))
    hurt[at:at] = hurt[at : at + 1 + _below(chance, 12)]
    return hurt


def _cut(hurt: bytearray, chance: random.Random) -> bytearray:
    at = _below(chance, len(hurt))
    return hurt[at:] if chance.random() < 0.5 else hurt[:at]


def _swap(hurt: bytearray, chance: random.Random) -> bytearray:
    at, other = _below(chance, len(hurt)), _below(chance, len(hurt))
    hurt[at], hurt[other] = hurt[other], hurt[at]
    return hurt


def _parity(hurt: bytearray, chance: random.Random) -> bytearray:
    at = _below(chance, len(hurt))
    for place in range(at, min(len(hurt), at + 20)):
        hurt[place] |= 0x80
    return hurt


INJURIES: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _flip_bit,
    _other_byte,
    _telling_byte,
    _other_digit,
    _lose,
    _noise,
    _twice,
    _cut,
    _swap,
    _parity,
)
