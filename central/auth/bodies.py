"""Bounds what a request may send, before anybody has signed in."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 256 * 1024
MAX_IMPORT_BYTES = 65 * 1024 * 1024  # a manifest file and its form around it
_IMPORTS = frozenset({"/manifest/import", "/api/v1/manifest/import"})


class BoundedBodies:
    """Answers 413 to a body beyond the limit; it is never collected in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what it sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = MAX_IMPORT_BYTES if scope["path"] in _IMPORTS else MAX_BYTES
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
