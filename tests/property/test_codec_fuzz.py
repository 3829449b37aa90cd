"""A small share of `make fuzz` for every codec, and that the fuzzer finds what is wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import pytest

from devices.framing import FrameDecoder, FrameScanner
from devices.readings import Recognition
from devices.weighbridge.indication import Heard, IndicatorFrame
from hil_tests.fuzz.codecs import CODECS, CodecUnderLaw
from hil_tests.fuzz.damage import fuzz_batch
from hil_tests.fuzz.posts import (
    CONTAINER_POST,
    POSTS,
    ContainerPostUnderLaw,
    PostUnderLaw,
    fuzz_posts,
)

SHARE_INPUTS = 500
YAOHUA = next(codec for codec in CODECS if codec.name == "yaohua-continuous")


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_damaged_streams_break_no_promise_of_a_codec(codec: CodecUnderLaw) -> None:
    tally = fuzz_batch(codec, seed=7, batch=0, inputs=SHARE_INPUTS)
    assert tally.inputs == SHARE_INPUTS
    assert tally.read_frames > SHARE_INPUTS / 10  # most damage leaves some frame whole
    assert tally.findings == []


@pytest.mark.parametrize("law", [*POSTS, CONTAINER_POST], ids=lambda law: law.name)
def test_damaged_posts_break_no_promise_of_their_parser(
    law: PostUnderLaw | ContainerPostUnderLaw,
) -> None:
    tally = fuzz_posts(law, seed=7, batch=0, inputs=SHARE_INPUTS)
    assert tally.inputs == SHARE_INPUTS
    assert SHARE_INPUTS / 50 < tally.read_frames < SHARE_INPUTS
    assert tally.findings == []


def test_a_parser_of_posts_that_breaks_a_promise_is_found() -> None:
    def believes(_kind: str, body: bytes) -> Recognition:
        said = max(body, default=0)
        return Recognition(text="粤B12345", confidence_permille=10 * said)

    def trips(_kind: str, body: bytes) -> None:
        if b"<" not in body and b"{" not in body:
            raise KeyError("a body that nobody sends")

    for decode, what in ((believes, "confidence"), (trips, "raised KeyError")):
        law = PostUnderLaw(
            name="spoiled", modules=(), post=dataclasses.replace(POSTS[0].post, decode=decode)
        )
        findings = fuzz_posts(law, seed=7, batch=0, inputs=SHARE_INPUTS).findings
        assert findings
        assert findings[0].what.startswith(what)


def test_a_finding_is_repeated_by_its_numbers() -> None:
    first, second = (fuzz_batch(YAOHUA, seed=3, batch=2, inputs=50) for _ in range(2))
    assert dataclasses.asdict(first) == dataclasses.asdict(second)


class Spoiled:
    """A good decoder with one thing wrong."""

    discarded_bytes = 0
    pending_bytes = 0

    def __init__(self) -> None:
        self._inner = YAOHUA.make_decoder()

    def feed(self, chunk: bytes) -> list[Heard]:
        frames: list[Heard] = self._inner.feed(chunk)
        self.discarded_bytes = self._inner.discarded_bytes
        self.pending_bytes = self._inner.pending_bytes
        return frames


class Raising(Spoiled):
    def feed(self, chunk: bytes) -> list[Heard]:
        if b"\x00" in chunk:
            raise IndexError("a byte that nobody sends")
        return super().feed(chunk)


class Hoarding(Spoiled):
    def feed(self, chunk: bytes) -> list[Heard]:
        frames = super().feed(chunk)
        self.pending_bytes += self.discarded_bytes
        return frames


class Impatient(Spoiled):
    """Reads a frame only if it comes in one piece."""

    def feed(self, chunk: bytes) -> list[Heard]:
        self._inner = YAOHUA.make_decoder()
        return super().feed(chunk)


def _careless() -> FrameDecoder[Heard]:
    """Looks at no checksum."""

    def parse(candidate: bytes) -> IndicatorFrame | None:
        digits = candidate[2:8]
        if len(candidate) != YAOHUA.max_frame_bytes or not digits.isdigit():
            return None
        return IndicatorFrame(digits=int(digits) * (-1 if candidate[1:2] == b"-" else 1))

    return FrameScanner(start=2, end=3, max_bytes=YAOHUA.max_frame_bytes, parse=parse)


@pytest.mark.parametrize(
    ("make_decoder", "what"),
    [
        (Raising, "raised IndexError"),
        (Hoarding, "keeps "),
        (Impatient, "cut differently"),
        (_careless, "vouches|wrong bit"),
    ],
)
def test_a_codec_that_breaks_a_promise_is_found(
    make_decoder: Callable[[], FrameDecoder[Heard]], what: str
) -> None:
    spoiled = dataclasses.replace(YAOHUA, make_decoder=make_decoder)
    findings = fuzz_batch(spoiled, seed=7, batch=0, inputs=300).findings
    assert findings
    assert re.search(what, findings[0].what)
