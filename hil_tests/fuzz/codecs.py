"""Every codec of `devices`, with what its laws and the fuzzer need to know of it.

A new codec adds one entry to `CODECS`; a codec without one fails
`tests/property/test_codec_laws.py`. Nothing here needs more than Python itself, so that a bare
machine can fuzz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.card_reader.codecs import stx_len
from devices.weighbridge.codecs import yaohua

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from devices.framing import FrameDecoder


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


def _yaohua_frame(chance: random.Random) -> yaohua.IndicatorFrame:
    return yaohua.IndicatorFrame(
        digits=chance.randint(-yaohua.MAX_DIGITS, yaohua.MAX_DIGITS),
        decimals=chance.randint(0, yaohua.MAX_DECIMALS),
    )


def _yaohua_spelled(packet: bytes) -> bytes:
    """Write sums of the models that add 30h to every nibble as the others do."""
    sums = bytes(0x41 + char - 0x3A if 0x3A <= char <= 0x3F else char for char in packet[-3:-1])
    return packet[:-3] + sums + packet[-1:]


def _card_frame(chance: random.Random) -> stx_len.CardFrame:
    return stx_len.CardFrame(
        card_type=chance.choice(tuple(stx_len.CardType)),
        batch=chance.randrange(256),
        serial=chance.randbytes(chance.choice(stx_len.SERIAL_LENGTHS)),
    )


CODECS: tuple[CodecUnderLaw, ...] = (
    CodecUnderLaw(
        name="yaohua-continuous",
        module="devices.weighbridge.codecs.yaohua",
        make_decoder=yaohua.YaohuaContinuous,
        encode=yaohua.encode,
        sample=_yaohua_frame,
        max_frame_bytes=yaohua.FRAME_BYTES,
        checksum_at=(-3, -2),
        spelled=_yaohua_spelled,
    ),
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
