"""A sign that is reached over HTTP: one JSON POST a message. See `devices.sign.api`.

    POST url
    {"code": "present_card", "lines": ["请停稳刷卡", "STOP - PRESENT CARD"], "spoken": "请停稳刷卡"}

Any 2xx is "shown". The format is ours, for a sign's own gateway or a small program beside it: no
maker's HTTP interface was found documented. `code` lets a sign show a picture instead of words.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from devices.addresses import without_password
from devices.errors import DeviceTimeout, LinkDown, RemoteProtocolError

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import SignConfig
    from devices.sign.api import SignMessage

TIMEOUT_S = 2.0


class HttpSign:
    """A `TextSign`. Each message is a connection of its own: nothing can be half open.

    `answered` is the status of the last answer, 0 before the first and where there was none.
    """

    def __init__(self, config: SignConfig, clock: Clock) -> None:
        del clock
        self._config = config
        self._url = urlsplit(config.url)
        self._place = without_password(config.url)
        self._is_open = False
        self.answered = 0

    def open(self) -> None:
        """Nothing to take; whether it can be reached shows with the first message."""
        self._is_open = True

    def show(self, message: SignMessage) -> None:
        """Post it; see the contract in `api`."""
        if not self._is_open:
            raise LinkDown(f"sign: not open: {self._place}")
        spoken = message.spoken if self._config.voice else ""
        body = msgspec.json.encode({"code": message.code, "lines": message.lines, "spoken": spoken})
        self.answered = 0
        self.answered = self._post(body)
        if not 200 <= self.answered < 300:  # noqa: PLR2004 - HTTP's own
            raise RemoteProtocolError(f"sign: {self._place} answered {self.answered}")

    def close(self) -> None:
        """Nothing to give back."""
        self._is_open = False

    def _post(self, body: bytes) -> int:
        kind = (
            http.client.HTTPSConnection
            if self._url.scheme == "https"
            else (http.client.HTTPConnection)
        )
        link = kind(self._url.hostname or "", self._url.port, timeout=TIMEOUT_S)
        target = self._url.path or "/"
        if self._url.query:
            target += f"?{self._url.query}"
        try:
            link.request("POST", target, body, {"Content-Type": "application/json"})
            return link.getresponse().status
        except TimeoutError as exc:
            raise DeviceTimeout(f"sign: no answer for {TIMEOUT_S:g} s from {self._place}") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise LinkDown(f"sign: {self._place}: {exc}") from exc
        finally:
            link.close()
