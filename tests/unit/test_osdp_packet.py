"""OSDP packets against the worked ones of the documents."""

from __future__ import annotations

import pytest

from devices.card_reader.codecs.osdp_packet import OsdpPacket, OsdpPackets, crc, encode
from devices.card_reader.osdp_line import OsdpLine

GOLDEN = {
    "poll of 65": "53 65 08 00 04 60 60 90",
    "its answer": "53 E5 08 00 04 40 D2 96",
    "poll of 0": "53 00 08 00 05 60 DA 99",
    "ack": "53 80 08 00 05 40 68 9F",
    "card of 32 bits": "53 80 10 00 06 50 00 01 20 00 A2 C3 1F 07 F3 61",
    "green": "53 00 16 00 07 69 00 00 00 00 00 00 00 00 00 01 01 00 02 02 BA 29",
    "buzzer": "53 00 0D 00 05 6A 00 02 02 00 01 B9 2C",
}


def test_the_sum_is_the_one_of_its_definition() -> None:
    assert crc(b"123456789") == 0xE5CC


@pytest.mark.parametrize("wire", GOLDEN.values(), ids=GOLDEN.keys())
def test_the_worked_packets_are_read_and_written(wire: str) -> None:
    (packet,) = OsdpPackets().feed(b"\xff" + bytes.fromhex(wire))
    assert encode(packet) == bytes.fromhex(wire)


def test_a_packet_comes_in_pieces_as_a_serial_port_delivers_them() -> None:
    packets = OsdpPackets()
    read = [
        packet for byte in bytes.fromhex(GOLDEN["ack"]) for packet in packets.feed(bytes((byte,)))
    ]
    assert read == [OsdpPacket(address=0x80, control=5, content=b"\x40")]


def test_a_packet_with_the_short_sum_is_refused() -> None:
    # 53 00 07 00 00 60: the sum is BA, its complement 46
    assert OsdpPackets().feed(bytes.fromhex("53 00 07 00 00 60 46")) == []
    with pytest.raises(ValueError, match="cannot carry"):
        encode(OsdpPacket(address=0, control=0, content=b"\x60"))


def test_one_damaged_bit_has_no_packet_judged_by_the_short_sum() -> None:
    # Found by `make fuzz`: bit 2 of 07 was lost, and F2 fits the sum of eight bits.
    damaged = bytes.fromhex("53 DC 0A 00 08 F4 28 DB D6 F2")
    assert sum(damaged) % 256 == 0
    assert OsdpPackets().feed(damaged) == []


@pytest.mark.parametrize(
    ("wire", "is_answer"),
    [
        ("53 65 08 00 04 60 60 90", False),  # our own question, which a converter echoes
        ("53 E5 08 00 04 40 D2 96", True),
        ("53 E5 08 00 04 40 D2 96 53 65 08 00 04 60 60 90", True),
    ],
)
def test_an_echo_of_our_own_question_is_no_answer_of_the_reader(
    wire: str,
    is_answer: bool,  # noqa: FBT001 - a table
) -> None:
    line = OsdpLine(lambda _packet: None, hears=0x65)
    assert line.feed(bytes.fromhex(wire)) is is_answer
    assert OsdpLine(lambda _packet: None, hears=0x12).feed(bytes.fromhex(wire)) is False
