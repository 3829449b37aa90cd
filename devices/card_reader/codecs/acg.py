"""ACG and compatible HF readers that send a card's number in a binary frame.

    STX  STATION  LEN  DATA[LEN]  BCC  ETX
    02   01       04   A2C31F07   7C   03

Layout from one source. That BCC is the XOR of station, length and data, and that the card's number
is all of the data, is general knowledge: compare with the card's printed number. The same readers
set to text send a line: `lines.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from devices.framing import LengthScanner

STX = 0x02
ETX = 0x03
OVERHEAD_BYTES = 5  # STX STATION LEN … BCC ETX
NUMBER_LENGTHS = (4, 5, 7, 8, 10)
MAX_FRAME_BYTES = OVERHEAD_BYTES + max(NUMBER_LENGTHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcgFrame:
    """One card as sent: `number` is 4, 5, 7, 8 or 10 bytes in the order of the wire."""

    station: int
    number: bytes


class Acg(LengthScanner[AcgFrame]):
    """Decoder of the frames. Fed by one thread; keeps at most 14 bytes."""

    def __init__(self) -> None:
        super().__init__(
            header=bytes((STX,)),
            prefix_bytes=3,
            total_bytes=_total_bytes,
            max_bytes=MAX_FRAME_BYTES,
            parse=_parse,
        )


def encode(frame: AcgFrame) -> bytes:
    """The packet of `frame`.

    Raises:
        ValueError: the number's length or the station does not fit the frame.
    """
    if len(frame.number) not in NUMBER_LENGTHS or not 0 <= frame.station <= 0xFF:
        raise ValueError(f"an ACG frame cannot carry {frame}")
    body = bytes((frame.station, len(frame.number), *frame.number))
    return bytes((STX, *body, reduce(xor, body), ETX))


def _total_bytes(prefix: bytes) -> int | None:
    return OVERHEAD_BYTES + prefix[2] if prefix[2] in NUMBER_LENGTHS else None


def _parse(candidate: bytes) -> AcgFrame | None:
    body, bcc, end = candidate[1:-2], candidate[-2], candidate[-1]
    if end != ETX or reduce(xor, body) != bcc:
        return None
    return AcgFrame(station=body[0], number=body[2:])
