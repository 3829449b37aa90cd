"""A clip of every passage: bounded memory, a file that players open, bounded disk."""

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.clock import ManualClock
from gate_agent.store.avi import ClipFrame, avi_of, size_of
from gate_agent.store.clip_ring import ClipRing
from gate_agent.store.picture_files import DAY_MS, TRIM_EVERY_S, ClipFiles


def picture(shade: int) -> bytes:
    image = np.full((48, 64, 3), shade, dtype=np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def test_a_clip_is_a_file_that_players_open_with_every_frame_in_its_place(tmp_path: Path) -> None:
    shades = {0.0: 10, 0.25: 60, 0.5: 110, 2.0: 160, 2.26: 210}
    frames = [ClipFrame(100.0 + at_s, picture(shade)) for at_s, shade in shades.items()]
    path = tmp_path / "clip.avi"
    path.write_bytes(b"".join(avi_of(frames, rate_fps=4, comment="passage-1")))
    assert b"passage-1" in path.read_bytes()
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert capture.get(cv2.CAP_PROP_FPS) == 4
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (
        64,
        48,
    )
    seen = {}
    while True:
        is_read, image = capture.read()
        if not is_read:
            break
        seen[round(capture.get(cv2.CAP_PROP_POS_MSEC))] = int(image[24, 32, 0])
    capture.release()
    for shade in shades.values():
        assert any(abs(shown - shade) <= 4 for shown in seen.values()), (shade, seen)
    assert max(seen) >= 2_000


def test_the_same_frames_are_the_same_bytes_and_none_are_no_clip() -> None:
    frames = [ClipFrame(1.0, picture(5)), ClipFrame(1.3, picture(9))]
    assert avi_of(frames, rate_fps=4, comment="p") == avi_of(frames, rate_fps=4, comment="p")
    with pytest.raises(ValueError, match="no frame"):
        avi_of([], rate_fps=4, comment="p")


def test_the_size_is_read_from_the_picture_and_is_nothing_where_it_says_none() -> None:
    assert size_of(picture(0)) == (64, 48)
    assert size_of(b"\xff\xd8\xff\xd9") == (0, 0)
    assert size_of(b"") == (0, 0)


@given(content=st.binary(max_size=300))
def test_a_broken_picture_does_not_break_its_clip(content: bytes) -> None:
    size_of(b"\xff\xd8" + content)


def ring_with(count: int, *, size: int = 1_000, max_bytes: int = 10**9) -> ClipRing:
    ring = ClipRing(before_s=5.0, max_bytes=max_bytes)
    for number in range(count):
        ring.add(ClipFrame(number * 0.25, b"x" * size))
    return ring


def test_an_empty_lane_keeps_the_last_seconds_only() -> None:
    ring = ring_with(1_000)
    assert ring.bytes_kept <= 22_000
    assert ring.clip() == ()


def test_a_clip_begins_before_the_arrival_and_ends_now() -> None:
    ring = ring_with(100)
    ring.begin(24.75)
    for number in range(100, 200):
        ring.add(ClipFrame(number * 0.25, b"x"))
    clip = ring.clip()
    assert clip[0].at_s == pytest.approx(19.75)
    assert clip[-1].at_s == pytest.approx(49.75)
    assert len(clip) == 121
    ring.end(49.75)
    assert ring.clip() == ()
    assert ring.bytes_kept < 21_000


@given(
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=200),
    max_bytes=st.integers(4_000, 20_000),
)
def test_whatever_a_vehicle_waits_memory_is_bounded_and_no_stretch_of_time_is_lost(
    sizes: list[int], max_bytes: int
) -> None:
    ring = ClipRing(before_s=5.0, max_bytes=max_bytes)
    ring.begin(0.0)
    for number, size in enumerate(sizes):
        ring.add(ClipFrame(float(number), b"x" * size))
        assert ring.bytes_kept <= max_bytes
    clip = ring.clip()
    assert clip[-1].at_s == len(sizes) - 1
    assert clip[0].at_s == 0
    times = [frame.at_s for frame in clip]
    assert times == sorted(times)


def test_a_vehicle_that_waits_long_keeps_an_even_pace() -> None:
    ring = ClipRing(before_s=5.0, max_bytes=100_000)
    ring.begin(0.0)
    for number in range(4 * 900):  # a quarter of an hour at 4 a second, 3.6 MB
        ring.add(ClipFrame(number * 0.25, b"x" * 1_000))
    clip = ring.clip()
    gaps = [later.at_s - frame.at_s for frame, later in itertools.pairwise(clip)]
    assert clip[0].at_s == 0
    assert len(clip) == 100
    assert max(gaps) <= 32
    assert max(gaps[-19:]) == 0.25  # how it left, at full pace


def test_clips_go_by_age_and_by_bytes(tmp_path: Path) -> None:
    clock = ManualClock()
    clips = ClipFiles(tmp_path, max_bytes=10_000, max_days=30, clock=clock)
    ids = [clips.keep(bytes([number]) * 1_000) for number in range(5)]
    now_ms = clock.now().wall_ms
    for number, clip_id in enumerate(ids):
        written_ns = (now_ms - (40 - 10 * number) * DAY_MS) * 1_000_000
        os.utime(clips.path(clip_id), ns=(written_ns, written_ns))
    clips.trim()
    assert [clips.read(clip_id) is not None for clip_id in ids] == [False, True, True, True, True]
    for number in range(5, 20):
        clip_id = clips.keep(bytes([number]) * 1_000)
        os.utime(clips.path(clip_id), ns=(now_ms * 1_000_000, now_ms * 1_000_000))
    clips.trim()
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.avi")) <= 10_000
    assert clips.read(ids[1]) is None


def test_an_old_clip_goes_although_nothing_new_is_written(tmp_path: Path) -> None:
    clock = ManualClock()
    clips = ClipFiles(tmp_path, max_bytes=10_000, max_days=30, clock=clock)
    clip_id = clips.keep(b"clip")
    written_ns = clock.now().wall_ms * 1_000_000
    os.utime(clips.path(clip_id), ns=(written_ns, written_ns))
    gone_h = None
    for hour in range(31 * 24):
        clock.advance(TRIM_EVERY_S)
        clips.trim_if_due()
        if clips.read(clip_id) is None and gone_h is None:
            gone_h = hour + 1
    assert gone_h == 30 * 24 + 1
