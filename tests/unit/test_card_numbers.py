"""One card is one number, however its reader writes it."""

from __future__ import annotations

import random

import pytest

from devices.card_reader.numbers import CardBits, Spelling, uid_of, wiegand_bits, written


@pytest.mark.parametrize(
    ("sent", "spelling"),
    [
        ("A2C31F07", Spelling(number_format="hex")),
        ("a2 c3 1f 07", Spelling(number_format="hex")),
        ("071FC3A2", Spelling(number_format="hex", byte_order="reversed")),
        (bytes.fromhex("A2C31F07"), Spelling(number_format="hex")),
        (bytes.fromhex("071FC3A2"), Spelling(number_format="hex", byte_order="reversed")),
        ("2730696455", Spelling(number_format="decimal")),
        ("41667,07943", Spelling(number_format="wiegand-34")),
        ("4166707943", Spelling(number_format="wiegand-34")),
        (
            CardBits(bits="1101000101100001100011111000001111"),
            Spelling(number_format="wiegand-34"),
        ),
        (CardBits(bits=f"{0xA2C31F07:032b}"), Spelling(number_format="hex")),
        (bytes.fromhex("00A2C31F07"), Spelling(number_format="hex", keep_bytes=4)),
    ],
)
def test_every_spelling_of_a_card_gives_the_same_number(
    sent: bytes | str | CardBits, spelling: Spelling
) -> None:
    assert uid_of(sent, spelling) == "A2C31F07"


@pytest.mark.parametrize(
    ("sent", "spelling"),
    [
        ("0009334109", Spelling(number_format="decimal", keep_bytes=3)),
        ("142,27997", Spelling(number_format="wiegand-26")),
        ("14227997", Spelling(number_format="wiegand-26")),
        (CardBits(bits="01000111001101101010111011"), Spelling(number_format="wiegand-26")),
        ("008E6D5D", Spelling(number_format="hex", keep_bytes=3)),
    ],
)
def test_readers_that_send_24_bits_agree_with_those_cut_to_24_bits(
    sent: bytes | str | CardBits, spelling: Spelling
) -> None:
    assert uid_of(sent, spelling) == "8E6D5D"


@pytest.mark.parametrize("place", range(26))
def test_one_wrong_bit_of_a_wiegand_number_is_no_card(place: int) -> None:
    bits = "01000111001101101010111011"
    wrong = bits[:place] + ("0" if bits[place] == "1" else "1") + bits[place + 1 :]
    assert uid_of(CardBits(bits=wrong), Spelling(number_format="wiegand-26")) is None


@pytest.mark.parametrize(
    ("sent", "spelling"),
    [
        ("A2C31F0", Spelling(number_format="hex")),  # a digit is missing
        ("A2C31F0G", Spelling(number_format="hex")),
        ("", Spelling(number_format="text")),
        ("A2C31F07A2C31F07", Spelling(number_format="hex", characters=8)),  # two lines in one
        ("00093341O9", Spelling(number_format="decimal")),
        ("\u0661\u0662", Spelling(number_format="decimal")),
        ("256,00001", Spelling(number_format="wiegand-26")),
        ("001,65536", Spelling(number_format="wiegand-26")),
        (CardBits(bits="0101"), Spelling(number_format="hex")),
        (CardBits(bits="01000111001101101010111011"), Spelling(number_format="wiegand-34")),
        ("A2C3", Spelling(number_format="hex", keep_bytes=3)),
    ],
)
def test_what_is_not_as_the_lane_file_says_is_no_card(
    sent: bytes | str | CardBits, spelling: Spelling
) -> None:
    assert uid_of(sent, spelling) is None


def test_a_text_is_taken_as_it_is_in_capitals() -> None:
    assert uid_of(" sbm0002035 ", Spelling(number_format="text", characters=10)) == "SBM0002035"


def test_what_a_simulated_reader_writes_is_read_as_the_same_card() -> None:
    chance = random.Random(7)
    for _ in range(200):
        four = chance.randbytes(4)
        for spelling, is_text in (
            (Spelling(number_format="hex", byte_order="reversed"), False),
            (Spelling(number_format="hex"), True),
            (Spelling(number_format="decimal"), True),
            (Spelling(number_format="wiegand-34", byte_order="reversed"), True),
        ):
            uid = four.hex().upper()
            assert uid_of(written(uid, spelling, as_text=is_text), spelling) == uid
        assert uid_of(wiegand_bits(four), Spelling(number_format="wiegand-34")) == uid
        three = wiegand_bits(four[1:])
        assert uid_of(three, Spelling(number_format="wiegand-26")) == four[1:].hex().upper()
