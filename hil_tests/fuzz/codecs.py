"""Every codec of `devices`, with what its laws and the fuzzer need to know of it.

A new codec adds one entry to `CODECS`; a codec without one fails
`tests/property/test_codec_laws.py`. Nothing here needs more than Python itself, so that a bare
machine can fuzz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.card_reader.codecs import stx_len
from devices.readings import WeightStatus
from devices.weighbridge.indication import Answer, IndicatorFrame, Kind, Unit
from devices.weighbridge.protocols import protocols

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from devices.framing import FrameDecoder
    from devices.weighbridge.indication import Heard


def as_sent(packet: bytes) -> bytes:
    """The one spelling of a packet that has only one."""
    return packet


@dataclass(frozen=True, kw_only=True)
class CodecUnderLaw:
    """One codec.

    `sample` makes one frame that `encode` can carry, from the chances it is handed.
    `max_frame_bytes` bounds what the decoder may keep. `checksum_at` are the places of a packet's
    checksum, counted from its end; () where the protocol has none, and then a damaged frame may
    give a wrong value: the settling rule is what stands against it. `spelled` brings packets
    that mean the same by the protocol (a sum in another spelling, a parity bit) to one form.
    """

    name: str
    module: str
    make_decoder: Callable[[], FrameDecoder[Any]]
    encode: Callable[[Any], bytes]
    sample: Callable[[random.Random], Any]
    max_frame_bytes: int
    checksum_at: tuple[int, ...]
    spelled: Callable[[bytes], bytes] = as_sent


# --- indicators -----------------------------------------------------------------------------------

ADDRESS = 3


def _digits(chance: random.Random, places: int, *, signed: bool = True) -> int:
    """A number of up to `places` digits, of every length as often as of any other."""
    magnitude = chance.randrange(10 ** chance.randint(1, places))
    return -magnitude if signed and chance.random() < 0.5 else magnitude


def _yaohua(chance: random.Random) -> Heard:
    return IndicatorFrame(digits=_digits(chance, 6), decimals=chance.randint(0, 4))


def _yaohua_reply(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return Answer(text=chance.choice(("handshake", "unknown command")))
    return IndicatorFrame(
        digits=_digits(chance, 6), decimals=chance.randint(0, 4), kind=chance.choice(tuple(Kind))
    )


def _equals(chance: random.Random) -> Heard:
    decimals = chance.randint(0, 4)
    return IndicatorFrame(digits=_digits(chance, 6 if decimals else 7), decimals=decimals)


def _a12(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        status = chance.choice((WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD))
        return IndicatorFrame(digits=None, status=status)
    return IndicatorFrame(
        digits=_digits(chance, 5),
        decimals=chance.randint(0, 4),
        unit=Unit.KG,
        kind=chance.choice((Kind.GROSS, Kind.NET)),
    )


def _toledo(chance: random.Random) -> Heard:
    status = chance.choice(
        (
            WeightStatus.OK,
            WeightStatus.OVERLOAD,
            WeightStatus.UNDERLOAD,
            WeightStatus.NOT_ZEROED,
            WeightStatus.DIVISION,
        )
    )
    digits = _digits(chance, 6)
    sign = {WeightStatus.OVERLOAD: 1, WeightStatus.UNDERLOAD: -1}.get(status)
    return IndicatorFrame(
        digits=digits if sign is None else sign * abs(digits),
        decimals=chance.randint(-2, 5),
        unit=chance.choice(tuple(Unit)),
        kind=chance.choice((Kind.GROSS, Kind.NET)),
        motion=chance.random() < 0.5,
        step=chance.choice((1, 2, 5)),
        status=status,
    )


def _mt_sics(chance: random.Random) -> Heard:
    match chance.randrange(6):
        case 0:
            return Answer(text=chance.choice(("S I", "TA I", "ES", "ET", "EL")))
        case 1:
            status = chance.choice((WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD))
            return IndicatorFrame(digits=None, status=status)
        case _:
            motion = chance.choice((True, False, None))
            return IndicatorFrame(
                digits=_digits(chance, 6),
                decimals=chance.randint(0, 3),
                unit=chance.choice(tuple(Unit)),
                motion=motion,
                kind=Kind.TARE if motion is None else None,
            )


def _sma(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return Answer(text=chance.choice(("?", "SMA:2/1.0", "SMA:1/1.0 A")))
    status = chance.choice(
        (
            WeightStatus.OK,
            WeightStatus.OVERLOAD,
            WeightStatus.UNDERLOAD,
            WeightStatus.NOT_ZEROED,
            WeightStatus.ERROR,
        )
    )
    said = status is not WeightStatus.ERROR or chance.random() < 0.5
    return IndicatorFrame(
        digits=_digits(chance, 6) if said else None,
        decimals=chance.randint(0, 3) if said else 0,
        unit=chance.choice(tuple(Unit)),
        kind=chance.choice(tuple(Kind)),
        motion=chance.random() < 0.5,
        status=status,
    )


_RINSTRUM_FLAGS = (WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD, WeightStatus.ERROR)


def _rinstrum_a(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return IndicatorFrame(digits=None, status=chance.choice(_RINSTRUM_FLAGS))
    kind = chance.choice((Kind.GROSS, Kind.NET, None))
    return IndicatorFrame(
        digits=_digits(chance, 5), decimals=chance.randint(0, 3), kind=kind, motion=kind is None
    )


def _rinstrum_c(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return IndicatorFrame(digits=None, status=chance.choice(_RINSTRUM_FLAGS))
    return IndicatorFrame(
        digits=_digits(chance, 5),
        decimals=chance.randint(0, 3),
        unit=chance.choice((*Unit, None)),
        kind=chance.choice((Kind.GROSS, Kind.NET)),
        motion=chance.random() < 0.5,
    )


def _yaohua_spelled(packet: bytes) -> bytes:
    """Write sums of the models that add 30h to every nibble as the others do."""
    sums = bytes(0x41 + char - 0x3A if 0x3A <= char <= 0x3F else char for char in packet[-3:-1])
    return packet[:-3] + sums + packet[-1:]


def _without_parity(packet: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in packet)


# Protocol -> the module of its codec, its frames, the places of its sum, how packets are spelled.
_INDICATORS: dict[
    str,
    tuple[str, Callable[[random.Random], Heard], tuple[int, ...], Callable[[bytes], bytes]],
] = {
    "yaohua-continuous": ("yaohua", _yaohua, (-3, -2), _yaohua_spelled),
    "yaohua-command": ("yaohua_command", _yaohua_reply, (-3, -2), _yaohua_spelled),
    "yaohua-equals-low-first": ("yaohua_equals", _equals, (), as_sent),
    "yaohua-equals-high-first": ("yaohua_equals", _equals, (), as_sent),
    "yaohua-a12": ("yaohua_a12", _a12, (-4, -3), as_sent),
    "toledo-continuous": ("toledo", _toledo, (), _without_parity),
    "toledo-continuous-checksum": ("toledo", _toledo, (-1,), _without_parity),
    "mt-sics": ("mt_sics", _mt_sics, (), as_sent),
    "sma": ("sma", _sma, (), as_sent),
    "rinstrum-auto-a": ("rinstrum", _rinstrum_a, (), as_sent),
    "rinstrum-auto-c": ("rinstrum", _rinstrum_c, (), as_sent),
}


def _indicators() -> list[CodecUnderLaw]:
    """Every protocol that a lane file may name; one without an entry above is a KeyError."""
    codecs = []
    for name, protocol in protocols(ADDRESS).items():
        module, sample, checksum_at, spelled = _INDICATORS[name]
        codecs.append(
            CodecUnderLaw(
                name=name,
                module=f"devices.weighbridge.codecs.{module}",
                make_decoder=protocol.make_decoder,
                encode=protocol.encode,
                sample=sample,
                max_frame_bytes=protocol.max_frame_bytes,
                checksum_at=checksum_at,
                spelled=spelled,
            )
        )
    return codecs


# --- card readers ---------------------------------------------------------------------------------


def _card_frame(chance: random.Random) -> stx_len.CardFrame:
    return stx_len.CardFrame(
        card_type=chance.choice(tuple(stx_len.CardType)),
        batch=chance.randrange(256),
        serial=chance.randbytes(chance.choice(stx_len.SERIAL_LENGTHS)),
    )


# --- all ------------------------------------------------------------------------------------------

CODECS: tuple[CodecUnderLaw, ...] = (
    *_indicators(),
    CodecUnderLaw(
        name="stx-len-uid",
        module="devices.card_reader.codecs.stx_len",
        make_decoder=stx_len.StxLen,
        encode=stx_len.encode,
        sample=_card_frame,
        max_frame_bytes=stx_len.MAX_FRAME_BYTES,
        checksum_at=(-2,),
    ),
)
