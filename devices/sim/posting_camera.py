"""What every simulated camera that posts has: the wire to the lane, and an eye on the trucks.

It answers a digest challenge as such cameras do. As an onlooker of the simulated lane it posts
what it knows of each truck that comes, a moment after the entry loop has triggered it.
"""

from __future__ import annotations

import http.client
import queue
import random
import threading
import urllib.request
from abc import ABC, abstractmethod
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from devices.camera.listener import password_of
from devices.errors import DeviceConfigError, LinkDown

if TYPE_CHECKING:
    from devices.camera.listener import Posting
    from devices.sim.lane_world import TruckVisit

POST_S = 5.0
RECOGNIZES_S = 0.5  # from the loop's trigger to the post
WAIT_S = 0.02


class PostingFault(StrEnum):
    """What can be wrong with what it posts. One at a time, settable while it runs."""

    NONE = "none"
    LATE = "late"  # the post comes when the vehicle has left
    TWICE = "twice"  # every post is repeated at once
    ANOTHER = "another"  # it reads something else than what is there
    MISREAD = "misread"  # one character wrong: a container number has then no fitting check digit
    GARBAGE = "garbage"  # random bytes in place of the body
    HALF = "half"  # the connection breaks in the middle of the body


class PostingCamera(ABC):
    """Posts to `url`, the place where a lane listens. `posted` counts what was taken there."""

    name: ClassVar[str] = "posting camera"

    def __init__(self, url: str, *, username: str = "", password: str = "", seed: int = 0) -> None:
        self._url = url
        self._random = random.Random(seed)
        self._seen: queue.SimpleQueue[TruckVisit | None] = queue.SimpleQueue()
        self._is_gone = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_plugged = True
        self.fault = PostingFault.NONE
        self.posted = 0
        self.last_post: tuple[bool, str] | None = None  # whether it was taken; what, or why not
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if username:
            passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, url, username, password)
            handlers.append(urllib.request.HTTPDigestAuthHandler(passwords))
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, kind: str, body: bytes) -> bytes:
        """Post a body of this content type and return the lane's answer.

        Raises:
            LinkDown: nobody takes it; the message says what was answered.
        """
        if not self.is_plugged:
            raise LinkDown(f"simulated {self.name}: unplugged from {self._url}")
        if self.fault is PostingFault.HALF:
            return self._break_off(kind, body)
        if self.fault is PostingFault.GARBAGE:
            body = self._random.randbytes(len(body))
        request = urllib.request.Request(  # noqa: S310 - the lane's own address
            self._url, data=body, headers={"Content-Type": kind}, method="POST"
        )
        try:
            with self._opener.open(request, timeout=POST_S) as answer:
                content: bytes = answer.read()
        # HTTPError is an OSError; ValueError: a challenge; an answer may break off in the middle
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise LinkDown(f"simulated {self.name}: {self._url}: {exc}") from exc
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
            self._thread = threading.Thread(
                target=self._run, name=f"sim-{self.name.replace(' ', '-')}", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Leave no thread. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._seen.put(None)
            thread.join()

    def look(self, visit: TruckVisit | None) -> None:
        """A truck is over the entry loop: what it shows is to be posted. None: it has left."""
        if visit is None:
            self._is_gone.set()
            return
        self._is_gone.clear()
        if self.reads(visit) and self._thread is not None:
            self._seen.put(visit)

    @abstractmethod
    def reads(self, visit: TruckVisit) -> bool:
        """Whether there is something on this truck that it would post."""

    @abstractmethod
    def tell(self, visit: TruckVisit, fault: PostingFault) -> str:
        """Post what it reads on this truck with this fault; what it was. Raises `LinkDown`."""

    def _run(self) -> None:
        seen = self._seen
        while (visit := seen.get()) is not None:
            self._stopping.wait(RECOGNIZES_S)
            while self.fault is PostingFault.LATE and not self._is_gone.is_set():
                if self._stopping.wait(WAIT_S):
                    return
            fault = self.fault
            for _ in range(2 if fault is PostingFault.TWICE else 1):
                self._try(visit, fault)

    def _try(self, visit: TruckVisit, fault: PostingFault) -> None:
        """Such cameras go on, whatever becomes of a post."""
        try:
            told = self.tell(visit, fault)
        except LinkDown as exc:
            self.last_post = (False, str(exc))
        else:
            self.posted += 1
            self.last_post = (True, told)

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
        raise LinkDown(f"simulated {self.name}: {self._url}: broke off in the middle")


def where_posts_go(table: str, config: Posting) -> tuple[str, str]:
    """URL and password of the listener that a lane file describes.

    Raises:
        DeviceConfigError: the file does not say where, or its password cannot be read.
    """
    if not config.port:
        raise DeviceConfigError(f"{table}.port: 0 is any port: the bench cannot know which")
    host = "127.0.0.1" if config.listen in ("0.0.0.0", "::") else config.listen  # noqa: S104
    return f"http://{host}:{config.port}{config.path}", password_of(table, config)
