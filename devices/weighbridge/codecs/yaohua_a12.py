"""Yaohua XK3190-A12(E), continuous output: 15 characters, a line.

    1   2     3..9                          10..11  12..13   14..15
    W   G/N   weight, seven characters      kg      sum      CR LF
              with the point; `-` in front

The sum is the XOR (not the sum) of the first eleven characters in hex. More than nine divisions
over the capacity the line is nine spaces and `OL`, below -20 divisions nine spaces and `LO`, each
with its sum `23`. Source: the A12E manual; its example `WG004.139kg3D` agrees with the XOR.

Clones that send lower case and no sum are not read: nothing would tell a damaged digit. Whether a
weight without decimals is sent with a point is not known; it is read without one.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from devices.framing import FixedScanner
from devices.readings import WeightStatus
from devices.weighbridge.indication import (
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    Kind,
    Unit,
    number_text,
    refuse,
)

if TYPE_CHECKING:
    from devices.framing import FrameDecoder

FRAME_BYTES = 15
SUMMED_BYTES = 11
MAX_DECIMALS = 4
PLACES = 7
KINDS = {b"G": Kind.GROSS, b"N": Kind.NET}
FLAGS = {
    b" " * 9 + b"OL": WeightStatus.OVERLOAD,
    b" " * 9 + b"LO": WeightStatus.UNDERLOAD,
}
_LINE = re.compile(rb"W([GN])(?=.{7}kg)(-?)([0-9]+)(?:\.([0-9]{1,4}))?kg")


def decoder() -> FrameDecoder[Heard]:
    """A decoder of the stream. Fed by one thread."""
    return FixedScanner(starts=b"W ", frame_bytes=FRAME_BYTES, parse=_parse)


def encode(frame: Heard) -> bytes:
    """The line of `frame`.

    Raises:
        ValueError: the frame says what the line cannot.
    """
    if not isinstance(frame, IndicatorFrame):
        raise refuse(frame, "an A12 line")
    text = _flag_text(frame) if frame.digits is None else _value_text(frame, frame.digits)
    return text + f"{reduce(xor, text):02X}\r\n".encode("ascii")


def _flag_text(frame: IndicatorFrame) -> bytes:
    for text, status in FLAGS.items():
        if frame == IndicatorFrame(digits=None, status=status):
            return text
    raise refuse(frame, "an A12 line")


def _value_text(frame: IndicatorFrame, digits: int) -> bytes:
    plain = IndicatorFrame(digits=digits, decimals=frame.decimals, kind=frame.kind, unit=Unit.KG)
    letters = [letter for letter, kind in KINDS.items() if kind is frame.kind]
    if frame != plain or not letters or not 0 <= frame.decimals <= MAX_DECIMALS:
        raise refuse(frame, "an A12 line")
    sign = "-" if digits < 0 else ""
    weight = sign + number_text(digits, frame.decimals).rjust(PLACES - len(sign), "0")
    if len(weight) > PLACES:
        raise refuse(frame, "an A12 line")
    return b"W" + letters[0] + weight.encode("ascii") + b"kg"


def _parse(candidate: bytes) -> IndicatorFrame | None:
    text, ending = candidate[:SUMMED_BYTES], candidate[SUMMED_BYTES:]
    if ending != f"{reduce(xor, text):02X}\r\n".encode("ascii"):
        return None
    if text in FLAGS:
        return IndicatorFrame(digits=None, status=FLAGS[text])
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    letter, sign, whole, fraction = match[1], match[2], match[3], match[4] or b""
    magnitude = int(whole + fraction)
    return IndicatorFrame(
        digits=-magnitude if sign else magnitude,
        decimals=len(fraction),
        unit=Unit.KG,
        kind=KINDS[letter],
    )


PROTOCOL = IndicatorProtocol(
    name="yaohua-a12",
    has_sum=True,
    make_decoder=decoder,
    encode=encode,
    max_frame_bytes=FRAME_BYTES,
    rest=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.GROSS),
    flags=frozenset(FLAGS.values()),
    blank=frozenset(FLAGS.values()),
)
