"""A simulated camera that reads container numbers: it posts those of each truck that comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from devices.container_camera.codecs import http_json
from devices.sim.posting_camera import PostingCamera, PostingFault, where_posts_go

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

    def tell(self, visit: TruckVisit, fault: PostingFault) -> str:
        """Post this truck's container numbers, or another one, or each with a wrong character."""
        numbers = visit.containers
        if fault is PostingFault.ANOTHER:
            numbers = (ANOTHER_CONTAINER,)
        elif fault is PostingFault.MISREAD:
            numbers = tuple(map(misread, numbers))
        self.read(*numbers)
        return ", ".join(numbers)


def misread(number: str) -> str:
    """A container number whose last character, the check digit, was taken for the next digit."""
    return f"{number[:-1]}{(int(number[-1]) + 1) % 10}"


def sim_container_camera(config: ContainerCameraConfig) -> SimContainerCamera:
    """The camera that posts where a lane file says that the lane listens.

    Raises:
        DeviceConfigError: the file does not say where, or its password cannot be read.
    """
    url, password = where_posts_go("container_camera", config)
    return SimContainerCamera(url, username=config.username, password=password)
