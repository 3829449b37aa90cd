"""A&D standard format (AD-4401 to AD-4410), also "18 bytes for AND" of CAS CI and others.

    1..2      3   4..5      6   7..14                    15..16   17..18
    header 1  ,   header 2  ,   sign and seven places    unit     CR LF
    ST US OL      GS NT TR      with the point           kg g t lb

`ST` stable, `US` in motion, `OL` out of range (`LO` in two manuals); `GS` gross, `NT` net, `TR`
tare. Units of one letter have a blank before them. Out of range, every digit is a blank. Sources:
manuals of the AD-4402, AD-4404, AD-4406 and AD-4410; `ST,GS,+00123.0kg` and `ST,NT,+0012.34kg` are
theirs. There is no checksum.

A held value (`HD`) is not what stands on the platform and gives nothing. Out of range does not
say whether above or below: it is called an overload. A comma for the point is not read.
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

FRAME_BYTES = 18
PLACES = 7
KINDS = {b"GS": Kind.GROSS, b"NT": Kind.NET, b"TR": Kind.TARE}
UNITS = {b"kg": Unit.KG, b" t": Unit.T, b" g": Unit.G, b"lb": Unit.LB, b"oz": Unit.OTHER}
OUT_OF_RANGE = b"OL,GS,        kg\r\n"
_OUT = re.compile(rb"(?:OL|LO),(?:GS|NT|TR),[ +-][ .]{7}[A-Za-z ]{2}\r\n")
_WEIGHT = re.compile(rb"(ST|US),(GS|NT|TR),([+-][0-9.]{7})([A-Za-z ]{2})\r\n")


def decoder() -> FrameDecoder[Heard]:
    """A decoder of the stream. Fed by one thread."""
    return FixedScanner(starts=b"SUOL", frame_bytes=FRAME_BYTES, parse=_parse)


def encode(frame: Heard) -> bytes:
    """The line of `frame`.

    Raises:
        ValueError: the frame says what the line cannot.
    """
    if frame == IndicatorFrame(digits=None, status=WeightStatus.OVERLOAD):
        return OUT_OF_RANGE
    if not isinstance(frame, IndicatorFrame) or frame.digits is None or frame.decimals < 0:
        raise refuse(frame, "an A&D line")
    kinds = [text for text, kind in KINDS.items() if kind is frame.kind]
    units = [text for text, unit in UNITS.items() if unit is frame.unit]
    said = kinds and units and frame.motion is not None and frame.step is None
    places = number_text(frame.digits, frame.decimals).rjust(PLACES, "0")
    if not said or frame.status is not WeightStatus.OK or len(places) > PLACES:
        raise refuse(frame, "an A&D line")
    value = f"{'-' if frame.digits < 0 else '+'}{places}".encode("ascii")
    header = b"US" if frame.motion else b"ST"
    return b",".join((header, kinds[0], value + units[0])) + b"\r\n"


def _parse(candidate: bytes) -> IndicatorFrame | None:
    if _OUT.fullmatch(candidate):
        return IndicatorFrame(digits=None, status=WeightStatus.OVERLOAD)
    match = _WEIGHT.fullmatch(candidate)
    value = number(match[3]) if match else None
    if match is None or value is None:
        return None
    return IndicatorFrame(
        digits=value[0],
        decimals=value[1],
        unit=UNITS.get(match[4], Unit.OTHER),
        kind=KINDS[match[2]],
        motion=match[1] == b"US",
    )


PROTOCOL = IndicatorProtocol(
    name="and-standard",
    make_decoder=decoder,
    encode=encode,
    max_frame_bytes=FRAME_BYTES,
    rest=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    flags=frozenset({WeightStatus.OVERLOAD}),
    blank=frozenset({WeightStatus.OVERLOAD}),
)
