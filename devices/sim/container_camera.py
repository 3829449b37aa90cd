"""A simulated camera that reads container numbers: it posts those of each truck that comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from devices.container_camera.codecs import http_json
from devices.sim.posting_camera import PostingCamera, where_posts_go

if TYPE_CHECKING:
    from devices.config import ContainerCameraConfig
    from devices.sim.lane_world import TruckVisit

ANOTHER_CONTAINER = "TEMU9876540"


class SimContainerCamera(PostingCamera):
    """Posts container numbers to `url`, the place where a lane listens."""

    name: ClassVar[str] = "container camera"

    def read(self, *numbers: str) -> bytes:
        """Post these numbers and return the lane's answer.

        Raises:
            LinkDown: nobody takes it; the message says what was answered.
        """
        return self.post(*http_json.encode(numbers))

    def reads(self, visit: TruckVisit) -> bool:
        """Whether there is a container on this truck."""
        return bool(visit.containers)

    def tell(self, visit: TruckVisit, *, is_another: bool) -> str:
        """Post this truck's container numbers, or another one."""
        numbers = (ANOTHER_CONTAINER,) if is_another else visit.containers
        self.read(*numbers)
        return ", ".join(numbers)


def sim_container_camera(config: ContainerCameraConfig) -> SimContainerCamera:
    """The camera that posts where a lane file says that the lane listens.

    Raises:
        DeviceConfigError: the file does not say where, or its password cannot be read.
    """
    url, password = where_posts_go("container_camera", config)
    return SimContainerCamera(url, username=config.username, password=password)
