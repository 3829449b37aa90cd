"""A camera that posts container numbers over HTTP. See `devices.container_camera.api`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.camera.listener import PostListener
from devices.camera.refusals import Refusal
from devices.container_camera.codecs import http_json
from devices.readings import ContainerReading

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import ContainerCameraConfig


class PushedContainers(PostListener[ContainerReading]):
    """Fulfills `devices.container_camera.api.ContainerCamera`."""

    def __init__(self, config: ContainerCameraConfig, clock: Clock) -> None:
        """Open nothing. Raises `DeviceConfigError` for a list or a password that cannot work."""
        super().__init__("container_camera", config, clock)

    @property
    def is_heard(self) -> bool:
        """Whether the lane listens."""
        return self.is_open

    def take(self, _content_type: str, body: bytes, peer: str = "") -> tuple[str, bytes]:
        """Keep the numbers of a post; returns type and bytes of the answer."""
        received_s = self._clock.now().mono_s
        numbers = http_json.decode(body)
        if numbers:
            self.keep(ContainerReading(numbers=numbers, received_s=received_s))
        elif numbers is None:
            self.note(peer, Refusal.NO_READING)
        return http_json.ANSWER_TYPE, http_json.ANSWER
