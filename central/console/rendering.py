"""Templates to HTML. A page is made of the same fragments that the live stream sends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from central.auth.roles import Identity, Role
from central.console.wording import Wording, choose_language
from central.services import Services

LANGUAGE_COOKIE = "kakou_lang"
Fragments = dict[str, str]  # HTML by name; the element's id is `live-<name>`

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_macros: dict[str, TemplateModule] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of a signed-in person."""

    request: Request
    services: Services
    identity: Identity
    wording: Wording

    @property
    def may_decide(self) -> bool:
        """Whether this person may order anything."""
        return self.identity.may(Role.SUPERVISOR)


def wording_of(request: Request) -> Wording:
    """The language of a request: the cookie, else what the browser asks for."""
    return Wording(
        choose_language(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
        )
    )


def render(template: str, wording: Wording, **values: object) -> str:
    """One template in one language."""
    if wording.language not in _macros:
        _macros[wording.language] = _environment.get_template("_macros.html").make_module(
            {"w": wording}
        )
    macros = _macros[wording.language]
    return _environment.get_template(template).render(w=wording, m=macros, **values).strip()


def wrap(name: str, html: str) -> str:
    """A fragment as the element that the live stream replaces; equal hashes mean equal HTML."""
    digest = hashlib.blake2b(html.encode(), digest_size=8).hexdigest()
    tag = "span" if html.startswith("<span") or not html else "div"
    return f'<{tag} id="live-{escape(name)}" data-hash="{digest}">{html}</{tag}>'


def page(
    visit: Visit,
    template: str,
    *,
    section: str,
    title: str,
    fragments: Fragments,
    live: str | None = None,
    subject: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    values: Mapping[str, object] | None = None,
    **more: object,
) -> Response:
    """A whole page. `live` names the view whose fragments the stream keeps sending."""
    live_url = None
    if live is not None:
        live_url = f"/live?view={live}&subject={quote(subject, safe='')}"
    html = render(
        template,
        visit.wording,
        section=section,
        title=title,
        site=visit.services.config.site,
        identity=visit.identity,
        may_decide=visit.may_decide,
        here=visit.request.url.path,
        live={name: Markup(wrap(name, text)) for name, text in fragments.items()},  # noqa: S704 - rendered by templates that escape
        live_url=live_url,
        **(values or {}),
        **more,
    )
    return HTMLResponse(html, status_code=status)
