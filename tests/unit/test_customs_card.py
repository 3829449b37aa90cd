"""The driver's IC card: commands as documented, fields where the lane file says they stand."""

from __future__ import annotations

import pytest

from devices.card_reader import apdu
from devices.card_reader.customs_card import LONGEST_BYTES, blocks_of, number_in, text_of
from devices.errors import DeviceConfigError
from devices.sim.virtual_card import VirtualCard

KEY = bytes.fromhex("A0A1A2A3A4A5")


def test_the_commands_are_those_of_the_document() -> None:
    assert bytes.fromhex("FF CA 00 00 00") == apdu.GET_UID
    assert apdu.load_key(KEY) == bytes.fromhex("FF 82 00 00 06 A0 A1 A2 A3 A4 A5")
    assert apdu.authenticate(5) == bytes.fromhex("FF 86 00 00 05 01 00 05 60 00")
    assert apdu.read_block(5) == bytes.fromhex("FF B0 00 05 10")


def test_a_refusal_carries_nothing() -> None:
    assert apdu.content_of(bytes.fromhex("A2 C3 1F 07 90 00")) == bytes.fromhex("A2C31F07")
    assert apdu.content_of(bytes.fromhex("63 00")) is None
    assert apdu.content_of(b"") is None


def test_a_field_that_would_leave_the_card_is_refused() -> None:
    with pytest.raises(DeviceConfigError, match=r"IC_BILL_NO from block 250 on .* last, 255"):
        blocks_of("IC_BILL_NO", 250)


def test_a_long_field_leaves_out_the_blocks_of_keys() -> None:
    assert blocks_of("DR_IC_NO", 4) == (4,)
    assert blocks_of("IC_VE_NAME", 6) == (6, 8)
    assert blocks_of("IC_ESEAL_ID", 8) == (8, 9, 10, 12, 13, 14, 16, 17)
    assert blocks_of("IC_VE_NAME", 142) == (142, 144)  # sectors of 16 blocks


@pytest.mark.parametrize(
    ("field", "block", "why"),
    [("DR_IC_NO", 7, "block 7 holds keys"), ("DR_IC_NUMBER", 4, "is not one of DR_IC_NO, ")],
)
def test_a_field_that_cannot_be_read_is_named(field: str, block: int, why: str) -> None:
    with pytest.raises(DeviceConfigError, match=f"card_reader.field_blocks: .*{why}"):
        blocks_of(field, block)


def test_a_field_ends_where_nothing_was_written() -> None:
    assert text_of("DR_IC_NO", b"0900123018" + bytes(6)) == "0900123018"
    assert text_of("DR_IC_NO", b"SBM0002035\xff\xff\xff\xff\xff\xff") == "SBM0002035"
    assert text_of("IC_VE_NAME", "粤B12345".encode("gb18030").ljust(32, b"\x00")) == "粤B12345"
    assert text_of("IC_VE_NAME", b"\x81".ljust(32, b"\x30")) is None  # half a character
    assert text_of("DR_IC_NO", b"\x01\x02" + bytes(14)) is None
    assert set(map(len, LONGEST_BYTES)) != {0}


@pytest.mark.parametrize("text", ["", "0900 123018", "粤B12345", None])
def test_what_is_no_number_identifies_no_card(text: str | None) -> None:
    assert number_in(text) is None


def test_a_virtual_card_shows_a_block_only_to_its_key() -> None:
    card = VirtualCard(b"\x01\x02\x03\x04", key=KEY, texts={"DR_IC_NO": (4, "SBM0002035")})
    assert card.answer(apdu.load_key(b"\xff" * 6)) == apdu.DONE
    assert card.answer(apdu.authenticate(4)) == b"\x63\x00"
    assert card.answer(apdu.read_block(4)) == b"\x63\x00"
    card.answer(apdu.load_key(KEY))
    assert card.answer(apdu.authenticate(4)) == apdu.DONE
    assert card.answer(apdu.read_block(4)) == b"SBM0002035" + bytes(6) + apdu.DONE
    assert card.answer(bytes.fromhex("00 A4 04 00 02 3F 00")) == b"\x6a\x82"
