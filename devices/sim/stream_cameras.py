"""From the source that a lane file names to the simulator of its camera.

Over RTSP a camera sends Motion JPEG; where the address has the word h264 or h265, as makers' own
addresses often have (`/h264/ch1/main/av_stream`, `?videocodec=h264`), it sends that.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devices.addresses import without_password
from devices.camera.opening import kind_of
from devices.errors import DeviceConfigError
from devices.sim.camera import MjpegServer
from devices.sim.rtp_nal import VideoCodec
from devices.sim.rtsp_camera import RtspCamera

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import CameraConfig
    from devices.sim.camera import SimCamera

CAMERA_PORTS = {"http": 80, "rtsp": 554}
NO_ENCODER = "no encoder of H.264 here; the extra kakou[sim-h264] installs one"
_WORD = re.compile(r"h\.?26[45]|hevc", re.IGNORECASE)


def codec_named_in(source: str) -> VideoCodec | None:
    """The codec that the address of an RTSP camera names; None: none, so Motion JPEG."""
    parts = urlsplit(source)
    found = _WORD.search(f"{parts.path}?{parts.query}") if parts.scheme == "rtsp" else None
    if found is None:
        return None
    return VideoCodec.H264 if found.group().endswith("4") else VideoCodec.H265


def can_encode() -> bool:
    """Whether this computer has the encoder."""
    return find_spec("av") is not None


def camera_at(
    device: str,
    config: CameraConfig,
    picture: Callable[[], bytes],
    clock: Clock,
    *,
    rate_fps: float,
) -> SimCamera | None:
    """The camera behind the source of a lane file; None where that is a file or a folder.

    Raises:
        DeviceConfigError: there is no simulator for it here.
    """
    kind, parts = kind_of(config), urlsplit(config.source)
    place = without_password(config.source)
    if kind == "folder" or (kind == "stream" and "://" not in config.source):
        return None
    if kind == "v4l2" or parts.scheme not in CAMERA_PORTS:
        what = "a video device" if kind == "v4l2" else f"{parts.scheme}://"
        raise DeviceConfigError(
            f"{device}.source: {place}: {what} cannot be simulated in place; "
            'name a stream, as source = "http://127.0.0.1:15080/"'
        )
    try:
        port = CAMERA_PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError as exc:
        raise DeviceConfigError(f"{device}.source: {place}: {exc}") from exc
    host, path = parts.hostname or "127.0.0.1", f"{parts.path or '/'}{'?' if parts.query else ''}"
    path += parts.query
    codec = codec_named_in(config.source)
    if codec is None:
        make = MjpegServer if parts.scheme == "http" else RtspCamera
        return make(host, port, picture, path=path, rate_fps=rate_fps)
    if not can_encode():
        raise DeviceConfigError(f"{device}.source: {place}: {NO_ENCODER}")
    from devices.sim.video_camera import VideoCamera  # noqa: PLC0415 - its encoder is an extra

    return VideoCamera(host, port, picture, clock, path=path, rate_fps=rate_fps, codec=codec)
