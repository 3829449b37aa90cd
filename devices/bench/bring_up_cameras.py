"""Bringing into service the cameras that are looked through: for plates, and for clips."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    configured,
    good,
    is_no,
    is_yes,
    log_text,
    skipped,
)
from devices.bench.wording import said
from devices.camera.opencv import without_password
from devices.camera.opening import open_camera
from devices.errors import DeviceError

if TYPE_CHECKING:
    import numpy.typing as npt

    from devices.bench.bring_up import Session
    from devices.config import CameraConfig, LaneCameraConfig

FRAMES = 10
DARKER = 12.0  # gray levels: a covered lens changes the mean by more
PACE_S = 2.0  # so long the pictures of a camera for clips are counted
PACE_MIN = 0.9  # of `rate_fps`
AGE_MAX_S = 1.0  # in a clip with longer gaps a vehicle jumps by its own length


def camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the camera of the plates."""
    config = session.config.camera
    return (
        BringUpStep(name=said("camera.picture"), look=partial(_shows, session, config)),
        BringUpStep(name=said("camera.alive"), look=partial(_is_alive, session, config)),
    )


def lane_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the camera of the clips.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.lane_camera, "lane_camera")
    film = _Film(session, config)
    return (
        BringUpStep(name=said("camera.first_picture"), look=partial(_shows, session, config)),
        BringUpStep(name=said("camera.rate"), look=film.keeps_pace),
        BringUpStep(name=said("camera.age"), look=film.is_fresh),
        BringUpStep(name=said("camera.lane"), look=film.looks_right),
        BringUpStep(name=said("camera.alive"), look=partial(_is_alive, session, config)),
    )


def _shows(session: Session, config: CameraConfig) -> Finding:
    camera, clock = open_camera(config, session.clock), session.clock
    opened_s = clock.now().mono_s
    try:
        camera.open()
        frame = newest = camera.latest(0, config.stale_s)
        first_s, shown = clock.now().mono_s, 0
        while frame is not None and shown < FRAMES:
            newest, shown = frame, shown + 1
            frame = camera.latest(newest.number, config.stale_s)
        took_s = clock.now().mono_s - first_s
    except DeviceError as exc:
        return bad(log_text(exc), said("camera.source"))
    finally:
        camera.close()
    if newest is None:
        source = without_password(config.source)
        nothing = said("camera.no_picture_from", for_s=config.stale_s, source=source)
        return bad(nothing, said("camera.stream"))
    size = size_of(newest.image)
    if is_dark(newest.image):
        return bad(said("camera.black", size=size), said("camera.lens_cap"))
    fps = shown / max(took_s, 0.01)
    return good(said("camera.shows", size=size, after_s=first_s - opened_s, fps=fps))


def _is_alive(session: Session, config: CameraConfig) -> Finding:
    if session.ask("cover", said("camera.cover")) == SKIP:
        return skipped(said("camera.nobody_covers"))
    camera = open_camera(config, session.clock)
    try:
        camera.open()
        covered = camera.latest(0, config.stale_s)
        session.ask("uncover", said("camera.uncover"))
        newest = camera.latest(covered.number if covered else 0, config.stale_s)
    finally:
        camera.close()
    if covered is None or newest is None:
        return bad(said("camera.no_picture"), said("camera.stream_stopped"))
    change = abs(_gray(newest.image) - _gray(covered.image))
    if change < DARKER:
        return bad(said("camera.changed", change=change), said("camera.frozen"))
    return good(said("camera.follows"))


class _Film:
    """The pictures of the lane camera for a while, as the lane takes them: as JPEGs."""

    def __init__(self, session: Session, config: LaneCameraConfig) -> None:
        self._session = session
        self._config = config
        self._jpeg = b""
        self._oldest_s = 0.0

    def keeps_pace(self) -> Finding:
        """Whether as many pictures come as a clip is to have."""
        clock, config = self._session.clock, self._config
        camera = open_camera(config, clock)
        camera.open()
        try:
            first = last = camera.latest_jpeg(0, config.stale_s)
            until_s = clock.now().mono_s + PACE_S
            while last is not None and clock.now().mono_s < until_s:
                newest = camera.latest_jpeg(last.number, config.stale_s)
                if newest is not None:
                    self._oldest_s = max(self._oldest_s, newest.received_s - last.received_s)
                last = newest
        finally:
            camera.close()
        if first is None or last is None:
            return bad(said("camera.stops"), said("camera.bandwidth"))
        self._jpeg = last.jpeg
        spent_s = last.received_s - first.received_s
        fps = (last.number - first.number) / spent_s if spent_s > 0 else 0.0
        found = said("camera.fps", fps=fps, rate_fps=config.rate_fps)
        if fps >= PACE_MIN * config.rate_fps:
            return good(found)
        return bad(
            found,
            said("camera.own_rate"),
            said("camera.smaller_picture"),
            said("camera.several_clients"),
        )

    def is_fresh(self) -> Finding:
        """How old the newest picture was at the moment in which a newer one came."""
        if self._oldest_s <= AGE_MAX_S:
            return good(said("camera.fresh", oldest_s=self._oldest_s))
        return bad(said("camera.old", oldest_s=self._oldest_s), said("camera.bursts"))

    def looks_right(self) -> Finding:
        """Whether a person finds the lane in it."""
        return looks_right(self._session, self._jpeg)


def looks_right(session: Session, jpeg: bytes) -> Finding:
    """Whether a picture can be decoded, is not dark, and a person finds the lane in it.

    The person is given the name of a file, which is there until the answer.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        return bad(said("camera.no_jpeg", bytes=len(jpeg)), said("camera.format"))
    pixels = image.astype(np.uint8, copy=False)
    size = size_of(pixels)
    if is_dark(pixels):
        return bad(said("camera.black", size=size), said("camera.lens_cap"))
    with tempfile.NamedTemporaryFile(prefix="kakou-", suffix=".jpg") as file:
        file.write(jpeg)
        file.flush()
        answer = session.ask("picture", said("camera.see", file=file.name))
    if answer in (SKIP, ""):
        return skipped(said("camera.nobody_looks", size=size))
    if is_yes(answer):
        return good(said("camera.as_it_should_be", size=size))
    wrong = said("camera.not_as_it_should_be", size=size)
    if not is_no(answer):
        wrong = said("camera.seen_otherwise", size=size, answer=answer)
    return bad(wrong, said("camera.another_lane"), said("camera.mounting"))


def size_of(image: npt.NDArray[np.uint8]) -> str:
    """Width and height."""
    height_px, width_px = image.shape[:2]
    return f"{width_px}x{height_px}"


def is_dark(image: npt.NDArray[np.uint8]) -> bool:
    """Whether nothing can be seen."""
    return _gray(image) < DARKER


def _gray(image: npt.NDArray[np.uint8]) -> float:
    return float(np.mean(image))
