"""Every codec of `devices`, with what the laws in `test_codec_laws.py` need to know of it.

A new codec adds one entry; a codec without one fails `test_every_codec_obeys_the_laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from devices.card_reader.codecs import stx_len
from devices.framing import FrameDecoder
from devices.weighbridge.codecs import yaohua


@dataclass(frozen=True)
class CodecUnderLaw:
    """One codec. `checksum_at` are the places of a frame's checksum, counted from its end."""

    name: str
    module: str
    make_decoder: Callable[[], FrameDecoder[Any]]
    encode: Callable[[Any], bytes]
    frames: st.SearchStrategy[Any]
    max_frame_bytes: int
    checksum_at: tuple[int, ...]


CODECS = (
    CodecUnderLaw(
        name="yaohua-continuous",
        module="devices.weighbridge.codecs.yaohua",
        make_decoder=yaohua.YaohuaContinuous,
        encode=yaohua.encode,
        frames=st.builds(
            yaohua.IndicatorFrame,
            digits=st.integers(-yaohua.MAX_DIGITS, yaohua.MAX_DIGITS),
            decimals=st.integers(0, yaohua.MAX_DECIMALS),
        ),
        max_frame_bytes=yaohua.FRAME_BYTES,
        checksum_at=(-3, -2),
    ),
    CodecUnderLaw(
        name="stx-len-uid",
        module="devices.card_reader.codecs.stx_len",
        make_decoder=stx_len.StxLen,
        encode=stx_len.encode,
        frames=st.builds(
            stx_len.CardFrame,
            card_type=st.sampled_from(stx_len.CardType),
            batch=st.integers(0, 255),
            serial=st.sampled_from(stx_len.SERIAL_LENGTHS).flatmap(
                lambda length: st.binary(min_size=length, max_size=length)
            ),
        ),
        max_frame_bytes=stx_len.MAX_FRAME_BYTES,
        checksum_at=(-2,),
    ),
)
