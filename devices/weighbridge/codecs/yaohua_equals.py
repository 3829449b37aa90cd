"""Yaohua family, the "=" streams: 9 bytes without start, stop or sum, only `=` before a number.

    format 1   `=` and eight characters, the LAST first      `=00.1000-` is -1.00
    format 2   `=` and eight characters, the first first      `=-0001.00` is -1.00

The eight characters are a sign's place (`0` or `-`) and seven digits, one of which may be the
point. Source: the makers' description of the two formats, one source; `00025680` without a point
is our reading of it, not a worked example.

There is no checksum, no motion, net or overload flag: a damaged digit is a wrong value. Nothing
but the settling rule stands against that, and a supervisor who wants more sets the indicator to
the continuous frame. The format is named in the lane file and never guessed: a number can be a
good frame of both.
"""

from __future__ import annotations

import re
from functools import partial

from devices.framing import FixedScanner, FrameDecoder
from devices.weighbridge.indication import (
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    number_text,
    refuse,
)

FRAME_BYTES = 9
START = b"="
MAX_DECIMALS = 4
PLACES = 7
_TEXT = re.compile(rb"([0-])(?=.{7}\Z)([0-9]+)(?:\.([0-9]{1,4}))?")


def decoder(*, low_first: bool) -> FrameDecoder[Heard]:
    """A decoder of format 1 (`low_first`) or 2. Fed by one thread."""
    return FixedScanner(
        starts=START, frame_bytes=FRAME_BYTES, parse=partial(_parse, low_first=low_first)
    )


def encode(frame: Heard, *, low_first: bool) -> bytes:
    """The 9 bytes of `frame`.

    Raises:
        ValueError: the frame says what these bytes cannot.
    """
    if not isinstance(frame, IndicatorFrame) or frame.digits is None:
        raise refuse(frame, "a = frame")
    plain = IndicatorFrame(digits=frame.digits, decimals=frame.decimals)
    if frame != plain or not 0 <= frame.decimals <= MAX_DECIMALS:
        raise refuse(frame, "a = frame")
    magnitude = number_text(frame.digits, frame.decimals).rjust(PLACES, "0")
    if len(magnitude) > PLACES:
        raise refuse(frame, "a = frame")
    text = f"{'-' if frame.digits < 0 else '0'}{magnitude}".encode("ascii")
    return START + (text[::-1] if low_first else text)


def _parse(candidate: bytes, *, low_first: bool) -> IndicatorFrame | None:
    text = candidate[:0:-1] if low_first else candidate[1:]
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction = match[1], match[2], match[3] or b""
    magnitude = int(whole + fraction)
    return IndicatorFrame(digits=-magnitude if sign == b"-" else magnitude, decimals=len(fraction))


def _protocol(name: str, *, low_first: bool) -> IndicatorProtocol:
    return IndicatorProtocol(
        name=name,
        make_decoder=partial(decoder, low_first=low_first),
        encode=partial(encode, low_first=low_first),
        max_frame_bytes=FRAME_BYTES,
        rest=IndicatorFrame(digits=0),
    )


LOW_FIRST = _protocol("yaohua-equals-low-first", low_first=True)
HIGH_FIRST = _protocol("yaohua-equals-high-first", low_first=False)
