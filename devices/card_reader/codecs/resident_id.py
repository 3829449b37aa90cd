"""Readers of China's resident identity cards: the security module's own protocol.

    AA AA AA 96 69  LEN(2, high first)  status(3)  data  XOR
    AA AA AA 96 69  LEN(2, high first)  cmd para         XOR      the host's question

LEN counts what follows it, the sum included; the sum is the XOR of all from LEN to the byte before
it. The questions (find, select, read, module number) and the beginnings of the two answers to
`read` were given by two sources and recomputed. General knowledge: the status words, how long the
answers to find and select are, that `read` answers text length(2), picture length(2), [fingerprint
length(2)], then these; that the text is UTF-16LE with the identity number at character 61, 18
characters long.

An answer is taken only with a length that its status has (`CONTENT_BYTES`). No two of these lengths
of one status differ in one bit: so one damaged bit makes no answer, though the sum is weak.

Of everything on the card only the number is taken: the rest never leaves this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor

from devices.framing import LengthScanner

HEADER = b"\xaa\xaa\xaa\x96\x69"
OVERHEAD_BYTES = len(HEADER) + 2
STATUS_BYTES = 3
TEXT_BYTES, PICTURE_BYTES = 256, 1024
CARD_BYTES = 4 + TEXT_BYTES + PICTURE_BYTES
CARD_WITH_FINGERPRINTS_BYTES = CARD_BYTES + 2 + 1024
MAX_LEN = STATUS_BYTES + CARD_WITH_FINGERPRINTS_BYTES + 1
MAX_FRAME_BYTES = OVERHEAD_BYTES + MAX_LEN
NUMBER_AT = 122  # name 30, sex 2, nation 4, birth 16, address 70 bytes before it
NUMBER_CHARACTERS = 18
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, ISO 7064 MOD 11-2
_CHECKS = "10X98765432"


def _question(command: int, parameter: int) -> bytes:
    body = bytes((0, 3, command, parameter))
    return HEADER + body + bytes((reduce(xor, body),))


FIND = _question(0x20, 0x01)
SELECT = _question(0x20, 0x02)
READ = _question(0x30, 0x01)
MODULE = _question(0x12, 0xFF)


class Status(IntEnum):
    """What an answer begins with."""

    OK = 0x90
    FOUND = 0x9F
    NO_CARD = 0x80
    NOT_SELECTED = 0x81
    READ_FAILED = 0x41


MODULE_ANSWER_BYTES = 16  # the module's number: only the answer to MODULE is as long
SELECT_ANSWER_BYTES = 8
# How many bytes follow a status; one that is not here, a refusal, has none.
CONTENT_BYTES: dict[int, frozenset[int]] = {
    Status.FOUND: frozenset({4}),
    Status.OK: frozenset(
        {SELECT_ANSWER_BYTES, MODULE_ANSWER_BYTES, CARD_BYTES, CARD_WITH_FINGERPRINTS_BYTES}
    ),
}
_NO_CONTENT = frozenset({0})


@dataclass(frozen=True, slots=True, kw_only=True)
class SamFrame:
    """One answer of the security module: its status word's last byte and the data after it."""

    status: int
    content: bytes = b""


class SamAnswers(LengthScanner[SamFrame]):
    """Decoder of the answers. Fed by one thread; keeps fewer than 2321 bytes."""

    def __init__(self) -> None:
        super().__init__(
            header=HEADER,
            prefix_bytes=OVERHEAD_BYTES + STATUS_BYTES,
            total_bytes=_total_bytes,
            max_bytes=MAX_FRAME_BYTES,
            parse=_parse,
        )


def encode(frame: SamFrame) -> bytes:
    """The bytes of `frame`.

    Raises:
        ValueError: the content is not as long as its status says, or the status is no byte.
    """
    length = STATUS_BYTES + len(frame.content) + 1
    fits = len(frame.content) in content_bytes(frame.status)
    if not fits or not 0 <= frame.status <= 0xFF:
        raise ValueError(f"an answer cannot carry {frame}")
    body = length.to_bytes(2, "big") + bytes((0, 0, frame.status)) + frame.content
    return HEADER + body + bytes((reduce(xor, body),))


def content_bytes(status: int) -> frozenset[int]:
    """How many bytes may follow `status`."""
    return CONTENT_BYTES.get(status, _NO_CONTENT)


def card_content(number: str) -> bytes:
    """What `read` answers for a card with `number` and nothing else on it, for the simulator."""
    text = "".join((" " * (NUMBER_AT // 2), number)).ljust(TEXT_BYTES // 2)
    lengths = TEXT_BYTES.to_bytes(2, "big") + PICTURE_BYTES.to_bytes(2, "big")
    return lengths + text.encode("utf-16-le") + bytes(PICTURE_BYTES)


def number_of(answer: SamFrame) -> str | None:
    """The identity number in an answer to `READ`; None when it has none with a good check digit."""
    if answer.status != Status.OK or len(answer.content) < CARD_BYTES:
        return None
    lengths = answer.content[:4]
    if lengths != TEXT_BYTES.to_bytes(2, "big") + PICTURE_BYTES.to_bytes(2, "big"):
        return None
    fingerprint_bytes = 2 if len(answer.content) > CARD_BYTES else 0
    at = 4 + fingerprint_bytes + NUMBER_AT
    number = answer.content[at : at + 2 * NUMBER_CHARACTERS].decode("utf-16-le", "replace")
    return number if is_resident_number(number) else None


def is_resident_number(number: str) -> bool:
    """Whether `number` is 17 digits and the check digit that they give."""
    digits, check = number[:-1], number[-1:]
    if len(number) != NUMBER_CHARACTERS or not (digits.isascii() and digits.isdecimal()):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return _CHECKS[total % 11] == check


def _total_bytes(prefix: bytes) -> int | None:
    length = int.from_bytes(prefix[len(HEADER) : OVERHEAD_BYTES], "big")
    begins_well = prefix[OVERHEAD_BYTES:-1] == b"\x00\x00"
    fits = begins_well and length - STATUS_BYTES - 1 in content_bytes(prefix[-1])
    return OVERHEAD_BYTES + length if fits else None


def _parse(candidate: bytes) -> SamFrame | None:
    body, told = candidate[len(HEADER) : -1], candidate[-1]
    if reduce(xor, body) != told:
        return None
    return SamFrame(status=body[4], content=body[5:])
