"""Pages of the office behind the lanes: what released vehicles owe, and the lists they draw on."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, Response

from central.console import forms
from central.console import fragments as live
from central.console.access_views import see_other
from central.console.rendering import Visit, page, render
from central.console.safety_page import safety_html
from central.console.views import trouble
from central.proof import exit_proof
from central.proof.exit_proof import ExitProofError
from central.store import (
    crossings,
    figures,
    hub_store,
    ledger,
    obligation_store,
    policy_store,
    safety,
)
from central.store.account_store import AccountError
from central.store.obligation_store import Deed, ObligationError, Standing, Word
from gate_agent.domain.policy_pack import Targets

SHOWN: Final = 200
PERIODS: Final = (1, 7, 30)
DAY_MS: Final = 86_400_000
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


async def accounts(visit: Visit) -> Response:
    """Lists, permits and books, with their periods."""
    now_ms = visit.services.clock.wall_ms()
    return page(
        visit,
        "accounts.html",
        section="accounts",
        title=visit.wording.label("title.accounts"),
        fragments=await live.navigation(visit),
        accounts=await visit.services.store.read(ledger.accounts, now_ms=now_ms),
    )


async def ledger_page(visit: Visit) -> Response:
    """One of them with every draw on it."""
    return await _ledger_page(visit, visit.request.query_params.get("account", ""))


async def close_account(visit: Visit) -> Response:
    """End the period of a list, under the number of its collective declaration."""
    form = await visit.request.form()
    account_id = forms.text_field(form, "account")
    try:
        number = forms.required(form, "number", forms.MAX_SLIP)
        await visit.services.manifest.close_account(
            account_id, by=visit.identity.name, number=number, reason=""
        )
    except forms.FormError as exc:
        return await _ledger_page(visit, account_id, error=visit.wording.label(exc.label))
    except AccountError:
        error = visit.wording.label("accounts.not_closed")
        return await _ledger_page(visit, account_id, error=error)
    return see_other(f"/accounts/ledger?{urlencode({'account': account_id})}")


async def _ledger_page(visit: Visit, account_id: str, *, error: str = "") -> Response:
    now_ms = visit.services.clock.wall_ms()
    found = await visit.services.store.read(ledger.ledger, account_id, now_ms=now_ms)
    if found is None:
        message = visit.wording.label("accounts.unknown")
        return await trouble(visit, HTTPStatus.NOT_FOUND, message)
    return page(
        visit,
        "ledger.html",
        section="accounts",
        title=account_id,
        fragments=await live.navigation(visit),
        status=HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        ledger=found,
        error=error,
    )


async def exit_proof_page(visit: Visit) -> Response:
    """The proof of exit as a page that is printed."""
    declaration_id = visit.request.query_params.get("declaration", "")
    try:
        proof = await visit.services.store.read(
            exit_proof.prove, declaration_id, site=visit.services.config.site
        )
    except ExitProofError as exc:
        return await trouble(visit, HTTPStatus.CONFLICT, str(exc))
    detail = await visit.services.store.read(hub_store.passage, proof.facts.passage_id)
    pictures = detail.pictures if detail else ()
    deleted = {each.picture_id: each.deleted for each in pictures if each.deleted}
    return HTMLResponse(render("exit_proof.html", visit.wording, proof=proof, deleted=deleted))


async def figures_page(visit: Visit) -> Response:
    """What the lanes did in the last days, beside what is promised."""
    asked = visit.request.query_params.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else PERIODS[0]
    store, now_ms = visit.services.store, visit.services.clock.wall_ms()
    pack = await store.read(policy_store.current, now_ms)
    return page(
        visit,
        "figures.html",
        section="figures",
        title=visit.wording.label("title.figures"),
        fragments=await live.navigation(visit),
        figures=await store.read(figures.figures, from_ms=now_ms - days * DAY_MS, to_ms=now_ms),
        targets=pack.targets if pack else Targets(),
        version=pack.version if pack else "",
        periods=PERIODS,
        chosen=days,
    )


async def safety_page(visit: Visit) -> Response:
    """The safety report of the last days, as a page that is printed."""
    asked = visit.request.query_params.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else PERIODS[0]
    now_ms = visit.services.clock.wall_ms()
    found = await visit.services.store.read(
        safety.report, from_ms=now_ms - days * DAY_MS, to_ms=now_ms, now_ms=now_ms
    )
    site = visit.services.config.site
    return HTMLResponse(safety_html(found, visit.wording, site=site, now_ms=now_ms))


async def inside_page(visit: Visit) -> Response:
    """Who is inside, and which ways have no counterpart."""
    now_ms = visit.services.clock.wall_ms()
    plate = visit.request.query_params.get("plate", "").strip()
    found = await visit.services.store.read(
        crossings.inside,
        now_ms=now_ms,
        limit=SHOWN,
        plate=plate or None,
        scope=visit.identity.scope,
    )
    return page(
        visit,
        "inside.html",
        section="inside",
        title=visit.wording.label("title.inside"),
        fragments=await live.navigation(visit),
        found=found,
        plate=plate,
        now_ms=now_ms,
    )


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
