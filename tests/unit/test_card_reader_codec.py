"""The reader's packet against worked examples."""

from __future__ import annotations

import pytest

from devices.card_reader.codecs.stx_len import CardFrame, CardType, StxLen, encode

GOLDEN = [
    (
        "02 0A 02 06 00 8E 6D 5D B0 03",
        CardFrame(card_type=CardType.EM4100, batch=6, serial=bytes.fromhex("008E6D5D")),
    ),
    (
        "02 0A 01 00 A2 C3 1F 07 72 03",
        CardFrame(card_type=CardType.MIFARE, batch=0, serial=bytes.fromhex("A2C31F07")),
    ),
]


@pytest.mark.parametrize(("wire", "frame"), GOLDEN)
def test_the_worked_examples_are_read_and_written(wire: str, frame: CardFrame) -> None:
    assert StxLen().feed(bytes.fromhex(wire)) == [frame]
    assert encode(frame) == bytes.fromhex(wire)


def test_a_serial_that_contains_the_frame_bytes_is_read() -> None:
    frame = CardFrame(card_type=CardType.MIFARE, batch=3, serial=bytes.fromhex("02030203"))
    assert StxLen().feed(encode(frame) * 2) == [frame, frame]


def test_a_false_length_does_not_hold_back_the_next_card() -> None:
    frame = GOLDEN[1][1]
    assert StxLen().feed(bytes.fromhex("02 10") + encode(frame)) == [frame]


@pytest.mark.parametrize(
    "wire",
    [
        "02 0A 01 00 A2 C3 1F 07 73 03",  # sum
        "02 0A 07 00 A2 C3 1F 07 74 03",  # no such card type, sum right
        "02 09 01 00 A2 C3 1F 7F 03",  # three bytes of serial
        "02 09 01 00 A2 C3 1F 07 71 03",  # a length that does not count the whole packet
    ],
)
def test_a_packet_out_of_shape_gives_no_card(wire: str) -> None:
    assert StxLen().feed(bytes.fromhex(wire)) == []


@pytest.mark.parametrize("serial", [b"", b"\x01\x02\x03", b"\x00" * 5, b"\x00" * 11])
def test_a_serial_that_no_card_has_is_not_sent(serial: bytes) -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        encode(CardFrame(card_type=CardType.MIFARE, batch=0, serial=serial))


def test_a_batch_beyond_a_byte_is_not_sent() -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        encode(CardFrame(card_type=CardType.MIFARE, batch=256, serial=b"\x00" * 4))
