"""A simulated camera that recognizes plates: it posts what it is told, with the codec of its make.

It answers a digest challenge as such cameras do. `unplug` makes it fail to reach anybody.
"""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.camera.pushed import PLATE_POSTS
from devices.errors import LinkDown

if TYPE_CHECKING:
    from devices.config import PlateCameraConfig
    from devices.readings import Recognition

POST_S = 5.0


class SimPlateCamera:
    """Posts to `url`, the place where a lane listens."""

    def __init__(self, config: PlateCameraConfig, url: str, *, password: str = "") -> None:
        self._post = PLATE_POSTS[config.driver]
        self._url = url
        self._is_plugged = True
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
        if not self._is_plugged:
            raise LinkDown(f"simulated plate camera: unplugged from {self._url}")
        percent = recognition.confidence_permille // 10
        kind, body = self._post.encode(replace(recognition, confidence_permille=percent * 10))
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
        self._is_plugged = False

    def plug(self) -> None:
        """Put it back."""
        self._is_plugged = True
