"""Bringing into service a camera that reads plates itself and posts them to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench import bring_up_posts
from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    configured,
    good,
    is_no,
    is_yes,
    skipped,
)
from devices.bench.bring_up_cameras import looks_right
from devices.bench.bring_up_posts import PostsWalk, plain
from devices.bench.wording import said
from devices.camera.pushed import PushedPlates
from devices.readings import RecognizedPlate
from devices.texts import as_is

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.refusals import RefusedPost
    from devices.config import PlateCameraConfig
    from devices.texts import Said

TABLE = "plate_camera"


def plate_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a camera that posts.

    Raises:
        DeviceConfigError: the lane has none.
    """
    walk = _Plates(session, configured(session.config.plate_camera, TABLE))
    return (
        BringUpStep(name=said("post.listener"), look=walk.can_come),
        BringUpStep(name=said("post.post"), look=walk.come),
        BringUpStep(name=said("plate.plate"), look=walk.have_the_plate),
        BringUpStep(name=said("camera.picture"), look=walk.have_a_picture),
    )


class _Plates(PostsWalk[RecognizedPlate]):
    """Its posts, as plates."""

    def __init__(self, session: Session, config: PlateCameraConfig) -> None:
        super().__init__(session, TABLE, config)
        self._config = config

    def _listener(self) -> PushedPlates:
        return PushedPlates(self._config, self._session.clock)

    def _words(self, reading: RecognizedPlate) -> Said:
        read = reading.recognition
        plate = as_is(read.text) if read.text else said("plate.none")
        return said("plate.read", plate=plate, percent=read.confidence_permille // 10)

    def _no_reading(self) -> Said:
        return _no_plate(self._config)

    def have_the_plate(self) -> Finding:
        """Whether it is the plate that a person sees."""
        if self._seen is None:
            return skipped(said("post.nothing_came"))
        text = self._seen.recognition.text
        if not text:
            return bad(said("plate.none_found"), said("plate.aim_and_light"))
        answer = self._session.ask("plate", said("plate.is_it_right", plate=text))
        if answer in (SKIP, ""):
            return skipped(said("plate.nobody_compares", plate=text))
        if is_yes(answer) or plain(answer) == plain(text):
            return good(as_is(text))
        other = said("plate.another") if is_no(answer) else as_is(answer)
        differs = said("plate.differs", plate=text, other=other)
        if plain(answer)[1:] == plain(text)[1:]:
            return bad(differs, said("plate.region"))
        return bad(differs, said("plate.aim"), said("plate.vehicle_before"))

    def have_a_picture(self) -> Finding:
        """Whether a picture comes with the plate, and shows what it should."""
        if self._seen is None:
            return skipped(said("post.nothing_came"))
        if self._seen.recognition.picture is None:
            return bad(said("plate.no_picture"), said("plate.upload_whole"))
        return looks_right(self._session, self._seen.recognition.picture)


def _no_plate(config: PlateCameraConfig) -> Said:
    return said("plate.no_plate_event", driver=config.driver)


def advice_on(refused: RefusedPost, config: PlateCameraConfig) -> Said:
    """What to set where, for a cause that the listener saw."""
    return bring_up_posts.advice_on(refused, TABLE, config, _no_plate(config))
