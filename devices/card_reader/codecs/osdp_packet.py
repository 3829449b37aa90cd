"""The packets of OSDP v2 (IEC 60839-11-5), whole and with a good sum. What they say is libosdp's.

    [FF]  53  ADDR  LEN(2, low first)  CTRL  …  CRC(2, low first)

LEN counts the whole packet without the mark FF. ADDR has bit 7 set in a reader's answers. The
CRC-16 has polynomial 1021 and start 1D0F and goes over all before it. From the documents of
libosdp and two ports; the worked frames were accepted by a live libosdp.

CTRL bit 2 says that a CRC follows. Without it the standard allows a sum of eight bits; such packets
are refused: else one damaged bit would have a packet judged by the weaker sum, which fits one time
in 256. libosdp asks with the CRC, and a reader answers with what it was asked with.

libosdp takes a packet only in one piece, and a serial port delivers pieces: so packets are put
together here.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.framing import LengthScanner

SOM = 0x53
HEAD_BYTES = 5
CRC_BYTES = 2
MAX_PACKET_BYTES = 1440
HAS_CRC = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdpPacket:
    """One packet: its address byte, its control byte, and what stands between that and the CRC."""

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
        ValueError: it is too long, empty, or its control byte says that no CRC follows.
    """
    length = HEAD_BYTES + len(packet.content) + CRC_BYTES
    if not packet.content or length > MAX_PACKET_BYTES or not packet.control & HAS_CRC:
        raise ValueError(f"a packet cannot carry {packet}")
    head = bytes((SOM, packet.address)) + length.to_bytes(2, "little") + bytes((packet.control,))
    message = head + packet.content
    return message + crc(message).to_bytes(CRC_BYTES, "little")


def _total_bytes(prefix: bytes) -> int | None:
    length = int.from_bytes(prefix[2:4], "little")
    fits = length > HEAD_BYTES + CRC_BYTES and prefix[4] & HAS_CRC
    return length if fits else None


def _parse(candidate: bytes) -> OsdpPacket | None:
    message, told = candidate[:-CRC_BYTES], candidate[-CRC_BYTES:]
    if crc(message) != int.from_bytes(told, "little"):
        return None
    return OsdpPacket(address=message[1], control=message[4], content=message[HEAD_BYTES:])


def _crc_of_byte(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


_CRC_OF = tuple(_crc_of_byte(byte) for byte in range(256))
