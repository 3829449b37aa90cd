"""Signing in and out, and the language switch."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from central.auth.access import SignedIn, TooManyAttempts
from central.auth.requests import (
    address_of,
    clear_session,
    identify,
    session_secret,
    set_session,
)
from central.console.forms import text_field
from central.console.rendering import LANGUAGE_COOKIE, render, wording_of
from central.services import Services
from gate_agent.texts.catalogue import LANGUAGES

YEAR_S = 365 * 24 * 3600


def own_path(target: str) -> str:
    """A path of this site to go on to; anything else becomes the start page."""
    parts = urlsplit(target)
    own = not parts.scheme and not parts.netloc and target.startswith("/")
    safe = own and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if safe and target.isprintable() else "/"


def see_other(path: str) -> Response:
    """Go on with a GET, so that a reload sends nothing twice."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)


async def login_page(services: Services, request: Request) -> Response:
    """The sign-in form."""
    if session_secret(request) and await identify(request, services.access):
        return see_other("/")
    return await _login(services, request, next_path=request.query_params.get("next", "/"))


async def login(services: Services, request: Request) -> Response:
    """Check name and password; every attempt is recorded."""
    form = await request.form()
    name, next_path = text_field(form, "name"), text_field(form, "next")
    raw_password = form.get("password", "")
    password = raw_password if isinstance(raw_password, str) else ""
    found = await services.access.sign_in(name, password, address_of(request))
    if isinstance(found, SignedIn):
        response = see_other(own_path(next_path))
        set_session(response, request, found.secret)
        return response
    wording = wording_of(request)
    if isinstance(found, TooManyAttempts):
        error, status = wording.label("login.wait", wait_s=found.wait_s), 429
    else:
        error, status = wording.label("login.wrong"), 401
    return await _login(
        services, request, next_path=next_path, name=name, error=error, status=status
    )


async def logout(services: Services, request: Request) -> Response:
    """End the session, here and on the server."""
    secret = session_secret(request)
    identity = await identify(request, services.access)
    if secret and identity and not identity.by_token:
        await services.access.sign_out(secret, identity, address_of(request))
    response = see_other("/login")
    clear_session(response)
    return response


async def set_language(_services: Services, request: Request) -> Response:
    """Remember the language in a cookie of a year."""
    form = await request.form()
    language = text_field(form, "language")
    response = see_other(own_path(text_field(form, "back")))
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax")
    return response


async def _login(
    services: Services,
    request: Request,
    *,
    next_path: str,
    name: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    html = render(
        "login.html",
        wording_of(request),
        site=services.config.site,
        name=name,
        error=error,
        next=own_path(next_path),
        nobody=not await services.access.has_users(),
    )
    return HTMLResponse(html, status_code=status)
