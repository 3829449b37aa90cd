"""From a camera's table to its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from devices.camera.folder import FolderCamera
from devices.camera.opencv import StreamCamera

if TYPE_CHECKING:
    from devices.camera.api import Camera
    from devices.clock import Clock
    from devices.config import CameraConfig


def open_camera(config: CameraConfig, clock: Clock) -> Camera:
    """The driver for `config`. Nothing is touched until its `open` is called."""
    match config.driver:
        case "stream":
            return StreamCamera(config, clock)
        case "folder":
            return FolderCamera(config, clock)
        case _:
            assert_never(config.driver)
