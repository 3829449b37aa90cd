"""Bringing into service a camera that reads container numbers and posts them to the lane."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.bench import bring_up_posts
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
from devices.bench.wording import said
from devices.container_camera.codecs import http_json
from devices.container_camera.pushed import PushedContainers
from devices.readings import ContainerReading
from devices.texts import as_is

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.refusals import RefusedPost
    from devices.config import ContainerCameraConfig
    from devices.texts import Said

TABLE = "container_camera"
_COMMA = re.compile(r"[,，、]")


def container_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a camera that posts container numbers.

    Raises:
        DeviceConfigError: the lane has none.
    """
    walk = _Containers(session, configured(session.config.container_camera, TABLE))
    return (
        BringUpStep(name=said("post.listener"), look=walk.can_come),
        BringUpStep(name=said("post.post"), look=walk.come),
        BringUpStep(name=said("container.container"), look=walk.have_the_numbers),
    )


class _Containers(PostsWalk[ContainerReading]):
    """Its posts, as container numbers."""

    def __init__(self, session: Session, config: ContainerCameraConfig) -> None:
        super().__init__(session, TABLE, config)
        self._config = config

    def _listener(self) -> PushedContainers:
        return PushedContainers(self._config, self._session.clock)

    def _words(self, reading: ContainerReading) -> Said:
        return as_is(_numbers(reading))

    def _no_reading(self) -> Said:
        return _no_numbers(self._config)

    def have_the_numbers(self) -> Finding:
        """Whether they are those that a person sees on the box."""
        if self._seen is None:
            return skipped(said("post.nothing_came"))
        text = _numbers(self._seen)
        answer = self._session.ask("container", said("container.is_it_right", numbers=text))
        if answer in (SKIP, ""):
            return skipped(said("container.nobody_compares", numbers=text))
        if is_yes(answer) or plain_numbers(answer) == plain_numbers(text):
            return good(as_is(text))
        return bad(
            said("container.differs", numbers=text), said("container.aim"), said("container.late")
        )


def advice_on(refused: RefusedPost, config: ContainerCameraConfig) -> Said:
    """What to set where, for a cause that the listener saw."""
    return bring_up_posts.advice_on(refused, TABLE, config, _no_numbers(config))


def _no_numbers(config: ContainerCameraConfig) -> Said:
    example = http_json.encode(("CSQU3054383",))[1].decode()
    return said("container.another_body", driver=config.driver, example=example)


def _numbers(reading: ContainerReading) -> str:
    return ", ".join(reading.numbers)


def plain_numbers(text: str) -> frozenset[str]:
    """The numbers that a person wrote, in any order, with commas of either language."""
    return frozenset(map(plain, _COMMA.split(text)))
