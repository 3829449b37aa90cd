"""HF/LF card readers that send one packet when a card is presented.

    STX  LEN  TYPE  SNR[0]  SNR[1..n]  BCC  ETX
    02   n+6  01    batch   serial          03

LEN counts the whole packet, STX to ETX (the text of the source says one less than its own worked
example `02 0A 02 06 00 8E 6D 5D B0 03`; the example is what readers send). TYPE 01 is a MIFARE
card, 02 an EM4100 tag. BCC is the XOR of LEN up to the last byte of SNR. Serials of 4, 7 and 10
bytes exist, so LEN is 0A, 0D or 10 hex.

The card's identity is the serial, SNR without its first byte. A reader that is set to it sends
the serial least significant byte first; the frame cannot tell, the driver is configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor

from devices.framing import FrameScanner

STX = 0x02
ETX = 0x03
SERIAL_LENGTHS = (4, 7, 10)
OVERHEAD_BYTES = 6  # STX LEN TYPE batch … BCC ETX
MAX_FRAME_BYTES = OVERHEAD_BYTES + max(SERIAL_LENGTHS)


class CardType(IntEnum):
    """The card families that these readers name."""

    MIFARE = 1
    EM4100 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFrame:
    """One card as sent: `serial` is 4, 7 or 10 bytes in the order of the wire."""

    card_type: CardType
    batch: int
    serial: bytes


class StxLen(FrameScanner[CardFrame]):
    """Decoder of the packets. Fed by one thread; keeps at most 15 bytes."""

    def __init__(self) -> None:
        super().__init__(start=STX, end=ETX, max_bytes=MAX_FRAME_BYTES, parse=_parse)


def encode(frame: CardFrame) -> bytes:
    """The packet of `frame`.

    Raises:
        ValueError: the serial's length or the batch does not fit the packet.
    """
    if len(frame.serial) not in SERIAL_LENGTHS or not 0 <= frame.batch <= 0xFF:
        raise ValueError(f"a card packet cannot carry {frame}")
    length = OVERHEAD_BYTES + len(frame.serial)
    body = bytes((length, frame.card_type, frame.batch, *frame.serial))
    return bytes((STX, *body, reduce(xor, body), ETX))


def _parse(candidate: bytes) -> CardFrame | None:
    if len(candidate) - OVERHEAD_BYTES not in SERIAL_LENGTHS or candidate[1] != len(candidate):
        return None
    body, bcc = candidate[1:-2], candidate[-2]
    if reduce(xor, body) != bcc or candidate[2] not in tuple(CardType):
        return None
    return CardFrame(card_type=CardType(candidate[2]), batch=candidate[3], serial=candidate[4:-2])
