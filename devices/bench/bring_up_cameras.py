"""Bringing into service the cameras that are looked through: for plates, and for clips."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.addresses import without_password
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
        BringUpStep(name="picture", look=partial(_shows, session, config)),
        BringUpStep(name="alive", look=partial(_is_alive, session, config)),
    )


def lane_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the camera of the clips.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.lane_camera, "lane_camera")
    film = _Film(session, config)
    return (
        BringUpStep(name="first picture", look=partial(_shows, session, config)),
        BringUpStep(name="rate", look=film.keeps_pace),
        BringUpStep(name="age", look=film.is_fresh),
        BringUpStep(name="lane", look=film.looks_right),
        BringUpStep(name="alive", look=partial(_is_alive, session, config)),
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
        return bad(str(exc), "address, user and password in the source; try it in a player")
    finally:
        camera.close()
    if newest is None:
        return bad(
            f"no picture in {config.stale_s:g} s from {without_password(config.source)}",
            "the stream's name (main or sub stream), H.265 instead of H.264",
        )
    size = size_of(newest.image)
    if is_dark(newest.image):
        return bad(f"{size}, black", "lens cap, iris, no light, IR filter")
    fps = shown / max(took_s, 0.01)
    return good(f"{size}, the first after {first_s - opened_s:.1f} s, {fps:.0f} a second")


def _is_alive(session: Session, config: CameraConfig) -> Finding:
    if session.ask("cover", "hold a hand before the lens, then Enter, or skip: ") == SKIP:
        return skipped("nobody covers the lens")
    camera = open_camera(config, session.clock)
    try:
        camera.open()
        covered = camera.latest(0, config.stale_s)
        session.ask("uncover", "take it away, then Enter: ")
        newest = camera.latest(covered.number if covered else 0, config.stale_s)
    finally:
        camera.close()
    if covered is None or newest is None:
        return bad("no picture", "the stream stopped: bandwidth, a second client")
    change = abs(_gray(newest.image) - _gray(covered.image))
    if change < DARKER:
        return bad(
            f"the picture changed by {change:.0f} gray levels",
            "frozen or late pictures, or another camera's stream",
        )
    return good("the picture follows")


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
            return bad("the pictures stop", "bandwidth, Wi-Fi, a second client on the stream")
        self._jpeg = last.jpeg
        spent_s = last.received_s - first.received_s
        fps = (last.number - first.number) / spent_s if spent_s > 0 else 0.0
        said = f"{fps:.1f} pictures a second, lane_camera.rate_fps is {config.rate_fps}"
        if fps >= PACE_MIN * config.rate_fps:
            return good(said)
        return bad(
            said,
            "the camera's own frame rate is lower: raise it, or lower rate_fps",
            "bandwidth: the sub stream, a smaller picture, Motion JPEG at a lower quality",
            "several clients share the stream: some cameras divide their rate among them",
        )

    def is_fresh(self) -> Finding:
        """How old the newest picture was at the moment in which a newer one came."""
        said = f"the newest picture was never older than {self._oldest_s:.2f} s"
        if self._oldest_s <= AGE_MAX_S:
            return good(said)
        return bad(
            f"the newest picture was up to {self._oldest_s:.1f} s old",
            "they come in bursts: Wi-Fi, an overloaded switch or recorder between",
        )

    def looks_right(self) -> Finding:
        """Whether a person finds the lane in it."""
        return looks_right(self._session, self._jpeg)


def looks_right(session: Session, jpeg: bytes) -> Finding:
    """Whether a picture can be decoded, is not dark, and a person finds the lane in it.

    The person is given the name of a file, which is there until the answer.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        return bad(f"{len(jpeg)} bytes that are no picture", "its picture format: JPEG")
    pixels = image.astype(np.uint8, copy=False)
    size = size_of(pixels)
    if is_dark(pixels):
        return bad(f"{size}, black", "lens cap, iris, no light, IR filter")
    with tempfile.NamedTemporaryFile(prefix="kakou-", suffix=".jpg") as file:
        file.write(jpeg)
        file.flush()
        said = session.ask(
            "picture",
            f"see {file.name}: this lane, upright, sharp, the whole vehicle? y, n or what is not: ",
        )
    if said in (SKIP, ""):
        return skipped(f"{size}; nobody looks at it")
    if is_yes(said):
        return good(f"{size}, as it should be")
    return bad(
        f"{size}, not as it should be" if is_no(said) else f"{size}: {said}",
        "another lane's camera: its address",
        "mounting, mirror and rotation, focus, a dirty or wet window, light into the lens",
    )


def size_of(image: npt.NDArray[np.uint8]) -> str:
    """Width and height."""
    height_px, width_px = image.shape[:2]
    return f"{width_px}x{height_px}"


def is_dark(image: npt.NDArray[np.uint8]) -> bool:
    """Whether nothing can be seen."""
    return _gray(image) < DARKER


def _gray(image: npt.NDArray[np.uint8]) -> float:
    return float(np.mean(image))
