"""H.264 and H.265 as RTP carries them (RFC 6184 and 7798): units whole, or in fragments.

Both cut a picture into NAL units and a large unit into fragments (FU-A; FU). Only the bytes before
them differ. Pure.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAYLOAD_TYPE = 96
PIECE_BYTES = 1_400  # of a unit in one packet, as cameras do that must fit an Ethernet frame
BEGINS, ENDS = 0x80, 0x40
FU_A, FU = 28, 49
_START_CODE = re.compile(rb"\x00\x00\x00?\x01")
_PARAMETER_SETS = {
    "H264": {7: "sps", 8: "pps"},
    "H265": {32: "vps", 33: "sps", 34: "pps"},
}


class VideoCodec(StrEnum):
    """By the name that a session description has for it."""

    H264 = "H264"
    H265 = "H265"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPicture:
    """One picture's units, parameter sets aside. One that `is_key` needs no picture before it.

    `number` counts what the camera has taken, so that a gap is a picture that was not sent.
    """

    number: int
    units: tuple[bytes, ...]
    parameters: tuple[bytes, ...]
    is_key: bool


def units_of(annex_b: bytes) -> list[bytes]:
    """The units of a byte stream with start codes."""
    return [unit for unit in _START_CODE.split(annex_b) if unit]


def parameters_of(codec: VideoCodec, units: Iterable[bytes]) -> dict[str, bytes]:
    """The parameter sets among `units`, by their usual short names."""
    known = _PARAMETER_SETS[codec]
    return {known[kind]: unit for unit in units if (kind := _kind_of(codec, unit)) in known}


def is_slice(codec: VideoCodec, unit: bytes) -> bool:
    """Whether it is a part of the picture itself."""
    return _kind_of(codec, unit) in (range(1, 6) if codec is VideoCodec.H264 else range(32))


def payloads(codec: VideoCodec, unit: bytes) -> Iterator[bytes]:
    """The payloads of the packets of one unit, in order."""
    if len(unit) <= PIECE_BYTES:
        yield unit
        return
    kind = _kind_of(codec, unit)
    if codec is VideoCodec.H264:
        head, body = bytes((unit[0] & 0xE0 | FU_A,)), unit[1:]
    else:
        head, body = bytes((unit[0] & 0x81 | FU << 1, unit[1])), unit[2:]
    for start in range(0, len(body), PIECE_BYTES):
        begins = 0 if start else BEGINS
        ends = ENDS if start + PIECE_BYTES >= len(body) else 0
        yield head + bytes((begins | ends | kind,)) + body[start : start + PIECE_BYTES]


def media_lines(codec: VideoCodec, told: dict[str, bytes]) -> tuple[str, ...]:
    """The lines of a session description; `told` are the parameter sets that it names."""
    sets = {name: base64.b64encode(unit).decode("ascii") for name, unit in told.items()}
    words = []
    if codec is VideoCodec.H264:
        words.append("packetization-mode=1")
        if told:
            words.append(f"profile-level-id={told['sps'][1:4].hex().upper()}")
            words.append(f"sprop-parameter-sets={sets['sps']},{sets['pps']}")
    else:
        words += [f"sprop-{name}={text}" for name, text in sets.items()]
    return (
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {codec}/90000",
        *((f"a=fmtp:{PAYLOAD_TYPE} {';'.join(words)}",) if words else ()),
    )


def _kind_of(codec: VideoCodec, unit: bytes) -> int:
    return unit[0] & 0x1F if codec is VideoCodec.H264 else (unit[0] >> 1) & 0x3F
