"""What every codec promises, whatever comes down the wire.

The codecs come from `hil_tests/fuzz/codecs.py`: a new one adds its entry there and is held to all
of this.
"""

from __future__ import annotations

import itertools
import pkgutil
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import devices
from devices.weighbridge.protocols import protocols
from hil_tests.fuzz.codecs import CODECS, CodecUnderLaw
from hil_tests.fuzz.posts import CONTAINER_POST, POSTS

EVERY_CODEC = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
WITH_CHECKSUM = pytest.mark.parametrize(
    "codec", [codec for codec in CODECS if codec.checksum_at], ids=lambda codec: codec.name
)
# Noise rich in the bytes that begin and end frames: the worst there is.
NOISE = st.lists(
    st.one_of(
        st.sampled_from([0x02, 0x03, 0x0A, 0x0D, 0x10, 0x20, 0x2D, 0x30, 0x3D, 0x53, 0x57]),
        st.integers(0, 255),
    ),
    max_size=40,
).map(bytes)


def frames_of(codec: CodecUnderLaw) -> st.SearchStrategy[object]:
    return st.integers(0, 2**32).map(lambda seed: codec.sample(random.Random(seed)))


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(stream) + 1) for place in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(places)]


def decode(codec: CodecUnderLaw, stream: bytes) -> list[object]:
    return codec.make_decoder().feed(stream)


def test_every_codec_obeys_the_laws() -> None:
    modules = {
        module.name
        for module in pkgutil.walk_packages(devices.__path__, "devices.")
        if ".codecs." in module.name
    }
    posted = {module for law in (*POSTS, CONTAINER_POST) for module in law.modules}
    assert modules == posted | {codec.module for codec in CODECS}, (
        "add it to hil_tests/fuzz/codecs.py"
    )


def test_an_indicator_says_whether_a_checksum_vouches_for_its_frames() -> None:
    summed = {codec.name for codec in CODECS if codec.checksum_at}
    for name, protocol in protocols().items():
        assert protocol.has_sum is (name in summed)


@EVERY_CODEC
@given(choice=st.data())
def test_a_frame_sent_is_the_frame_received(codec: CodecUnderLaw, choice: st.DataObject) -> None:
    frames = choice.draw(st.lists(frames_of(codec), max_size=4))
    stream = b"".join(codec.encode(frame) for frame in frames)
    decoder = codec.make_decoder()
    assert decoder.feed(stream) == frames
    assert decoder.discarded_bytes == decoder.pending_bytes == 0


@EVERY_CODEC
@given(choice=st.data())
def test_the_same_bytes_give_the_same_frames_however_they_are_cut(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    parts = choice.draw(st.lists(st.one_of(NOISE, frames_of(codec).map(codec.encode)), max_size=6))
    stream = b"".join(parts)
    whole, piecewise = codec.make_decoder(), codec.make_decoder()
    frames = whole.feed(stream)
    pieces = cut(stream, choice.draw(st.lists(st.integers(0, 500), max_size=12)))
    assert [frame for piece in pieces for frame in piecewise.feed(piece)] == frames
    assert piecewise.discarded_bytes == whole.discarded_bytes
    assert piecewise.pending_bytes == whole.pending_bytes


@EVERY_CODEC
@given(choice=st.data())
def test_noise_hides_no_good_frame_that_follows_it(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    frame = choice.draw(frames_of(codec))
    noise = choice.draw(NOISE)
    assert decode(codec, noise + codec.separator + codec.encode(frame))[-1:] == [frame]


@EVERY_CODEC
@given(choice=st.data())
def test_a_frame_cut_short_hides_no_good_frame_that_follows_it(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    first, second = choice.draw(frames_of(codec)), choice.draw(frames_of(codec))
    packet = codec.encode(first)
    rest = packet[: choice.draw(st.integers(0, len(packet) - 1))]
    stream = rest + codec.separator + codec.encode(second)
    assume(not stream.startswith(packet))  # the next frame's first byte may be the one that is gone
    read = decode(codec, stream)
    assert read[-1:] == [second]
    assert len(read) == 1 or codec.separator, "a line cut short is a line, where nothing sums it up"


@EVERY_CODEC
@given(stream=st.lists(st.one_of(NOISE, st.binary(max_size=300)), max_size=8))
def test_no_input_raises_or_is_kept_for_ever(codec: CodecUnderLaw, stream: list[bytes]) -> None:
    decoder = codec.make_decoder()
    good_bytes = 0
    for chunk in stream:
        good_bytes += sum(len(codec.encode(frame)) for frame in decoder.feed(chunk))
        assert decoder.pending_bytes < codec.max_frame_bytes
    accounted = good_bytes + decoder.discarded_bytes + decoder.pending_bytes
    assert accounted == sum(map(len, stream))


@EVERY_CODEC
@pytest.mark.parametrize("byte", [0x00, 0x02, 0x03, 0x0A, 0x20, 0x3D, 0xEE])
def test_memory_stays_bounded_under_a_flood(codec: CodecUnderLaw, byte: int) -> None:
    decoder = codec.make_decoder()
    assert decoder.feed(bytes([byte]) * 100_000) == []
    assert decoder.pending_bytes < codec.max_frame_bytes


@WITH_CHECKSUM
@given(choice=st.data())
def test_one_wrong_bit_anywhere_gives_no_other_value(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    frame = choice.draw(frames_of(codec))
    packet = codec.encode(frame)
    damaged = bytearray(packet)
    damaged[choice.draw(st.integers(0, len(packet) - 1))] ^= 1 << choice.draw(st.integers(0, 7))
    same = codec.spelled(bytes(damaged)) == packet
    assert decode(codec, bytes(damaged)) == ([frame] if same else [])


@WITH_CHECKSUM
@given(choice=st.data())
def test_a_wrong_checksum_never_gives_a_value(codec: CodecUnderLaw, choice: st.DataObject) -> None:
    frame = choice.draw(frames_of(codec))
    packet = codec.encode(frame)
    forged = bytearray(packet)
    for place in codec.checksum_at:
        forged[place] = choice.draw(st.integers(0, 255))
    same = codec.spelled(bytes(forged)) == packet
    assert decode(codec, bytes(forged)) == ([frame] if same else [])
