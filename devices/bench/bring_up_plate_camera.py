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
from devices.camera.pushed import PushedPlates
from devices.readings import RecognizedPlate

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.refusals import RefusedPost
    from devices.config import PlateCameraConfig

TABLE = "plate_camera"


def plate_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a camera that posts.

    Raises:
        DeviceConfigError: the lane has none.
    """
    walk = _Plates(session, configured(session.config.plate_camera, TABLE))
    return (
        BringUpStep(name="listener", look=walk.can_come),
        BringUpStep(name="post", look=walk.come),
        BringUpStep(name="plate", look=walk.have_the_plate),
        BringUpStep(name="picture", look=walk.have_a_picture),
    )


class _Plates(PostsWalk[RecognizedPlate]):
    """Its posts, as plates."""

    def __init__(self, session: Session, config: PlateCameraConfig) -> None:
        super().__init__(session, TABLE, config)
        self._config = config

    def _listener(self) -> PushedPlates:
        return PushedPlates(self._config, self._session.clock)

    def _said(self, reading: RecognizedPlate) -> str:
        said = reading.recognition
        return f"{said.text or 'no plate'}, {said.confidence_permille // 10} %"

    def _no_reading(self) -> str:
        return _no_plate(self._config)

    def have_the_plate(self) -> Finding:
        """Whether it is the plate that a person sees."""
        if self._seen is None:
            return skipped("nothing was posted")
        text = self._seen.recognition.text
        if not text:
            return bad(
                "it posted that it found no plate",
                "aim, zoom and focus; exposure and infrared at night; its region setting",
            )
        said = self._session.ask("plate", f"it read {text}; y if that is right, or the plate: ")
        if said in (SKIP, ""):
            return skipped(f"it read {text}; nobody compares")
        if is_yes(said) or plain(said) == plain(text):
            return good(text)
        seen = f"it read {text}, the plate is {'another' if is_no(said) else said}"
        if plain(said)[1:] == plain(text)[1:]:
            return bad(
                seen,
                "only the first character: the province or region that the camera is set to",
            )
        return bad(
            seen,
            "aim, zoom and focus: how wide its manual wants a plate to be, in pixels",
            "the vehicle before: it is triggered late",
        )

    def have_a_picture(self) -> Finding:
        """Whether a picture comes with the plate, and shows what it should."""
        if self._seen is None:
            return skipped("nothing was posted")
        if self._seen.recognition.picture is None:
            return bad(
                "a plate without a picture of the vehicle",
                "in the camera: upload of the whole (scene, detection) picture, not of the plate's"
                " only",
            )
        return looks_right(self._session, self._seen.recognition.picture)


def _no_plate(config: PlateCameraConfig) -> str:
    return (
        f"what it posts is no plate of {config.driver}: a heartbeat or another event; switch"
        " the plate event on, in that make's own format"
    )


def advice_on(refused: RefusedPost, config: PlateCameraConfig) -> str:
    """What to set where, for a cause that the listener saw."""
    return bring_up_posts.advice_on(refused, TABLE, config, _no_plate(config))
