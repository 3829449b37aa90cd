"""From a camera's table to its driver: by its `driver`, or by what its source looks like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never
from urllib.parse import urlsplit

from devices.addresses import without_password
from devices.camera.folder import FolderCamera
from devices.camera.opencv import StreamCamera, V4l2Camera
from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from devices.camera.api import JpegCamera
    from devices.clock import Clock
    from devices.config import CameraConfig

Kind = Literal["stream", "folder", "v4l2"]
_NAMES = {"folder": "folder", "v4l2": "video device", "stream": "stream"}
STREAMS = ("rtsp", "rtsps", "http", "https")


def kind_of(config: CameraConfig) -> Kind:
    """Which driver a source is for.

    Raises:
        DeviceConfigError: no driver knows the source's scheme, or not the driver that is named.
    """
    source = config.source
    scheme = urlsplit(source).scheme if "://" in source else ""
    place = without_password(source)
    if scheme not in ("", "v4l2", *STREAMS):
        raise DeviceConfigError(
            f"camera.source: {place}: no driver for {scheme}://; "
            f"known are {', '.join(STREAMS)}, v4l2, a file or a folder"
        )
    if config.driver != "auto":
        if (config.driver == "folder" and scheme) or (
            config.driver == "v4l2" and scheme in STREAMS
        ):
            raise DeviceConfigError(
                f"camera.source: {place!r} is not a {_NAMES[config.driver]}, "
                f"but driver is {config.driver!r}"
            )
        return config.driver
    if scheme == "v4l2" or source.startswith("/dev/video"):
        return "v4l2"
    return "folder" if not scheme and Path(source).is_dir() else "stream"


def open_camera(config: CameraConfig, clock: Clock) -> JpegCamera:
    """The driver for `config`. Nothing is touched until its `open` is called.

    Raises:
        DeviceConfigError: see `kind_of`.
    """
    kind = kind_of(config)
    match kind:
        case "stream":
            return StreamCamera(config, clock)
        case "folder":
            return FolderCamera(config, clock)
        case "v4l2":
            return V4l2Camera(config, clock)
        case _:
            assert_never(kind)
