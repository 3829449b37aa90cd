"""Worked frames of card readers, from documents or laid out by hand, never from our encoders."""

from __future__ import annotations

import pytest

from devices.card_reader.codecs import acg, em4100, lines, resident_id
from devices.card_reader.codecs.resident_id import SamFrame, Status


def test_the_worked_em4100_frame_is_read_and_written() -> None:
    wire = bytes.fromhex("02 36 32 45 33 30 38 36 43 45 44 30 38 03")
    frame = em4100.Em4100Frame(number=bytes.fromhex("62E3086CED"))
    assert em4100.Em4100().feed(wire) == [frame]
    assert em4100.encode(frame) == wire


def test_an_em4100_reader_may_end_the_line_before_the_packet() -> None:
    frame = em4100.Em4100Frame(number=bytes.fromhex("62E3086CED"), line_end=True)
    assert em4100.Em4100().feed(b"\x0262E3086CED08\r\n\x03") == [frame]
    assert em4100.encode(frame) == b"\x0262E3086CED08\r\n\x03"


@pytest.mark.parametrize(
    "wire",
    [
        b"\x0262E3086CED09\x03",  # the sum of another card
        b"\x0262E3086CED08\n\r\x03",
        b"\x0262E3086CE08\x03",  # nine digits
        b"\x0262E3086CEG08\x03",
        b"\x0262E3086CED 8\x03",
    ],
)
def test_what_is_nearly_an_em4100_frame_is_none(wire: bytes) -> None:
    assert em4100.Em4100().feed(wire) == []


def test_an_acg_frame_laid_out_by_hand_is_read_and_written() -> None:
    # station 01, four bytes, XOR of 01 04 A2 C3 1F 07
    wire = bytes.fromhex("02 01 04 A2 C3 1F 07 7C 03")
    frame = acg.AcgFrame(station=1, number=bytes.fromhex("A2C31F07"))
    assert acg.Acg().feed(wire) == [frame]
    assert acg.encode(frame) == wire
    assert acg.Acg().feed(bytes.fromhex("02 01 04 A2 C3 1F 07 7D 03")) == []
    assert acg.Acg().feed(bytes.fromhex("02 01 05 A2 C3 1F 07 7D 03")) == []


@pytest.mark.parametrize(
    "wire",
    [b"A2C31F07\r", b"A2C31F07\r\n", b"A2C31F07\n", b"\x02A2C31F07\x03", b"\x00\x02A2C31F07\r"],
)
def test_a_line_may_begin_with_stx_and_end_as_it_likes(wire: bytes) -> None:
    assert lines.Lines().feed(wire) == [lines.LineFrame(text="A2C31F07")]


def test_a_line_with_a_byte_that_is_no_text_is_dropped_whole() -> None:
    assert lines.Lines().feed(b"A2C3\x801F07\rA2C31F08\r") == [lines.LineFrame(text="A2C31F08")]
    assert lines.Lines().feed(b"x" * 513 + b"y\rA2C31F08\r") == [lines.LineFrame(text="A2C31F08")]


def test_the_questions_to_a_resident_id_reader_are_those_of_its_document() -> None:
    assert bytes.fromhex("AA AA AA 96 69 00 03 20 01 22") == resident_id.FIND
    assert bytes.fromhex("AA AA AA 96 69 00 03 20 02 21") == resident_id.SELECT
    assert bytes.fromhex("AA AA AA 96 69 00 03 30 01 32") == resident_id.READ
    assert bytes.fromhex("AA AA AA 96 69 00 03 12 FF EE") == resident_id.MODULE


def read_answer(number: str, *, fingerprint: bytes = b"") -> bytes:
    """An answer to `read`, laid out by hand: header, length, status, lengths, text, picture."""
    lengths = b"\x01\x00\x04\x00" + (b"\x04\x00" if fingerprint else b"")
    text = ("张三" + " " * 13 + "1" + "01" + "19491231" + " " * 35 + number).ljust(128)
    content = lengths + text.encode("utf-16-le") + b"\x55" * 1024 + fingerprint
    body = (len(content) + 4).to_bytes(2, "big") + b"\x00\x00\x90" + content
    total = 0
    for byte in body:
        total ^= byte
    return b"\xaa\xaa\xaa\x96\x69" + body + bytes((total,))


@pytest.mark.parametrize("fingerprint", [b"", b"\x77" * 1024])
def test_of_a_resident_id_card_the_number_is_read_and_nothing_else(fingerprint: bytes) -> None:
    wire = read_answer("11010519491231002X", fingerprint=fingerprint)
    begins = "AA AA AA 96 69 09 0A 00 00 90" if fingerprint else "AA AA AA 96 69 05 08 00 00 90"
    assert wire.startswith(bytes.fromhex(begins))
    (answer,) = resident_id.SamAnswers().feed(wire)
    assert resident_id.number_of(answer) == "11010519491231002X"


def test_a_resident_number_with_a_wrong_check_digit_is_no_number() -> None:
    (answer,) = resident_id.SamAnswers().feed(read_answer("110105194912310021"))
    assert resident_id.number_of(answer) is None
    assert resident_id.number_of(SamFrame(status=Status.READ_FAILED)) is None
    assert resident_id.number_of(SamFrame(status=Status.OK, content=bytes(16))) is None


@pytest.mark.parametrize(
    "answer",
    [
        "AA AA AA 96 69 00 08 00 00 9F 00 00 00 00 97",  # found
        "AA AA AA 96 69 00 0C 00 00 90 00 00 00 00 00 00 00 00 9C",  # selected
        "AA AA AA 96 69 00 04 00 00 80 84",  # no card
        "AA AA AA 96 69 00 14 00 00 90 05 01 20 05 13 3F 4C 59 52 09 8F A3 93 32 8F 8B 4E",
    ],
)
def test_one_damaged_bit_makes_no_other_answer_of_a_resident_id_reader(answer: str) -> None:
    wire = bytes.fromhex(answer)
    (whole,) = resident_id.SamAnswers().feed(wire)
    for bit in range(8 * len(wire)):
        damaged = (int.from_bytes(wire, "big") ^ 1 << bit).to_bytes(len(wire), "big")
        # bytes behind it, as another answer has them, among which every sum is met
        for behind in range(256):
            read = resident_id.SamAnswers().feed(damaged + bytes((behind,)) * 24)
            assert read in ([], [whole])


def test_an_answer_of_a_length_that_its_status_has_not_is_no_answer() -> None:
    # Found by `make fuzz`: 10 had become 00 in the length, and the sum of eight bits fitted.
    damaged = bytes.fromhex("AA AA AA 96 69 00 04 00 00 9F 9B 5B 4F 74 5D 97")
    assert resident_id.SamAnswers().feed(damaged) == []
    with pytest.raises(ValueError, match="cannot carry"):
        resident_id.encode(SamFrame(status=Status.OK, content=bytes(5)))
