"""METTLER TOLEDO MT-SICS, levels 0 and 1: lines of text, asked for one by one.

    ask     SI CR LF     the weight at once, moving or not
    answer  S  status  weight      unit  CR LF      `S S     100.00 g`
               S stable, D dynamic
            S I   not executable now      S +   overload      S -   underload
    ask     TA CR LF     the tare that is set
    answer  TA A  weight  unit CR LF

Blanks stand between the parts; the weight is ten characters, right-aligned, with sign and point.
`ES`, `ET`, `EL` answer what was not understood. Sources: operating instructions of several
balances and terminals (answers of `S`); the answer of `TA` is general knowledge of level 1.

The weight of `S` and `SI` is NET when a tare is set, and the line does not say so. The tare is
therefore asked for after every weight: a weight counts only if that answer came and says zero.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.framing import FrameScanner
from devices.readings import WeightStatus
from devices.weighbridge.indication import (
    Answer,
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    Kind,
    Poll,
    Unit,
    number,
    number_text,
    refuse,
)

if TYPE_CHECKING:
    from devices.framing import FrameDecoder

LF = 0x0A
MAX_BYTES = 22
PLACES = 10
FLAGS = {b"S +": WeightStatus.OVERLOAD, b"S -": WeightStatus.UNDERLOAD}
ANSWERS = (b"S I", b"TA I", b"ES", b"ET", b"EL")
UNITS = {b"kg": Unit.KG, b"t": Unit.T, b"g": Unit.G, b"lb": Unit.LB, b"oz": Unit.OTHER}
# A weight cut off before its unit, and an error behind it, are no weight in a unit `ES` or `kES`.
_LINE = re.compile(rb"(S S|S D|TA A) ([ 0-9.+-]{10}) ([A-Za-z]{1,4})(?<!E[STL])")
_MOTION = {b"S S": False, b"S D": True, b"TA A": None}


def decoder() -> FrameDecoder[Heard]:
    """A decoder of the answers to `SI` and `TA`. Fed by one thread."""
    return FrameScanner(start=b"SET", end=LF, max_bytes=MAX_BYTES, parse=_parse)


def encode(frame: Heard) -> bytes:
    """The line that says `frame`.

    Raises:
        ValueError: no line can say it.
    """
    return _text(frame) + b"\r\n"


def _text(frame: Heard) -> bytes:
    if isinstance(frame, Answer):
        text = frame.text.encode("ascii", "replace")
        if text in ANSWERS:
            return text
        raise refuse(frame, "MT-SICS")
    for text, status in FLAGS.items():
        if frame == IndicatorFrame(digits=None, status=status):
            return text
    return _value_text(frame)


def _value_text(frame: IndicatorFrame) -> bytes:
    units = [text for text, unit in UNITS.items() if unit is frame.unit]
    heads = [head for head, motion in _MOTION.items() if motion is frame.motion]
    kind = Kind.TARE if frame.motion is None else None
    usable = frame.status is WeightStatus.OK and frame.kind is kind and frame.step is None
    if frame.digits is None or not units or not usable or frame.decimals < 0:
        raise refuse(frame, "MT-SICS")
    sign = "-" if frame.digits < 0 else ""
    value = f"{sign}{number_text(frame.digits, frame.decimals)}"
    if len(value) > PLACES:
        raise refuse(frame, "MT-SICS")
    return b" ".join((heads[0], value.rjust(PLACES).encode("ascii"), units[0]))


def _parse(candidate: bytes) -> Heard | None:
    if candidate[-2:] != b"\r\n":
        return None
    text = candidate[:-2]
    if text in ANSWERS:
        return Answer(text=text.decode("ascii"))
    if text in FLAGS:
        return IndicatorFrame(digits=None, status=FLAGS[text])
    match = _LINE.fullmatch(text)
    value = number(match[2]) if match else None
    if match is None or value is None:
        return None
    return IndicatorFrame(
        digits=value[0],
        decimals=value[1],
        unit=UNITS.get(match[3], Unit.OTHER),
        motion=_MOTION[match[1]],
        kind=Kind.TARE if match[1] == b"TA A" else None,
    )


def _is_tare(heard: Heard) -> bool:
    return isinstance(heard, IndicatorFrame) and heard.kind is Kind.TARE


PROTOCOL = IndicatorProtocol(
    name="mt-sics",
    make_decoder=decoder,
    encode=encode,
    max_frame_bytes=MAX_BYTES,
    rest=IndicatorFrame(digits=0, unit=Unit.KG, motion=False),
    flags=frozenset(FLAGS.values()),
    blank=frozenset(FLAGS.values()),
    poll=Poll(
        ask=b"SI\r\n",
        check=b"TA\r\n",
        is_checked=_is_tare,
        reply=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.TARE),
        after_each=True,
    ),
)
