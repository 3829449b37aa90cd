"""The UHF reader's frames against those of its documents."""

from __future__ import annotations

import pytest

from devices.tag_reader.codecs.uhf_reader18 import (
    DONE,
    INVENTORY,
    NO_TAG,
    READER_INFO,
    ReaderAnswer,
    UhfReader18,
    crc,
    encode,
    question,
    tags_in,
)

ONE_TAG = bytes.fromhex("13 00 01 01 01 0C E2 00 34 11 B8 02 01 13 83 25 85 66 0B 5A")
NONE = bytes.fromhex("05 00 01 FB F2 3D")


def test_the_sum_is_the_one_of_its_definition() -> None:
    assert crc(b"123456789") == 0x6F91


def test_the_questions_are_those_of_the_document() -> None:
    assert question(0, INVENTORY) == bytes.fromhex("04 00 01 DB 4B")
    assert question(255, READER_INFO) == bytes.fromhex("04 FF 21 19 95")


def test_the_worked_answers_are_read_and_written() -> None:
    answer, none = UhfReader18().feed(ONE_TAG + NONE)
    assert tags_in(answer) == (bytes.fromhex("E2003411B802011383258566"),)
    assert (answer.address, answer.status) == (0, DONE)
    assert none == ReaderAnswer(address=0, command=INVENTORY, status=NO_TAG)
    assert tags_in(none) == ()
    assert encode(answer) == ONE_TAG
    assert encode(none) == NONE


@pytest.mark.parametrize(
    "content",
    [
        "",
        "02 0C E2 00 34 11 B8 02 01 13 83 25 85 66",  # one tag, two are told
        "01 0D E2 00 34 11 B8 02 01 13 83 25 85 66",  # longer than the answer
        "01 0B E2 00 34 11 B8 02 01 13 83 25 85 66",  # a byte is left over
        "01 00",
    ],
)
def test_an_inventory_that_does_not_add_up_names_no_tag(content: str) -> None:
    answer = ReaderAnswer(address=0, command=INVENTORY, status=DONE, content=bytes.fromhex(content))
    assert tags_in(answer) == ()


def test_a_tag_of_another_answer_is_none() -> None:
    info = ReaderAnswer(address=0, command=READER_INFO, status=DONE, content=b"\x01\x01\xaa")
    assert tags_in(info) == ()
