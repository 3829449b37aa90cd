"""The LED board's frame, byte for byte, and what it survives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from devices.sign.codecs.led_64ff import (
    TEXT_MAX_BYTES,
    BoardFrame,
    Receiver,
    crc,
    encode,
    parse,
)
from devices.sign.led_board import text_bytes

FRAMES = st.builds(
    BoardFrame,
    address=st.just(0),
    line=st.none() | st.integers(0, 3),
    text=st.binary(max_size=TEXT_MAX_BYTES),
)
# The bytes before the text as a published program sends them; only the sum is computed here.
GOLDEN = (
    "00 64 ff ff 62 17 00 15 01 00 05 00 01 03 00 ff 00 00 00 00 00 00 00 04 00",
    "放行".encode("gb18030"),
)


def test_a_text_is_the_frame_that_is_known_to_work() -> None:
    body = bytes.fromhex(GOLDEN[0]) + GOLDEN[1]
    frame = BoardFrame(address=0, line=0, text=GOLDEN[1])
    assert encode(frame)[:-2] == body
    assert encode(frame)[-2:] == FramerRTU.compute_CRC(body).to_bytes(2, "big")
    assert parse(encode(frame)) == frame


def test_the_sum_is_that_of_modbus() -> None:
    assert crc(b"123456789") == 0x4B37


def test_what_does_not_fit_is_refused_by_the_codec_and_cut_by_the_driver() -> None:
    with pytest.raises(ValueError, match="201 bytes of text, 200 fit"):
        encode(BoardFrame(address=0, line=0, text=b"x" * 201))
    cut = text_bytes("请" * 300, "gb18030")
    assert len(cut) == TEXT_MAX_BYTES
    assert cut.decode("gb18030") == "请" * 100
    assert text_bytes("停🚛", "gb2312") == "停?".encode("gb2312")


@given(frames=st.lists(FRAMES, max_size=5), cuts=st.lists(st.integers(1, 40), min_size=1))
def test_the_board_hears_every_frame_however_it_is_cut(
    frames: list[BoardFrame], cuts: list[int]
) -> None:
    stream = b"".join(encode(frame) for frame in frames)
    receiver, heard, at, turn = Receiver(0), [], 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        heard += receiver.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert heard == frames


@given(frame=FRAMES, at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_damaged_frame_shows_nothing(frame: BoardFrame, at: int, flip: int) -> None:
    damaged = bytearray(encode(frame))
    damaged[at % len(damaged)] ^= flip
    assert parse(bytes(damaged)) is None


@given(noise=st.binary(max_size=600))
def test_noise_never_raises(noise: bytes) -> None:
    Receiver(0).feed(noise)
    parse(noise)
