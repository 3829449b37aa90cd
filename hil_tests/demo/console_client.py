"""What a person does at the console, over its own HTTP interface: sign in, look, decide."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

TIMEOUT_S = 10.0


class ConsoleError(Exception):
    """The console answered with an error, or not at all."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"console answered {status}: {text}" if status else f"console: {text}")
        self.status = status


class ConsoleClient:
    """One signed-in session. Used by one thread."""

    def __init__(self, host: str, port: int, token: str = "") -> None:
        self._host, self._port = host, port
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def sign_in(self, name: str, password: str) -> None:
        """Sign in through the login form. Raises `ConsoleError`."""
        form = urllib.parse.urlencode({"name": name, "password": password}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, answered, body = self._request("POST", "/login", form, headers)
        cookie = answered.get("set-cookie", "").split(";", 1)[0]
        if status != http.client.SEE_OTHER or not cookie:
            raise ConsoleError(status, f"sign-in of {name} was refused: {body[:200]!r}")
        self._headers["Cookie"] = cookie

    def for_another_thread(self) -> ConsoleClient:
        """The same person at the same console."""
        twin = ConsoleClient(self._host, self._port)
        twin._headers = dict(self._headers)
        return twin

    def get(self, path: str, **query: object) -> Json:
        """One GET of API v1. Raises `ConsoleError`."""
        suffix = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._json("GET", f"/api/v1{path}{suffix}", None, {})

    def post(self, path: str, body: Mapping[str, object]) -> Json:
        """One POST of JSON to API v1. Raises `ConsoleError`."""
        headers = {"Content-Type": "application/json"}
        return self._json("POST", f"/api/v1{path}", json.dumps(body).encode(), headers)

    def import_csv(
        self, rows: bytes, timeout_s: float = TIMEOUT_S, *, replace: bool = False
    ) -> Json:
        """Bring declarations in, as port IT would; `replace` withdraws what `rows` lacks.

        Raises `ConsoleError`.
        """
        headers = {"Content-Type": "text/csv"}
        path = f"/api/v1/manifest/import?format=csv&replace={int(replace)}"
        return self._json("POST", path, rows, headers, timeout_s)

    def is_up(self) -> bool:
        """Whether the hub answers."""
        try:
            status, _, _ = self._request("GET", "/healthz", None, {})
        except ConsoleError:
            return False
        return status == http.client.OK

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float = TIMEOUT_S,
    ) -> Json:
        status, _, content = self._request(method, path, body, headers, timeout_s)
        if status >= http.client.BAD_REQUEST:
            raise ConsoleError(status, f"{method} {path}: {content[:300].decode(errors='replace')}")
        answer: Json = json.loads(content)
        return answer

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float = TIMEOUT_S,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            connection.request(method, path, body, self._headers | headers)
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return response.status, answered, response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise ConsoleError(0, f"{method} {path}: {exc}") from exc
        finally:
            connection.close()
