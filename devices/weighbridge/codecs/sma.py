"""SMA SCP-0499, the scale makers' common protocol (Cardinal, Fairbanks, BTEK and others).

    ask     LF W CR
    answer  LF  s  r  n  m  f  weight      unit   CR
            0A                 10 chars    3      0D       20 bytes

    s  blank, `Z` center of zero, `O` over, `U` under capacity, `E` `I` zero error, `T` tare error
    r  range, a digit        n  `G` gross, `N` net, `T` tare
    m  `M` motion, else blank        f  blank, reserved

The weight is right-aligned with sign and point, or ten `-` when there is none. A command that is
not understood is answered `LF ? CR`; `LF A CR` is answered by a line beginning `SMA:`. Sources:
the text of SCP-0499 and makers' manuals (two agree on the weight); no worked frame with its bytes
was found. There is no checksum.
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

LF = b"\n"
CR = b"\r"
WEIGHT_BYTES = 20
MAX_BYTES = 40  # an about line is short; nothing else may be longer
PLACES = 10
STATUSES = {
    b" ": WeightStatus.OK,
    b"Z": WeightStatus.OK,
    b"O": WeightStatus.OVERLOAD,
    b"U": WeightStatus.UNDERLOAD,
    b"I": WeightStatus.NOT_ZEROED,
    b"E": WeightStatus.NOT_ZEROED,
    b"T": WeightStatus.ERROR,
}
KINDS = {b"G": Kind.GROSS, b"N": Kind.NET, b"T": Kind.TARE}
UNITS = {
    b"kg ": Unit.KG,
    b"t  ": Unit.T,
    b"g  ": Unit.G,
    b"lb ": Unit.LB,
    b"oz ": Unit.OTHER,
}
NO_WEIGHT = b"-" * PLACES
_WEIGHT = re.compile(rb"([ ZOUIET])[0-9]([GNT])([M ]) ([ 0-9.+-]{10})([A-Za-z ]{3})")
_ABOUT = re.compile(rb"SMA:[ -~]{1,30}")


def decoder() -> FrameDecoder[Heard]:
    """A decoder of the answers to `W` and `A`. Fed by one thread."""
    return FrameScanner(start=LF, end=CR[0], max_bytes=MAX_BYTES, parse=_parse)


def encode(frame: Heard) -> bytes:
    """The answer that says `frame`.

    Raises:
        ValueError: no answer can say it.
    """
    return LF + (_answer(frame) if isinstance(frame, Answer) else _weight(frame)) + CR


def _answer(answer: Answer) -> bytes:
    text = answer.text.encode("ascii", "replace")
    if text != b"?" and not _ABOUT.fullmatch(text):
        raise refuse(answer, "SMA")
    return text


def _weight(frame: IndicatorFrame) -> bytes:
    statuses = [text for text, status in STATUSES.items() if status is frame.status]
    kinds = [text for text, kind in KINDS.items() if kind is frame.kind]
    units = [text for text, unit in UNITS.items() if unit is frame.unit]
    said = statuses and kinds and units and frame.motion is not None and frame.step is None
    if not said or frame.decimals < 0:
        raise refuse(frame, "SMA")
    motion = b"M" if frame.motion else b" "
    return statuses[0] + b"1" + kinds[0] + motion + b" " + _value(frame) + units[0]


def _value(frame: IndicatorFrame) -> bytes:
    if frame.digits is None:
        if frame.status is not WeightStatus.ERROR or frame.decimals:
            raise refuse(frame, "SMA")
        return NO_WEIGHT
    sign = "-" if frame.digits < 0 else ""
    text = f"{sign}{number_text(frame.digits, frame.decimals)}"
    if len(text) > PLACES:
        raise refuse(frame, "SMA")
    return text.rjust(PLACES).encode("ascii")


def _parse(candidate: bytes) -> Heard | None:
    text = candidate[1:-1]
    if text == b"?" or _ABOUT.fullmatch(text):
        return Answer(text=text.decode("ascii"))
    match = _WEIGHT.fullmatch(text)
    if match is None:
        return None
    status, value = STATUSES[match[1]], number(match[4])
    if match[4] == NO_WEIGHT:
        status = WeightStatus.ERROR
    elif value is None:
        return None
    return IndicatorFrame(
        digits=None if value is None else value[0],
        decimals=0 if value is None else value[1],
        unit=UNITS.get(match[5].strip().ljust(3), Unit.OTHER),
        kind=KINDS[match[2]],
        motion=match[3] == b"M",
        status=status,
    )


def _is_answer(heard: Heard) -> bool:
    return isinstance(heard, Answer)


PROTOCOL = IndicatorProtocol(
    name="sma",
    make_decoder=decoder,
    encode=encode,
    max_frame_bytes=MAX_BYTES,
    rest=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    flags=frozenset(
        {
            WeightStatus.OVERLOAD,
            WeightStatus.UNDERLOAD,
            WeightStatus.NOT_ZEROED,
            WeightStatus.ERROR,
        }
    ),
    poll=Poll(
        ask=LF + b"W" + CR,
        check=LF + b"A" + CR,
        is_checked=_is_answer,  # `?` too: an old indicator that does not know `A` has answered
        reply=Answer(text="SMA:1/1.0"),
    ),
)
