"""Pages of the office behind the lanes: what released vehicles owe."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from central.console import forms
from central.console import fragments as live
from central.console.access_views import see_other
from central.console.rendering import Visit, page
from central.store import obligation_store
from central.store.obligation_store import Deed, ObligationError, Standing, Word

SHOWN: Final = 200
_STANDINGS: Final = ("open", "overdue", "closed", "all")


async def obligations(visit: Visit) -> Response:
    """What released vehicles owe, with what was done about it."""
    return await _obligations_page(visit)


async def close_obligation(visit: Visit) -> Response:
    """Note that it was done: under which number, and when."""
    form = await visit.request.form()
    try:
        number = forms.required(form, "number", forms.MAX_SLIP)
        done_at_ms = _moment_ms(forms.text_field(form, "done"))
        await _say(visit, form, Deed.CLOSED, number=number, done_at_ms=done_at_ms)
    except forms.FormError as exc:
        return await _obligations_page(visit, error=visit.wording.label(exc.label))
    return see_other("/obligations")


async def reopen_obligation(visit: Visit) -> Response:
    """Note that it was closed in error, and why."""
    form = await visit.request.form()
    try:
        reason = forms.reason(form, visit.wording)
        await _say(visit, form, Deed.REOPENED, reason=reason)
    except forms.FormError as exc:
        return await _obligations_page(visit, error=visit.wording.label(exc.label))
    return see_other(f"/obligations?{urlencode({'standing': 'open'})}")


async def _say(
    visit: Visit,
    form: FormData,
    deed: Deed,
    *,
    number: str = "",
    done_at_ms: int | None = None,
    reason: str = "",
) -> None:
    word = Word(
        passage_id=forms.text_field(form, "passage_id"),
        code=forms.text_field(form, "code"),
        to=forms.text_field(form, "to"),
        deed=deed,
        by=visit.identity.name,
        at_ms=visit.services.clock.wall_ms(),
        number=number,
        done_at_ms=done_at_ms,
        reason=reason,
    )
    try:
        await visit.services.store.write(obligation_store.say, word)
    except ObligationError as exc:
        raise forms.FormError("obligations.bad_word") from exc


def _moment_ms(text: str) -> int | None:
    """A moment of a form in the hub's time zone; None where it was left empty."""
    if not text:
        return None
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise forms.FormError("obligations.bad_time") from None


async def _obligations_page(visit: Visit, *, error: str = "") -> Response:
    asked = visit.request.query_params.get("standing", "")
    standing = asked if asked in _STANDINGS else "open"
    return page(
        visit,
        "obligations.html",
        section="obligations",
        title=visit.wording.label("title.obligations"),
        fragments=await live.navigation(visit),
        status=HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        owed=await visit.services.store.read(
            obligation_store.owed,
            now_ms=visit.services.clock.wall_ms(),
            standing=None if standing == "all" else Standing(standing),
            limit=SHOWN,
        ),
        standing=standing,
        standings=_STANDINGS,
        error=error,
    )
