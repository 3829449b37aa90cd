"""Yaohua XK3190 family, continuous output: 12 bytes, several times a second, unasked.

    byte   1      2        3..8                9           10         11        12
           STX    sign     six ASCII digits    decimals    sum high   sum low   ETX
           02     2B/2D    30..39              30..34                           03

The sum is the XOR of bytes 2 to 9, sent as two characters, high nibble first. A nibble above 9
is sent as n+37h (`A`..`F`) by most models and as n+30h (`:`..`?`) by some; both are read, the
first is sent. Sources: manuals of XK3190-A23p, -A26 and -D9 (first form), -A22 (second form).

The frame has no motion, net or overload bit: stability must be derived from the values, and the
indicator's tare key has to be disabled. The digits are what the display shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from devices.framing import FrameScanner

STX = 0x02
ETX = 0x03
FRAME_BYTES = 12
MAX_DIGITS = 999_999
MAX_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorFrame:
    """What the display shows: `digits` (-999999..999999) with `decimals` (0..4) behind the point.

    The unit is what the indicator was set to, kilograms at a truck scale; the frame does not say.
    """

    digits: int
    decimals: int = 0

    @property
    def value(self) -> float:
        """The number shown: digits divided by 10 to the power of decimals."""
        return float(self.digits / 10**self.decimals)


class YaohuaContinuous:
    """Decoder of the continuous stream. Fed by one thread."""

    def __init__(self) -> None:
        self._scanner = FrameScanner(start=STX, end=ETX, max_bytes=FRAME_BYTES, parse=_parse)

    @property
    def discarded_bytes(self) -> int:
        """How many bytes so far belonged to no good frame."""
        return self._scanner.discarded_bytes

    @property
    def pending_bytes(self) -> int:
        """How many bytes are kept because they may begin a frame: at most 11."""
        return self._scanner.pending_bytes

    def feed(self, chunk: bytes) -> list[IndicatorFrame]:
        """Take any number of bytes and return the frames that they complete. Never raises."""
        return self._scanner.feed(chunk)


def encode(frame: IndicatorFrame) -> bytes:
    """The 12 bytes of `frame`.

    Raises:
        ValueError: `digits` or `decimals` do not fit the frame.
    """
    if abs(frame.digits) > MAX_DIGITS or not 0 <= frame.decimals <= MAX_DECIMALS:
        raise ValueError(f"a continuous frame cannot show {frame}")
    sign = "-" if frame.digits < 0 else "+"
    body = f"{sign}{abs(frame.digits):06d}{frame.decimals}".encode("ascii")
    return bytes((STX, *body, *f"{reduce(xor, body):02X}".encode("ascii"), ETX))


def _parse(candidate: bytes) -> IndicatorFrame | None:
    if len(candidate) != FRAME_BYTES:
        return None
    body, sums = candidate[1:9], candidate[9:11]
    sign, digits, decimals = body[:1], body[1:7], body[7] - ord("0")
    high, low = _nibble(sums[0]), _nibble(sums[1])
    if high is None or low is None or reduce(xor, body) != high << 4 | low:
        return None
    if sign not in (b"+", b"-") or not digits.isdigit() or not 0 <= decimals <= MAX_DECIMALS:
        return None
    magnitude = int(digits)
    return IndicatorFrame(digits=-magnitude if sign == b"-" else magnitude, decimals=decimals)


def _nibble(char: int) -> int | None:
    """The nibble that `char` stands for, in either form; None for any other character."""
    if 0x30 <= char <= 0x3F:  # 0..9, and A..F of the models that add 30h always
        return char - 0x30
    if 0x41 <= char <= 0x46:
        return char - 0x37
    return None
