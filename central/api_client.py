"""One question to the API of a running hub, for the commands that need one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from central.errors import CentralError

if TYPE_CHECKING:
    import argparse

TIMEOUT_S = 120.0


def ask_hub(
    args: argparse.Namespace, path: str, content: bytes | None = None, *, about: str = ""
) -> Any:  # noqa: ANN401 - JSON
    """The answer of the hub that the options of `add_hub` name; `path` is below API v1.

    Raises `CentralError` where there is none, or a refusal; `about` is the file it concerns.
    """
    try:
        token = args.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise CentralError(f"{args.token_file}: cannot be read as a token") from None
    status, answer = ask(args.url, f"/api/v1{path}", content, token)
    if status == HTTPStatus.UNAUTHORIZED:
        answer = {"error": f"{args.url} does not know the token in {args.token_file}"}
    if status != HTTPStatus.OK:
        where = f"{about}: " if about else ""
        raise CentralError(f"{where}{answer.get('error', answer)}")
    return answer


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
