"""Bringing into service a camera that reads container numbers and posts them to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    configured,
    good,
    is_yes,
    skipped,
)
from devices.bench.bring_up_posts import PostsWalk, plain
from devices.container_camera.codecs import http_json
from devices.container_camera.pushed import PushedContainers
from devices.readings import ContainerReading

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.config import ContainerCameraConfig

TABLE = "container_camera"


def container_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a camera that posts container numbers.

    Raises:
        DeviceConfigError: the lane has none.
    """
    walk = _Containers(session, configured(session.config.container_camera, TABLE))
    return (
        BringUpStep(name="listener", look=walk.can_come),
        BringUpStep(name="post", look=walk.come),
        BringUpStep(name="container", look=walk.have_the_numbers),
    )


class _Containers(PostsWalk[ContainerReading]):
    """Its posts, as container numbers."""

    def __init__(self, session: Session, config: ContainerCameraConfig) -> None:
        super().__init__(session, TABLE, config)
        self._config = config

    def _listener(self) -> PushedContainers:
        return PushedContainers(self._config, self._session.clock)

    def _said(self, reading: ContainerReading) -> str:
        return ", ".join(reading.numbers)

    def _no_reading(self) -> str:
        example = http_json.encode(("CSQU3054383",))[1].decode()
        return f"what it posts is not the body of {self._config.driver}: {example}"

    def have_the_numbers(self) -> Finding:
        """Whether they are those that a person sees on the box."""
        if self._seen is None:
            return skipped("nothing was posted")
        text = self._said(self._seen)
        said = self._session.ask(
            "container", f"it read {text}; y if that is right, or the numbers with commas: "
        )
        if said in (SKIP, ""):
            return skipped(f"it read {text}; nobody compares")
        if is_yes(said) or _plain(said) == _plain(text):
            return good(text)
        return bad(
            f"it read {text}, the box has another number",
            "aim, zoom and focus: the whole number with its check digit, not the size and type",
            "the vehicle before, or the next lane's: it is triggered late, or sees too much",
        )


def _plain(text: str) -> frozenset[str]:
    return frozenset(map(plain, text.split(",")))
