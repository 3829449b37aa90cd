"""METTLER TOLEDO continuous output (8142, 8530, IND series; also Cardinal, Fairbanks, Rice Lake).

    1     2    3    4    5..10        11..16      17   18
    STX   A    B    C    weight       tare        CR   sum (where the indicator is set to send it)
    02                   six digits   six digits  0D

Lines are often set to 7 data bits and even parity: the eighth bit of every byte is ignored. The
sum is the two's complement of the sum of all bytes before it, in seven bits.

    A  bits 2..0  place of the point: 0 hundreds, 1 tens, 2 none, 3..7 one to five decimals
       bits 4..3  the last digit counts by 1 (01), 2 (10) or 5 (11)
    B  bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kilograms (else pounds), 6 not zeroed
    C  bits 2..0  0 the unit of B, 1 grams, 2 tonnes; others are not weights in kilograms
       bit 4 display expanded by ten; bit 3 print request and bit 6 keyboard tare are not used here

Bit 5 of A is always 1, bit 6 always 0; bit 5 of B is 1 with most makers and 0 with one, so it is
not tested. Sources: IND445 and Cardinal 225 manuals (layout), one source for the sum; units above
grams in C are general knowledge. Whether an indicator says out of range for overload or for
underload follows from the sign.

Net display is refused; the tare beside it is checked to be a number and not used.
"""

from __future__ import annotations

from functools import partial

from devices.framing import FixedScanner, FrameDecoder
from devices.readings import WeightStatus
from devices.weighbridge.indication import (
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    Kind,
    Unit,
    refuse,
)

STX = 0x02
CR = 0x0D
PLAIN_BYTES = 17
SUMMED_BYTES = 18
MAX_DIGITS = 999_999
DECIMALS = range(-2, 6)  # bits 2..0 of A are this plus 2
STEPS = {1: 1, 2: 2, 5: 3}  # bits 4..3 of A

NET, NEGATIVE, OUT_OF_RANGE, MOTION, KILOGRAMS, NOT_ZEROED = 0x01, 0x02, 0x04, 0x08, 0x10, 0x40
ALWAYS = 0x20
EXPANDED = 0x10
UNITS = {1: Unit.G, 2: Unit.T}  # bits 2..0 of C; 0 is B's
FLAGS = frozenset(
    {
        WeightStatus.OVERLOAD,
        WeightStatus.UNDERLOAD,
        WeightStatus.NOT_ZEROED,
        WeightStatus.DIVISION,
    }
)


def decoder(*, summed: bool) -> FrameDecoder[Heard]:
    """A decoder of the stream with (`summed`) or without the sum. Fed by one thread."""
    return FixedScanner(
        starts=bytes((STX,)),
        frame_bytes=SUMMED_BYTES if summed else PLAIN_BYTES,
        parse=_parse,
        seven_bit=True,
    )


def encode(frame: Heard, *, summed: bool) -> bytes:
    """The frame with the eighth bit clear.

    Raises:
        ValueError: the frame says what these bytes cannot.
    """
    if not isinstance(frame, IndicatorFrame) or not _is_carried(frame):
        raise refuse(frame, "a continuous frame")
    a = ALWAYS | STEPS[frame.step or 1] << 3 | frame.decimals - DECIMALS.start
    number = f"{abs(frame.digits or 0):06d}000000".encode("ascii")
    packet = bytes((STX, a, _b(frame), _c(frame), *number, CR))
    return packet + bytes((-sum(packet) & 0x7F,)) if summed else packet


def _is_carried(frame: IndicatorFrame) -> bool:
    signs = {WeightStatus.OVERLOAD: 1, WeightStatus.UNDERLOAD: -1}
    return (
        frame.digits is not None
        and abs(frame.digits) <= MAX_DIGITS
        and signs.get(frame.status, 0) * frame.digits >= 0
        and frame.decimals in DECIMALS
        and frame.step in STEPS
        and frame.kind in (Kind.GROSS, Kind.NET)
        and frame.motion is not None
        and frame.unit is not None
        and (frame.status is WeightStatus.OK or frame.status in FLAGS)
    )


def _b(frame: IndicatorFrame) -> int:
    negative = (frame.digits or 0) < 0 or frame.status is WeightStatus.UNDERLOAD
    out = frame.status in (WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD)
    return (
        ALWAYS
        | NET * (frame.kind is Kind.NET)
        | NEGATIVE * negative
        | OUT_OF_RANGE * out
        | MOTION * (frame.motion is True)
        | KILOGRAMS * (frame.unit is Unit.KG)
        | NOT_ZEROED * (frame.status is WeightStatus.NOT_ZEROED)
    )


def _c(frame: IndicatorFrame) -> int:
    units = {Unit.G: 1, Unit.T: 2, Unit.OTHER: 3}
    expanded = EXPANDED * (frame.status is WeightStatus.DIVISION)
    return ALWAYS | units.get(frame.unit or Unit.KG, 0) | expanded


def _parse(candidate: bytes) -> IndicatorFrame | None:
    a, b, c = candidate[1:4]
    if not _is_framed(candidate) or a & 0x60 != ALWAYS or not c & ALWAYS:
        return None
    steps = [step for step, bits in STEPS.items() if bits == a >> 3 & 3]
    magnitude, tare = candidate[4:10].lstrip(b" "), candidate[10:16].lstrip(b" ")
    if not steps or not magnitude.isdigit() or (tare and not tare.isdigit()):
        return None
    return IndicatorFrame(
        digits=-int(magnitude) if b & NEGATIVE else int(magnitude),
        decimals=(a & 7) + DECIMALS.start,
        unit=_unit(b, c),
        kind=Kind.NET if b & NET else Kind.GROSS,
        motion=bool(b & MOTION),
        step=steps[0],
        status=_status(b, c),
    )


def _is_framed(candidate: bytes) -> bool:
    return candidate[16] == CR and (len(candidate) == PLAIN_BYTES or not sum(candidate) & 0x7F)


def _unit(b: int, c: int) -> Unit:
    if c & 7:
        return UNITS.get(c & 7, Unit.OTHER)
    return Unit.KG if b & KILOGRAMS else Unit.LB


def _status(b: int, c: int) -> WeightStatus:
    if b & NOT_ZEROED:
        return WeightStatus.NOT_ZEROED
    if b & OUT_OF_RANGE:
        return WeightStatus.UNDERLOAD if b & NEGATIVE else WeightStatus.OVERLOAD
    return WeightStatus.DIVISION if c & EXPANDED else WeightStatus.OK


def _protocol(name: str, *, summed: bool) -> IndicatorProtocol:
    return IndicatorProtocol(
        name=name,
        has_sum=summed,
        make_decoder=partial(decoder, summed=summed),
        encode=partial(encode, summed=summed),
        max_frame_bytes=SUMMED_BYTES if summed else PLAIN_BYTES,
        rest=IndicatorFrame(digits=0, unit=Unit.KG, kind=Kind.GROSS, motion=False, step=2),
        flags=FLAGS,
    )


PLAIN = _protocol("toledo-continuous", summed=False)
SUMMED = _protocol("toledo-continuous-checksum", summed=True)
