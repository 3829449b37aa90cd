"""The packets of OSDP v2 (IEC 60839-11-5), whole and with a good sum. What they say is libosdp's.

    [FF]  53  ADDR  LEN(2, low first)  CTRL  …  CRC(2, low first) | SUM(1)

LEN counts the whole packet without the mark FF. ADDR has bit 7 set in a reader's answers. CTRL bit
2 says which sum follows: CRC-16 with polynomial 1021, start 1D0F, over all before it, or the two's
complement of the sum of all before it. From the documents of libosdp and two ports; the worked
frames were accepted by a live libosdp.

libosdp takes a packet only in one piece, and a serial port delivers pieces: so packets are put
together here.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.framing import LengthScanner

SOM = 0x53
HEAD_BYTES = 5
MAX_PACKET_BYTES = 1440
HAS_CRC = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdpPacket:
    """One packet: its address byte, its control byte, and what stands between that and the sum."""

    address: int
    control: int
    content: bytes


class OsdpPackets(LengthScanner[OsdpPacket]):
    """Decoder of the packets. Fed by one thread; keeps at most 1439 bytes.

    The mark FF counts as discarded.
    """

    def __init__(self) -> None:
        super().__init__(
            header=bytes((SOM,)),
            prefix_bytes=HEAD_BYTES,
            total_bytes=_total_bytes,
            max_bytes=MAX_PACKET_BYTES,
            parse=_parse,
        )


def crc(message: bytes) -> int:
    """CRC-16/SPI-FUJITSU, called AUG-CCITT as well."""
    value = 0x1D0F
    for byte in message:
        value = (value << 8 & 0xFFFF) ^ _CRC_OF[value >> 8 ^ byte]
    return value


def encode(packet: OsdpPacket) -> bytes:
    """The bytes of `packet`, without a mark.

    Raises:
        ValueError: it is too long.
    """
    sum_bytes = 2 if packet.control & HAS_CRC else 1
    length = HEAD_BYTES + len(packet.content) + sum_bytes
    if not packet.content or length > MAX_PACKET_BYTES:
        raise ValueError(f"a packet cannot carry {packet}")
    head = bytes((SOM, packet.address)) + length.to_bytes(2, "little") + bytes((packet.control,))
    return head + packet.content + _sum_of(head + packet.content, sum_bytes)


def _sum_of(message: bytes, sum_bytes: int) -> bytes:
    if sum_bytes == 2:
        return crc(message).to_bytes(2, "little")
    return bytes((-sum(message) & 0xFF,))


def _total_bytes(prefix: bytes) -> int | None:
    length = int.from_bytes(prefix[2:4], "little")
    shortest = HEAD_BYTES + 1 + (2 if prefix[4] & HAS_CRC else 1)
    return length if length >= shortest else None


def _parse(candidate: bytes) -> OsdpPacket | None:
    sum_bytes = 2 if candidate[4] & HAS_CRC else 1
    if _sum_of(candidate[:-sum_bytes], sum_bytes) != candidate[-sum_bytes:]:
        return None
    return OsdpPacket(
        address=candidate[1], control=candidate[4], content=candidate[HEAD_BYTES:-sum_bytes]
    )


def _crc_of_byte(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


_CRC_OF = tuple(_crc_of_byte(byte) for byte in range(256))
