"""H.264 and H.265 in RTP packets, by their bytes, and which codec an address names."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from devices.bench import desk
from devices.clock import ManualClock
from devices.config import CameraConfig
from devices.errors import DeviceConfigError
from devices.sim import stream_cameras
from devices.sim.rtp_nal import (
    PIECE_BYTES,
    VideoCodec,
    is_slice,
    media_lines,
    parameters_of,
    payloads,
    units_of,
)
from devices.sim.stream_cameras import camera_at, codec_named_in

SPS, PPS = bytes.fromhex("674D0028") + b"sps", bytes.fromhex("68EE3C80")
KEY = bytes((0x65,)) + bytes(range(256)) * 12


def test_a_small_unit_goes_whole_into_one_packet() -> None:
    assert list(payloads(VideoCodec.H264, PPS)) == [PPS]


def test_the_fragments_of_a_large_unit_are_those_of_rfc_6184() -> None:
    first, second, last = payloads(VideoCodec.H264, KEY)
    # FU indicator: the unit's own importance (3) and type 28; FU header: begins, ends, type 5
    assert (first[:2], second[:2], last[:2]) == (b"\x7c\x85", b"\x7c\x05", b"\x7c\x45")
    assert len(first) == 2 + PIECE_BYTES
    assert first[2:] + second[2:] + last[2:] == KEY[1:]


def test_the_fragments_of_a_large_unit_are_those_of_rfc_7798() -> None:
    key = bytes((19 << 1, 1)) + KEY  # IDR_W_RADL, layer 0, temporal id 1
    first, second, last = payloads(VideoCodec.H265, key)
    # payload header: type 49 in the place of 19; FU header: begins, ends, type 19
    assert (first[:3], second[:3], last[:3]) == (b"\x62\x01\x93", b"\x62\x01\x13", b"\x62\x01\x53")
    assert first[3:] + second[3:] + last[3:] == key[2:]


def test_a_byte_stream_is_cut_at_its_start_codes() -> None:
    stream = b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x01" + PPS + b"\x00\x00\x01" + KEY
    units = units_of(stream)
    assert units == [SPS, PPS, KEY]
    assert parameters_of(VideoCodec.H264, units) == {"sps": SPS, "pps": PPS}
    assert [is_slice(VideoCodec.H264, unit) for unit in units] == [False, False, True]


def test_a_session_description_names_the_parameter_sets_or_leaves_them_to_the_stream() -> None:
    told = media_lines(VideoCodec.H264, {"sps": SPS, "pps": PPS})
    sets = ",".join(base64.b64encode(each).decode() for each in (SPS, PPS))
    assert told[1] == "a=rtpmap:96 H264/90000"
    assert told[2] == (
        f"a=fmtp:96 packetization-mode=1;profile-level-id=4D0028;sprop-parameter-sets={sets}"
    )
    assert media_lines(VideoCodec.H264, {})[2] == "a=fmtp:96 packetization-mode=1"
    assert media_lines(VideoCodec.H265, {}) == ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000")
    assert media_lines(VideoCodec.H265, {"sps": SPS})[2].startswith("a=fmtp:96 sprop-sps=Z00AKH")


@pytest.mark.parametrize(
    ("source", "codec"),
    [
        ("rtsp://admin:h264@10.0.0.1/lane", None),
        ("rtsp://10.0.0.1/h264/ch1/main/av_stream", VideoCodec.H264),
        ("rtsp://10.0.0.1/axis-media/media.amp?videocodec=h264", VideoCodec.H264),
        ("rtsp://10.0.0.1/H.265/1", VideoCodec.H265),
        ("rtsp://10.0.0.1/live?codec=hevc", VideoCodec.H265),
        ("http://10.0.0.1/h264", None),
    ],
)
def test_the_word_in_its_address_says_what_a_simulated_camera_sends(
    source: str, codec: VideoCodec | None
) -> None:
    assert codec_named_in(source) is codec


def test_without_its_encoder_the_camera_is_refused_by_name_and_at_a_desk_sends_motion_jpeg(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (stream_cameras, desk):
        monkeypatch.setattr(module, "can_encode", lambda: False)
    camera = CameraConfig(source="rtsp://admin:secret@127.0.0.1/h264/1")
    with pytest.raises(DeviceConfigError, match=r"camera\.source: .*…@127.*kakou\[sim-h264\]"):
        camera_at("camera", camera, bytes, ManualClock(), rate_fps=8.0)
    moved = desk._camera(camera)
    assert moved is not None
    config, why = moved
    assert codec_named_in(config.source) is None
    assert "Motion JPEG" in why.en


def test_what_a_lane_runs_does_not_have_the_encoder() -> None:
    root = Path(__file__).resolve().parents[2]
    assert "\nav==" not in (root / "requirements.lock").read_text(encoding="utf-8")
    assert "\nav==" in (root / "requirements-dev.lock").read_text(encoding="utf-8")
