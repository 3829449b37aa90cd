"""125 kHz readers of EM4100 cards that send the number as text (RDM6300 and its many copies).

    STX  V V  N N N N N N N N  S S  [CR LF]  ETX
    02   ten hex digits        sum  0D 0A    03

The first two digits are the card's version or customer byte, eight digits are its number. The sum
is the XOR of the five bytes. RDM6300 readers send 14 bytes, ID-12 readers CR LF before the ETX, 16.
Bytes from a description of the RDM6300 with a worked frame; CR LF of the ID-12 is general
knowledge. Small letters are read as well: which readers send them is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from devices.framing import FrameScanner

STX = 0x02
ETX = 0x03
NUMBER_BYTES = 5
BARE_BYTES = 14
MAX_FRAME_BYTES = 16
_HEX_DIGITS = frozenset(b"0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Em4100Frame:
    """One card: `number` is 5 bytes, the version first. `line_end`: CR LF stood before the ETX."""

    number: bytes
    line_end: bool = False


class Em4100(FrameScanner[Em4100Frame]):
    """Decoder of the packets. Fed by one thread; keeps at most 15 bytes."""

    def __init__(self) -> None:
        super().__init__(start=STX, end=ETX, max_bytes=MAX_FRAME_BYTES, parse=_parse)


def encode(frame: Em4100Frame) -> bytes:
    """The packet of `frame`.

    Raises:
        ValueError: the number is not 5 bytes.
    """
    if len(frame.number) != NUMBER_BYTES:
        raise ValueError(f"an EM4100 packet cannot carry {frame}")
    text = bytes((*frame.number, reduce(xor, frame.number))).hex().upper().encode("ascii")
    return bytes((STX, *text, *(b"\r\n" if frame.line_end else b""), ETX))


def _parse(candidate: bytes) -> Em4100Frame | None:
    line_end = len(candidate) == MAX_FRAME_BYTES and candidate.endswith(b"\r\n\x03")
    if len(candidate) != BARE_BYTES and not line_end:
        return None
    text = candidate[1 : BARE_BYTES - 1]
    if not _HEX_DIGITS.issuperset(text):
        return None
    *number, told = bytes.fromhex(text.decode("ascii"))
    if reduce(xor, number) != told:
        return None
    return Em4100Frame(number=bytes(number), line_end=line_end)
