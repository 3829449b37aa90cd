"""A simulated camera that recognizes plates: it posts what it sees, with the codec of its make.

It answers a digest challenge as such cameras do. As an onlooker of the simulated lane it posts the
plate of each truck that comes, a moment after the entry loop has triggered it.
"""

from __future__ import annotations

import http.client
import queue
import random
import threading
import urllib.request
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devices.camera.pushed import PLATE_POSTS, password_of
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import Recognition

if TYPE_CHECKING:
    from devices.config import PlateCameraConfig
    from devices.sim.lane_world import TruckVisit

POST_S = 5.0
RECOGNIZES_S = 0.5  # from the loop's trigger to the post
WAIT_S = 0.02
SURE_PERMILLE = 970
ANOTHER_PLATE = "粤Z00007"


class PlateCameraFault(StrEnum):
    """What can be wrong with what it posts. One at a time, settable while it runs."""

    NONE = "none"
    LATE = "late"  # the post comes when the vehicle has left
    TWICE = "twice"  # every post is repeated at once
    ANOTHER = "another"  # it reads another plate than the vehicle's
    GARBAGE = "garbage"  # random bytes in place of the body
    HALF = "half"  # the connection breaks in the middle of the body


class SimPlateCamera:
    """Posts to `url`, the place where a lane listens. `posted` counts what was taken there."""

    def __init__(
        self, config: PlateCameraConfig, url: str, *, password: str = "", seed: int = 0
    ) -> None:
        self._post = PLATE_POSTS[config.driver]
        self._url = url
        self._random = random.Random(seed)
        self._seen: queue.SimpleQueue[TruckVisit | None] = queue.SimpleQueue()
        self._is_gone = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_plugged = True
        self.fault = PlateCameraFault.NONE
        self.posted = 0
        self.said = ""  # what became of the last post
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if config.username:
            passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, url, config.username, password)
            handlers.append(urllib.request.HTTPDigestAuthHandler(passwords))
        self._opener = urllib.request.build_opener(*handlers)

    def recognize(self, recognition: Recognition) -> bytes:
        """Post one reading and return the lane's answer; whole percents travel.

        Raises:
            LinkDown: nobody takes it; the message says what was answered.
        """
        if not self.is_plugged:
            raise LinkDown(f"simulated plate camera: unplugged from {self._url}")
        percent = recognition.confidence_permille // 10
        kind, body = self._post.encode(replace(recognition, confidence_permille=percent * 10))
        if self.fault is PlateCameraFault.HALF:
            return self._break_off(kind, body)
        if self.fault is PlateCameraFault.GARBAGE:
            body = self._random.randbytes(len(body))
        request = urllib.request.Request(  # noqa: S310 - the lane's own address
            self._url, data=body, headers={"Content-Type": kind}, method="POST"
        )
        try:
            with self._opener.open(request, timeout=POST_S) as answer:
                content: bytes = answer.read()
        except (OSError, ValueError) as exc:  # HTTPError is an OSError; ValueError: a challenge
            raise LinkDown(f"simulated plate camera: {self._url}: {exc}") from exc
        return content

    def unplug(self) -> None:
        """Pull the network cable."""
        self.is_plugged = False

    def plug(self) -> None:
        """Put it back."""
        self.is_plugged = True

    # --- as an onlooker of the lane ---------------------------------------------------------------

    def start(self) -> None:
        """Post what comes. No effect when it runs."""
        if self._thread is None:
            self._stopping.clear()
            self._seen = queue.SimpleQueue()
            self._thread = threading.Thread(target=self._run, name="sim-plate-camera", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Leave no thread. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._seen.put(None)
            thread.join()

    def look(self, visit: TruckVisit | None) -> None:
        """A truck is over the entry loop: its plate is to be posted. None: it has left."""
        if visit is None:
            self._is_gone.set()
            return
        self._is_gone.clear()
        if visit.plate and self._thread is not None:
            self._seen.put(visit)

    def _run(self) -> None:
        seen = self._seen
        while (visit := seen.get()) is not None:
            self._stopping.wait(RECOGNIZES_S)
            while self.fault is PlateCameraFault.LATE and not self._is_gone.is_set():
                if self._stopping.wait(WAIT_S):
                    return
            is_another = self.fault is PlateCameraFault.ANOTHER
            recognition = Recognition(
                text=ANOTHER_PLATE if is_another else visit.plate,
                confidence_permille=SURE_PERMILLE,
                picture=visit.picture,
            )
            for _ in range(2 if self.fault is PlateCameraFault.TWICE else 1):
                self._try(recognition)

    def _try(self, recognition: Recognition) -> None:
        """Such cameras go on, whatever becomes of a post."""
        try:
            self.recognize(recognition)
        except LinkDown as exc:
            self.said = str(exc)
        else:
            self.posted += 1
            self.said = f"{recognition.text} was taken"

    def _break_off(self, kind: str, body: bytes) -> bytes:
        """Send the head and half of the body, and hang up."""
        place = urlsplit(self._url)
        link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=POST_S)
        with suppress(OSError):
            link.putrequest("POST", place.path)
            link.putheader("Content-Type", kind)
            link.putheader("Content-Length", str(len(body)))
            link.endheaders(body[: len(body) // 2])
        link.close()
        raise LinkDown(f"simulated plate camera: {self._url}: broke off in the middle")


def sim_plate_camera(config: PlateCameraConfig) -> SimPlateCamera:
    """The camera that posts where a lane file says that the lane listens.

    Raises:
        DeviceConfigError: the file does not say where, or its password cannot be read.
    """
    if not config.port:
        raise DeviceConfigError("plate_camera.port: 0 is any port: the bench cannot know which")
    host = "127.0.0.1" if config.listen in ("0.0.0.0", "::") else config.listen  # noqa: S104
    url = f"http://{host}:{config.port}{config.path}"
    return SimPlateCamera(config, url, password=password_of(config))
