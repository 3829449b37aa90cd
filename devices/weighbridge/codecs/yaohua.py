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

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from devices.framing import FrameScanner
from devices.weighbridge.indication import (
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    refuse,
)

if TYPE_CHECKING:
    from devices.framing import FrameDecoder

STX = 0x02
ETX = 0x03
FRAME_BYTES = 12
MAX_DIGITS = 999_999
MAX_DECIMALS = 4


def decoder() -> FrameDecoder[Heard]:
    """A decoder of the continuous stream. Fed by one thread."""
    return FrameScanner(start=STX, end=ETX, max_bytes=FRAME_BYTES, parse=_parse)


def encode(frame: Heard) -> bytes:
    """The 12 bytes of `frame`.

    Raises:
        ValueError: the frame says what these bytes cannot.
    """
    if not isinstance(frame, IndicatorFrame) or frame.digits is None:
        raise refuse(frame, "a continuous frame")
    plain = IndicatorFrame(digits=frame.digits, decimals=frame.decimals)
    if frame != plain or not is_carried(frame.digits, frame.decimals):
        raise refuse(frame, "a continuous frame")
    body = value_text(frame.digits, frame.decimals)
    return bytes((STX, *body, *sum_text(body), ETX))


def _parse(candidate: bytes) -> IndicatorFrame | None:
    if len(candidate) != FRAME_BYTES or not has_sum(candidate[1:9], candidate[9:11]):
        return None
    return value_of(candidate[1:9])


# --- what continuous frames and command replies have in common ------------------------------------


def is_carried(digits: int, decimals: int) -> bool:
    """Whether sign, six digits and a point can say this."""
    return abs(digits) <= MAX_DIGITS and 0 <= decimals <= MAX_DECIMALS


def value_text(digits: int, decimals: int) -> bytes:
    """Sign, six digits, decimals: eight characters."""
    return f"{'-' if digits < 0 else '+'}{abs(digits):06d}{decimals}".encode("ascii")


def value_of(text: bytes) -> IndicatorFrame | None:
    """The frame that the eight characters of `text` say; None where they say none."""
    sign, digits, decimals = text[:1], text[1:7], text[7] - ord("0")
    if sign not in (b"+", b"-") or not digits.isdigit() or not 0 <= decimals <= MAX_DECIMALS:
        return None
    magnitude = int(digits)
    return IndicatorFrame(digits=-magnitude if sign == b"-" else magnitude, decimals=decimals)


def sum_text(body: bytes) -> bytes:
    """The XOR of `body` in two characters."""
    return f"{reduce(xor, body):02X}".encode("ascii")


def has_sum(body: bytes, sums: bytes) -> bool:
    """Whether the two characters `sums`, in either spelling, are the XOR of `body`."""
    high, low = _nibble(sums[0]), _nibble(sums[1])
    return high is not None and low is not None and reduce(xor, body) == high << 4 | low


def _nibble(char: int) -> int | None:
    """The nibble that `char` stands for, in either form; None for any other character."""
    if 0x30 <= char <= 0x3F:  # 0..9, and A..F of the models that add 30h always
        return char - 0x30
    if 0x41 <= char <= 0x46:
        return char - 0x37
    return None


PROTOCOL = IndicatorProtocol(
    name="yaohua-continuous",
    has_sum=True,
    make_decoder=decoder,
    encode=encode,
    max_frame_bytes=FRAME_BYTES,
    rest=IndicatorFrame(digits=0),
)
