"""The live stream: server-sent events that carry the fragments which changed.

A tick goes out at least once a second, so that a page that hears nothing for a few seconds can
call itself out of date. A stream ends after ten minutes and the browser comes back by itself;
it ends with `ended` as soon as the session does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from central.auth.requests import session_secret
from central.console.fragments import VIEWS, NotShown, navigation
from central.console.rendering import Fragments, Visit, wrap
from central.errors import StoreError

TICK_S = 1.0
CALM_S = 0.2  # at most so often, however much changes
LIFE_TICKS = 600
RETRY_MS = 1000  # how soon a browser asks again after a broken stream
SESSION_CHECK_TICKS = 2


async def stream(visit: Visit) -> Response:
    """Answer `/live?view=…&subject=…`."""
    view = visit.request.query_params.get("view", "none")
    subject = visit.request.query_params.get("subject", "")
    if view not in VIEWS:
        return Response("no such view", status_code=404, media_type="text/plain")
    return StreamingResponse(
        _events(visit, view, subject),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(visit: Visit, view: str, subject: str) -> AsyncIterator[str]:
    sent: Fragments = {}
    yield f"retry: {RETRY_MS}\n\n"
    changes = visit.services.changes
    count = changes.count
    for tick in range(LIFE_TICKS):
        if tick % SESSION_CHECK_TICKS == 0 and not await _is_signed_in(visit):
            yield _event("ended", "")
            return
        try:
            fresh = await VIEWS[view](visit, subject) | await navigation(visit)
        except (NotShown, StoreError):
            return  # the page then says that it is out of date, and asks again
        for name, html in fresh.items():
            if sent.get(name) != html:
                yield _event("fragment", wrap(name, html))
        sent = fresh
        yield _event("tick", str(tick))
        await asyncio.sleep(CALM_S)
        count = await changes.after(count, TICK_S - CALM_S)
        if changes.closed:
            return


async def _is_signed_in(visit: Visit) -> bool:
    secret = session_secret(visit.request)
    return secret is not None and await visit.services.access.is_current(secret)


def _event(kind: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {kind}\n{lines}\n"
