"""What every parser of a camera's posts promises, whatever is posted to it.

The makes come from `hil_tests/fuzz/posts.py`, beside the codecs of `test_codec_laws.py`.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.camera.codecs.parts import PARTS_MAX, parts_of
from devices.camera.pushed import PLATE_POSTS
from devices.readings import Recognition
from hil_tests.fuzz.posts import POSTS, PostUnderLaw, judged, sample

EVERY_MAKE = pytest.mark.parametrize("law", POSTS, ids=lambda law: law.name)
READINGS = st.integers(0, 2**32).map(lambda seed: sample(random.Random(seed)))
KINDS = st.one_of(
    st.sampled_from(["", "application/json", "application/xml", "multipart/form-data"]),
    st.text(max_size=30).map(lambda mark: f"multipart/form-data; boundary={mark}"),
    st.text(max_size=60),
)


def test_every_make_that_a_lane_file_may_name_is_held_to_the_laws() -> None:
    assert {law.name: law.post for law in POSTS} == dict(PLATE_POSTS)


@EVERY_MAKE
@given(reading=READINGS)
def test_what_is_posted_is_what_the_lane_reads(law: PostUnderLaw, reading: Recognition) -> None:
    assert law.post.decode(*law.post.encode(reading)) == reading


@EVERY_MAKE
@given(reading=READINGS, choice=st.data())
def test_a_post_that_breaks_off_never_gives_another_plate(
    law: PostUnderLaw, reading: Recognition, choice: st.DataObject
) -> None:
    kind, body = law.post.encode(reading)
    cut = body[: choice.draw(st.integers(0, len(body) - 1))]
    what, read = judged(law.post.decode, kind, cut)
    assert what == ""
    if read is not None:
        assert (read.text, read.confidence_permille) == (
            reading.text,
            reading.confidence_permille,
        )


@EVERY_MAKE
@given(kind=KINDS, body=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_nothing_that_is_posted_raises_or_leaves_the_ranges(
    law: PostUnderLaw, kind: str, body: bytes
) -> None:
    what, _ = judged(law.post.decode, kind, body)
    assert what == ""


@EVERY_MAKE
@pytest.mark.parametrize("piece", [b"<", b"[", b"{", b"&", b"--b\r\n", b"\xff\xd8", b'"', b"\r\n"])
def test_a_flood_of_one_thing_is_no_reading(law: PostUnderLaw, piece: bytes) -> None:
    for kind in ("application/json", "application/xml", "multipart/form-data; boundary=b"):
        assert judged(law.post.decode, kind, piece * 50_000) == ("", None)


@given(body=st.binary(max_size=600), mark=st.text("ab-", min_size=1, max_size=3))
def test_the_parts_of_a_body_are_bounded_and_lie_in_it(body: bytes, mark: str) -> None:
    parts = parts_of(f"multipart/form-data; boundary={mark}", body)
    assert len(parts) <= PARTS_MAX
    assert all(part.content in body for part in parts)
