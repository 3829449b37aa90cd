"""One question to the API of a running hub, for the commands that need one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 120.0


def ask(hub: str, path: str, content: bytes | None, token: str) -> tuple[int, Any]:
    """GET, or POST where there is content: the status and the JSON answer.

    Status 0 with an `error`: the hub was not reached.
    """
    if not hub.startswith(("http://", "https://")):
        return 0, {"error": f"--url {hub} does not begin with http:// or https://"}
    hub = hub.rstrip("/")
    request = urllib.request.Request(  # noqa: S310 - checked above
        hub + path,
        content,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as exc:
        with exc:
            body = exc.read()
        try:
            return exc.code, json.loads(body)
        except ValueError:
            return exc.code, {"error": f"{hub} answered {exc.code}"}
    except OSError as exc:
        return 0, {"error": f"{hub} cannot be reached: {getattr(exc, 'reason', exc)}"}
