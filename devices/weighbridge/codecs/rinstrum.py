"""Rinstrum R300 and C500 series, automatic output in formats A and C.

    A   02  sign  weight  status                      03      11 bytes
    C   02  sign  weight  S1  S2  S3  S4  unit         03      17 bytes

The sign is a blank or `-`; the weight is seven characters with point and leading blanks, without
a point the first is a blank. Status of A: `G` gross, `N` net, `U` underload, `O` overload,
`M` motion, `E` error. C: S1 `G N U O E`, S2 `M` in motion, S3 `Z` at the center of zero, S4 the
range (`-`, `1`, `2`), and the unit in three characters right-aligned, blank in motion on the R320.
Sources: reference manuals of the R320 (formats FMT_1 and FMT_2) and the C530; no worked frame with
its bytes was found. There is no checksum.

A frame of A in motion does not say whether it is gross; one at rest does. What stands in the
weight's place during overload or error is not written: whatever it is, it is no number to us.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.framing import FixedScanner
from devices.readings import WeightStatus
from devices.weighbridge.indication import (
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    Kind,
    Unit,
    number,
    number_text,
    refuse,
)

if TYPE_CHECKING:
    from devices.framing import FrameDecoder

STX = b"\x02"
ETX = b"\x03"
A_BYTES = 11
C_BYTES = 17
PLACES = 7
BLANK = b" " * (PLACES + 1)
FLAGS = {
    b"U": WeightStatus.UNDERLOAD,
    b"O": WeightStatus.OVERLOAD,
    b"E": WeightStatus.ERROR,
}
KINDS = {b"G": Kind.GROSS, b"N": Kind.NET}
UNITS = {
    b" kg": Unit.KG,
    b"  t": Unit.T,
    b"  g": Unit.G,
    b" lb": Unit.LB,
    b" oz": Unit.OTHER,
    b"   ": None,
}
_A = re.compile(rb"([ -][ -~]{7})([GNUOME])")
_C = re.compile(rb"([ -][ -~]{7})([GNUOE])([M ])([Z ])([-12])([A-Za-z ]{3})")


def _framed(text: bytes) -> bytes:
    return STX + text + ETX


def _value(frame: IndicatorFrame) -> bytes:
    if frame.digits is None or frame.decimals < 0:
        raise refuse(frame, "an automatic output")
    text = number_text(frame.digits, frame.decimals).rjust(PLACES)
    if len(text) > PLACES or (not frame.decimals and text[0] != " "):
        raise refuse(frame, "an automatic output")
    return f"{'-' if frame.digits < 0 else ' '}{text}".encode("ascii")


def _flagged(letter: bytes) -> IndicatorFrame:
    return IndicatorFrame(digits=None, status=FLAGS[letter])


# --- format A -------------------------------------------------------------------------------------


def decoder_a() -> FrameDecoder[Heard]:
    """A decoder of format A. Fed by one thread."""
    return FixedScanner(starts=STX, frame_bytes=A_BYTES, parse=_parse_a)


def encode_a(frame: Heard) -> bytes:
    """The 11 bytes of `frame`.

    Raises:
        ValueError: the frame says what these bytes cannot.
    """
    if not isinstance(frame, IndicatorFrame):
        raise refuse(frame, "format A")
    for letter in FLAGS:
        if frame == _flagged(letter):
            return _framed(BLANK + letter)
    for letter in (b"G", b"N", b"M"):
        if frame == _weight_a(letter, frame.digits, frame.decimals):
            return _framed(_value(frame) + letter)
    raise refuse(frame, "format A")


def _weight_a(letter: bytes, digits: int | None, decimals: int) -> IndicatorFrame:
    return IndicatorFrame(
        digits=digits, decimals=decimals, kind=KINDS.get(letter), motion=letter == b"M"
    )


def _parse_a(candidate: bytes) -> IndicatorFrame | None:
    match = _A.fullmatch(candidate[1:-1])
    if match is None or candidate[-1:] != ETX:
        return None
    if match[2] in FLAGS:
        return _flagged(match[2])
    value = _number(match[1])
    return None if value is None else _weight_a(match[2], *value)


# --- format C -------------------------------------------------------------------------------------


def decoder_c() -> FrameDecoder[Heard]:
    """A decoder of format C. Fed by one thread."""
    return FixedScanner(starts=STX, frame_bytes=C_BYTES, parse=_parse_c)


def encode_c(frame: Heard) -> bytes:
    """The 17 bytes of `frame`.

    Raises:
        ValueError: the frame says what these bytes cannot.
    """
    if not isinstance(frame, IndicatorFrame):
        raise refuse(frame, "format C")
    for letter in FLAGS:
        if frame == _flagged(letter):
            return _framed(BLANK + letter + b"  -   ")
    letters = [letter for letter, kind in KINDS.items() if kind is frame.kind]
    units = [text for text, unit in UNITS.items() if unit is frame.unit]
    said = letters and frame.motion is not None and frame.step is None
    if not said or frame.status is not WeightStatus.OK:
        raise refuse(frame, "format C")
    motion = b"M" if frame.motion else b" "
    return _framed(_value(frame) + letters[0] + motion + b" -" + units[0])


def _parse_c(candidate: bytes) -> IndicatorFrame | None:
    match = _C.fullmatch(candidate[1:-1])
    if match is None or candidate[-1:] != ETX:
        return None
    if match[2] in FLAGS:
        return _flagged(match[2])
    value = _number(match[1])
    if value is None:
        return None
    return IndicatorFrame(
        digits=value[0],
        decimals=value[1],
        unit=UNITS.get(match[6].strip().rjust(3), Unit.OTHER),
        kind=KINDS[match[2]],
        motion=match[3] == b"M",
    )


def _number(text: bytes) -> tuple[int, int] | None:
    """The sign and the seven places; a sign within the places is none of this format."""
    return None if any(char in text[1:] for char in b"+-") else number(text)


_FLAGGED = frozenset(FLAGS.values())
FORMAT_A = IndicatorProtocol(
    name="rinstrum-auto-a",
    make_decoder=decoder_a,
    encode=encode_a,
    max_frame_bytes=A_BYTES,
    rest=IndicatorFrame(digits=0, kind=Kind.GROSS, motion=False),
    moving=IndicatorFrame(digits=0, motion=True),
    flags=_FLAGGED,
    blank=_FLAGGED,
)
FORMAT_C = IndicatorProtocol(
    name="rinstrum-auto-c",
    make_decoder=decoder_c,
    encode=encode_c,
    max_frame_bytes=C_BYTES,
    rest=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    moving=IndicatorFrame(digits=0, kind=Kind.GROSS, motion=True),
    flags=_FLAGGED,
    blank=_FLAGGED,
)
