"""A simulated camera that recognizes plates: it posts what it sees, with the codec of its make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from devices.camera.pushed import PLATE_POSTS
from devices.readings import Recognition
from devices.sim.posting_camera import PostingCamera, PostingFault, where_posts_go

if TYPE_CHECKING:
    from devices.config import PlateCameraConfig
    from devices.sim.lane_world import TruckVisit

SURE_PERMILLE = 970
ANOTHER_PLATE = "粤Z00007"
PlateCameraFault = PostingFault


class SimPlateCamera(PostingCamera):
    """Posts plates to `url`, the place where a lane listens."""

    name: ClassVar[str] = "plate camera"

    def __init__(
        self, config: PlateCameraConfig, url: str, *, password: str = "", seed: int = 0
    ) -> None:
        super().__init__(url, username=config.username, password=password, seed=seed)
        self._make = PLATE_POSTS[config.driver]

    def recognize(self, recognition: Recognition) -> bytes:
        """Post one reading and return the lane's answer; whole percents travel.

        Raises:
            LinkDown: nobody takes it; the message says what was answered.
        """
        percent = recognition.confidence_permille // 10
        kind, body = self._make.encode(replace(recognition, confidence_permille=percent * 10))
        return self.post(kind, body)

    def reads(self, visit: TruckVisit) -> bool:
        """Whether it can read a plate on this truck."""
        return bool(visit.plate)

    def tell(self, visit: TruckVisit, fault: PostingFault) -> str:
        """Post this truck's plate, or another one, with the picture."""
        text = ANOTHER_PLATE if fault is PostingFault.ANOTHER else visit.plate
        self.recognize(
            Recognition(text=text, confidence_permille=SURE_PERMILLE, picture=visit.picture)
        )
        return text


def sim_plate_camera(config: PlateCameraConfig) -> SimPlateCamera:
    """The camera that posts where a lane file says that the lane listens.

    Raises:
        DeviceConfigError: the file does not say where, or its password cannot be read.
    """
    url, password = where_posts_go("plate_camera", config)
    return SimPlateCamera(config, url, password=password)
