"""Bringing into service a camera that reads plates itself and posts them to the lane."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S
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
from devices.camera.pushed import PushedPlates
from devices.camera.refusals import Refusal
from devices.errors import LinkDown

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.refusals import RefusedPost
    from devices.config import PlateCameraConfig
    from devices.readings import Recognition

_BETWEEN = re.compile(r"[\s·.\-]")
_ADVICE = {
    Refusal.STRANGER: "{peer} may not post: plate_camera.allow, if that is the camera",
    Refusal.BUSY: "too many connections at a time: what else posts here?",
    Refusal.TLS: "it speaks HTTPS: set HTTP in the camera",
    Refusal.NO_POST: "{said} is no POST: the camera's kind of upload, or no camera at all",
    Refusal.PATH: "it posts to {said}: plate_camera.path, or the path in the camera",
    Refusal.NO_LENGTH: "it does not say how long its post is: switch chunked transfer off",
    Refusal.TOO_LARGE: "over plate_camera.body_max_kb = {body_max_kb}: smaller pictures, or fewer",
    Refusal.ANONYMOUS: "it sends no password: user {user} in the camera, by digest",
    Refusal.NOT_LET_IN: "it comes as {said}: the user is {user}, by digest (MD5), or the passwords"
    " differ",
    Refusal.CUT: "it hangs up within its post: the network between (MTU, Wi-Fi), its supply",
    Refusal.NO_READING: 'it posts as another make does: plate_camera.driver = "{said}"',
}


def plate_camera_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a camera that posts.

    Raises:
        DeviceConfigError: the lane has none.
    """
    walk = _Posts(session, configured(session.config.plate_camera, "plate_camera"))
    return (
        BringUpStep(name="listener", look=walk.can_come),
        BringUpStep(name="post", look=walk.come),
        BringUpStep(name="plate", look=walk.have_the_plate),
        BringUpStep(name="picture", look=walk.have_a_picture),
    )


class _Posts:
    """What the camera posts, and what the lane's own listener says of it."""

    def __init__(self, session: Session, config: PlateCameraConfig) -> None:
        self._session = session
        self._config = config
        self._seen: Recognition | None = None

    def can_come(self) -> Finding:
        """Whether the lane can listen where its file says."""
        camera = PushedPlates(self._config, self._session.clock)
        try:
            camera.open()
            place = camera.place
        except LinkDown as exc:
            return bad(
                str(exc),
                "in use: the lane holds it, stop it: systemctl stop gate-agent@LANE",
                "cannot assign: plate_camera.listen is no address of this machine: ip address",
                "denied: a port below 1024",
            )
        finally:
            camera.close()
        user = f", as {self._config.username}" if self._config.username else ", without a password"
        return good(f"{place}{user}, from {', '.join(self._config.allow)}")

    def come(self) -> Finding:
        """Whether a post arrives; where none does, what the listener refused."""
        wait_s = self._session.wait_s
        question = (
            f"let a vehicle come, or trigger the camera; Enter starts {wait_s:g} s, or skip: "
        )
        if self._session.ask("vehicle", question) == SKIP:
            return skipped("nobody triggers the camera")
        refused: dict[Refusal, RefusedPost] = {}
        seen, place = self._listened(wait_s, refused)
        if seen is not None:
            self._seen = seen
            return good(f"{seen.text or 'no plate'}, {seen.confidence_permille // 10} %")
        if Refusal.NOT_LET_IN in refused:
            refused.pop(Refusal.ANONYMOUS, None)  # the first half of the same attempt
        if refused:
            advice = [advice_on(each, self._config) for each in refused.values()]
            peers = ", ".join(dict.fromkeys(each.peer for each in refused.values()))
            return bad(f"no reading in {wait_s:g} s, but {peers} was there", *advice)
        return bad(f"nothing was posted to {place} in {wait_s:g} s", *self._why_nothing())

    def _listened(
        self, for_s: float, refused: dict[Refusal, RefusedPost]
    ) -> tuple[Recognition | None, str]:
        """The first reading, and where it was waited for; the last of each refusal is kept."""
        clock = self._session.clock
        camera = PushedPlates(self._config, clock)
        camera.open()
        try:
            until_s = clock.now().mono_s + for_s
            while clock.now().mono_s < until_s:
                for post in camera.read(READ_S):
                    return post.recognition, camera.place
                refused.update({each.refusal: each for each in camera.refusals()})
            return None, camera.place
        finally:
            camera.close()

    def _why_nothing(self) -> tuple[str, ...]:
        config = self._config
        usual = (
            f"in the camera: this machine's address, port {config.port}, path {config.path}",
            "its network: cable, mask, another subnet or VLAN: ping it from here",
            f"a firewall on this machine: let {config.port}/tcp in",
            "it saw no vehicle: its trigger (loop, line in the picture), its recognition is off",
        )
        with suppress(ValueError):
            if ipaddress.ip_address(config.listen).is_loopback:
                return (f'plate_camera.listen = "{config.listen}" hears this machine only', *usual)
        return usual

    def have_the_plate(self) -> Finding:
        """Whether it is the plate that a person sees."""
        if self._seen is None:
            return skipped("nothing was posted")
        text = self._seen.text
        if not text:
            return bad(
                "it posted that it found no plate",
                "aim, zoom and focus; exposure and infrared at night; its region setting",
            )
        said = self._session.ask("plate", f"it read {text}; y if that is right, or the plate: ")
        if said in (SKIP, ""):
            return skipped(f"it read {text}; nobody compares")
        if is_yes(said) or _plain(said) == _plain(text):
            return good(text)
        seen = f"it read {text}, the plate is {'another' if is_no(said) else said}"
        if _plain(said)[1:] == _plain(text)[1:]:
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
        if self._seen.picture is None:
            return bad(
                "a plate without a picture of the vehicle",
                "in the camera: upload of the whole (scene, detection) picture, not of the plate's"
                " only",
            )
        return looks_right(self._session, self._seen.picture)


def advice_on(refused: RefusedPost, config: PlateCameraConfig) -> str:
    """What to set where, for a cause that the listener saw."""
    if refused.refusal is Refusal.NO_READING and not refused.said:
        return (
            f"what it posts is no plate of {config.driver}: a heartbeat or another event; switch"
            " the plate event on, in that make's own format"
        )
    return _ADVICE[refused.refusal].format(
        peer=refused.peer,
        said=ascii(refused.said) if not refused.said.isprintable() else refused.said,
        user=config.username,
        body_max_kb=config.body_max_kb,
    )


def _plain(plate: str) -> str:
    return _BETWEEN.sub("", plate).upper()
