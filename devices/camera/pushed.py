"""A camera that recognizes plates itself and posts its readings over HTTP. See `PlateCamera`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.camera.codecs import alarm_info_plate, isapi
from devices.camera.listener import PostListener
from devices.camera.refusals import Refusal
from devices.readings import RecognizedPlate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.camera.codecs.parts import PlatePost
    from devices.clock import Clock
    from devices.config import PlateCameraConfig

PLATE_POSTS: Mapping[str, PlatePost] = {
    "isapi": isapi.POST,
    "alarm-info-plate": alarm_info_plate.POST,
}


class PushedPlates(PostListener[RecognizedPlate]):
    """See `devices.camera.api.PlateCamera`."""

    def __init__(self, config: PlateCameraConfig, clock: Clock) -> None:
        """Open nothing. Raises `DeviceConfigError` for a list or a password that cannot work."""
        super().__init__("plate_camera", config, clock)
        self._post = PLATE_POSTS[config.driver]

    def take(self, content_type: str, body: bytes, peer: str = "") -> tuple[str, bytes]:
        """Keep the reading of a post; returns type and bytes of the answer."""
        received_s = self._clock.now().mono_s
        recognition = self._post.decode(content_type, body)
        if recognition is not None:
            self.keep(RecognizedPlate(recognition=recognition, received_s=received_s))
        else:
            readers = (
                name for name, post in PLATE_POSTS.items() if post.decode(content_type, body)
            )
            self.note(peer, Refusal.NO_READING, next(readers, ""))
        return self._post.answer_type, self._post.answer
