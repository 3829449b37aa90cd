"""What every codec promises, whatever comes down the wire.

The codecs come from `hil_tests/fuzz/codecs.py`: a new one adds its entry there and is held to all
of this.
"""

from __future__ import annotations

import itertools
import pkgutil
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import devices
from devices.card_reader.codecs import lines, osdp_packet
from devices.tag_reader.codecs import uhf_reader18
from devices.weighbridge.codecs import sma
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
        st.sampled_from([0x02, 0x03, 0x0A, 0x0D, 0x10, 0x20, 0x2D, 0x30, 0x3D, 0x53, 0x57, 0xAA]),
        st.integers(0, 255),
    ),
    max_size=40,
).map(bytes)


def frames_of(codec: CodecUnderLaw) -> st.SearchStrategy[object]:
    return st.integers(0, 2**32).map(lambda seed: codec.sample(random.Random(seed)))


def said_of(codec: CodecUnderLaw) -> st.SearchStrategy[tuple[object, bytes]]:
    """A frame, and one of the packets that say it."""

    def drawn(seed: int) -> tuple[object, bytes]:
        chance = random.Random(seed)
        frame = codec.sample(chance)
        return frame, codec.packet(frame, chance)

    return st.integers(0, 2**32).map(drawn)


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


def drawn_of(name: str, times: int = 2_000) -> list[tuple[Any, bytes]]:
    codec, chance = next(each for each in CODECS if each.name == name), random.Random(0)
    frames = [codec.sample(chance) for _ in range(times)]
    return [(frame, codec.packet(frame, chance)) for frame in frames]


def test_the_laws_are_tried_on_all_that_a_packet_can_say() -> None:
    assert {frame.line_end for frame, _ in drawn_of("em4100-ascii")} == {True, False}
    sizes = {len(frame.content) for frame, _ in drawn_of("osdp-packet")}
    assert len(sizes) > 20
    assert max(sizes) == osdp_packet.MAX_PACKET_BYTES - 7
    sizes = {len(frame.text) for frame, _ in drawn_of("card-lines")}
    assert len(sizes) > 20
    assert max(sizes) == lines.MAX_TEXT_BYTES
    weights = [packet for _, packet in drawn_of("sma") if len(packet) == sma.WEIGHT_BYTES]
    assert {packet[1:2] for packet in weights} == set(sma.STATUSES)
    assert {packet[2:3] for packet in weights} == {b"%d" % digit for digit in range(10)}
    said = {packet[11:13] for _, packet in drawn_of("rinstrum-auto-c")}
    assert said == {b" -", b" 1", b" 2", b"Z-", b"Z1", b"Z2"}


def test_every_tag_of_an_inventory_is_told_whatever_its_length_and_however_many_there_are() -> None:
    answers = [frame for frame, _ in drawn_of("uhf-reader18")]
    inventories = [frame for frame in answers if frame.command == uhf_reader18.INVENTORY]
    assert {each.status for each in inventories} == {0x01, 0x02, 0x03, 0x04, 0xFB}
    told = [(each, uhf_reader18.tags_in(each)) for each in inventories]
    assert all(len(tags) == sum(each.content[:1]) for each, tags in told)
    assert max(len(tags) for _, tags in told) == 19
    assert {len(epc) for _, tags in told for epc in tags} == set(range(1, 63))


@EVERY_CODEC
@given(choice=st.data())
def test_a_frame_sent_is_the_frame_received(codec: CodecUnderLaw, choice: st.DataObject) -> None:
    said = choice.draw(st.lists(said_of(codec), max_size=4))
    decoder = codec.make_decoder()
    read = decoder.feed(b"".join(packet for _, packet in said))
    assert read == [frame for frame, _ in said]
    assert decoder.discarded_bytes == decoder.pending_bytes == 0


@EVERY_CODEC
@given(choice=st.data())
def test_the_same_bytes_give_the_same_frames_however_they_are_cut(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    parts = choice.draw(
        st.lists(st.one_of(NOISE, said_of(codec).map(lambda said: said[1])), max_size=6)
    )
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
    frame, packet = choice.draw(said_of(codec))
    noise = choice.draw(NOISE)
    assert decode(codec, noise + codec.separator + packet)[-1:] == [frame]


@EVERY_CODEC
@given(choice=st.data())
def test_noise_between_two_good_frames_hides_neither(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    (first, before), (second, after) = choice.draw(said_of(codec)), choice.draw(said_of(codec))
    noise = choice.draw(NOISE)
    read = decode(codec, before + noise + codec.separator + after)
    assert len(read) >= 2
    assert (read[0], read[-1]) == (first, second)


@EVERY_CODEC
@given(choice=st.data())
def test_a_frame_cut_short_hides_no_good_frame_that_follows_it(
    codec: CodecUnderLaw, choice: st.DataObject
) -> None:
    (_, packet), (second, whole) = choice.draw(said_of(codec)), choice.draw(said_of(codec))
    rest = packet[: choice.draw(st.integers(0, len(packet) - 1))]
    stream = rest + codec.separator + whole
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
@pytest.mark.parametrize("byte", [0x00, 0x02, 0x03, 0x0A, 0x20, 0x21, 0x3D, 0x53, 0x57, 0xAA, 0xEE])
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
