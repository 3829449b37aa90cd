"""The continuous frame against worked examples of the makers' manuals."""

from __future__ import annotations

import pytest

from devices.weighbridge.codecs.yaohua import IndicatorFrame, YaohuaContinuous, encode

GOLDEN = [
    ("02 2B 30 30 32 30 30 30 32 31 42 03", IndicatorFrame(digits=2000, decimals=2)),
    ("02 2B 30 32 35 36 38 30 30 31 32 03", IndicatorFrame(digits=25_680)),
    ("02 2B 30 30 30 30 30 30 30 31 42 03", IndicatorFrame(digits=0)),
    ("02 2D 30 30 30 30 34 30 30 31 39 03", IndicatorFrame(digits=-40)),
    ("02 2B 30 34 39 30 30 30 30 31 36 03", IndicatorFrame(digits=49_000)),
]


@pytest.mark.parametrize(("wire", "frame"), GOLDEN)
def test_the_manuals_examples_are_read_and_written(wire: str, frame: IndicatorFrame) -> None:
    assert YaohuaContinuous().feed(bytes.fromhex(wire)) == [frame]
    assert encode(frame) == bytes.fromhex(wire)


def test_the_point_counts_from_the_right() -> None:
    assert IndicatorFrame(digits=2000, decimals=2).value == 20.0
    assert IndicatorFrame(digits=-256_805, decimals=1).value == -25_680.5


def test_sums_of_the_models_that_add_30h_to_every_nibble_are_read() -> None:
    wire = bytes.fromhex("02 2B 30 30 32 30 30 30 32 31 3B 03")
    assert YaohuaContinuous().feed(wire) == [IndicatorFrame(digits=2000, decimals=2)]


def test_a_negative_zero_is_zero() -> None:
    wire = bytes.fromhex("02 2D 30 30 30 30 30 30 30 31 44 03")
    assert YaohuaContinuous().feed(wire) == [IndicatorFrame(digits=0)]


@pytest.mark.parametrize(
    "wire",
    [
        "02 2B 30 32 35 36 38 30 30 31 33 03",  # sum
        "02 20 30 32 35 36 38 30 30 31 39 03",  # sign is a space, sum right
        "02 2B 30 32 35 36 38 30 35 31 37 03",  # five decimals, sum right
        "02 2B 20 32 35 36 38 30 30 30 32 03",  # a space for a digit, sum right
        "02 2B 30 32 35 36 38 30 30 31 47 03",  # sum character beyond F
    ],
)
def test_a_frame_that_is_not_in_the_manual_gives_no_value(wire: str) -> None:
    decoder = YaohuaContinuous()
    assert decoder.feed(bytes.fromhex(wire)) == []


def test_bytes_thrown_away_are_counted() -> None:
    decoder = YaohuaContinuous()
    decoder.feed(b"\x55" * 7 + encode(IndicatorFrame(digits=20)))
    assert decoder.discarded_bytes == 7


@pytest.mark.parametrize(
    "frame",
    [
        IndicatorFrame(digits=1_000_000),
        IndicatorFrame(digits=-1_000_000),
        IndicatorFrame(digits=1, decimals=5),
        IndicatorFrame(digits=1, decimals=-1),
    ],
)
def test_what_does_not_fit_the_frame_is_not_sent(frame: IndicatorFrame) -> None:
    with pytest.raises(ValueError, match="cannot show"):
        encode(frame)
