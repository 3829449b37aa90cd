"""The console's routes: who asks, may they, then the view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from central.auth.requests import bearer_token, identify
from central.auth.roles import Role
from central.console import (
    access_views,
    manifest_views,
    office_views,
    order_views,
    rules_views,
    views,
)
from central.console.access_views import see_other
from central.console.live import stream
from central.console.rendering import Visit, wording_of
from central.services import Services

View = Callable[[Visit], Awaitable[Response]]
OpenView = Callable[[Services, Request], Awaitable[Response]]

_PAGES: tuple[tuple[str, View], ...] = (
    ("/", views.lanes),
    ("/lanes", views.lanes),
    ("/lanes/{lane}", views.lane),
    ("/held", views.held),
    ("/held/{passage_id}", views.held_vehicle),
    ("/passages", views.passages),
    ("/passages/{passage_id}", views.passage),
    ("/passages/{passage_id}/dossier", views.dossier),
    ("/passages/{passage_id}/clip", views.clip),
    ("/manifest", manifest_views.manifest),
    ("/rules", rules_views.rules),
    ("/conflicts", rules_views.conflicts),
    ("/obligations", office_views.obligations),
    ("/accounts", office_views.accounts),
    ("/accounts/ledger", office_views.ledger_page),
    ("/exit-proof", office_views.exit_proof_page),
    ("/inside", office_views.inside_page),
    ("/figures", office_views.figures_page),
    ("/report", office_views.safety_page),
    ("/log", views.log),
    ("/live", stream),
)
_ORDERS: tuple[tuple[str, Role, View], ...] = (
    ("/held/{passage_id}/decide", Role.SUPERVISOR, order_views.decide),
    ("/passages/{passage_id}/clip", Role.SUPERVISOR, order_views.fetch_clip),
    ("/passages/{passage_id}/keep", Role.SUPERVISOR, order_views.keep),
    ("/passages/{passage_id}/end-keep", Role.ADMINISTRATOR, order_views.end_keep),
    ("/lanes/{lane}/mode", Role.SUPERVISOR, order_views.set_mode),
    ("/lanes/{lane}/evacuation", Role.SUPERVISOR, order_views.evacuate),
    ("/lanes/{lane}/lower-barrier", Role.SUPERVISOR, order_views.lower_barrier),
    ("/alarms/{alarm_id:int}/acknowledge", Role.SUPERVISOR, order_views.acknowledge_alarm),
    ("/obligations/close", Role.SUPERVISOR, office_views.close_obligation),
    ("/obligations/reopen", Role.SUPERVISOR, office_views.reopen_obligation),
    ("/accounts/close", Role.SUPERVISOR, office_views.close_account),
    ("/manifest/import", Role.ADMINISTRATOR, manifest_views.import_file),
)
_WITHIN_A_SCOPE = frozenset({views.passages, views.passage, office_views.inside_page})
"""Pages that show an account with a scope what is within it, and nothing else."""
_OPEN: tuple[tuple[str, str, OpenView], ...] = (
    ("GET", "/login", access_views.login_page),
    ("POST", "/login", access_views.login),
    ("POST", "/logout", access_views.logout),
    ("POST", "/language", access_views.set_language),
)


def routes(services: Services) -> list[BaseRoute]:
    """Every route of the console."""
    found: list[BaseRoute] = []
    for method, path, open_view in _OPEN:
        found.append(Route(path, _open(services, open_view), methods=[method]))
    for path, view in _PAGES:
        found.append(Route(path, _guarded(services, Role.VIEWER, view), methods=["GET"]))
    for path, role, view in _ORDERS:
        found.append(Route(path, _guarded(services, role, view), methods=["POST"]))
    static = StaticFiles(directory=Path(__file__).parent / "static")
    found.append(Mount("/static", static, name="static"))
    return found


def _open(services: Services, view: OpenView) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await view(services, request)

    return answer


def _guarded(
    services: Services, role: Role, view: View
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        identity = await identify(request, services.access)
        if identity is None or bearer_token(request) is not None:
            return _sign_in_first(request)
        visit = Visit(
            request=request, services=services, identity=identity, wording=wording_of(request)
        )
        if identity.scope is not None and view not in _WITHIN_A_SCOPE:
            return see_other("/passages") if request.url.path == "/" else await _outside(visit)
        if identity.may(role):
            return await view(visit)
        message = visit.wording.label(
            "role.forbidden",
            role=visit.wording.label(f"role.{identity.role.value}"),
            needed=visit.wording.label(f"role.{role.value}"),
        )
        return await views.trouble(visit, HTTPStatus.FORBIDDEN, message)

    return answer


async def _outside(visit: Visit) -> Response:
    """What an account that is limited to a part of the port does not see."""
    return await views.trouble(visit, HTTPStatus.FORBIDDEN, visit.wording.label("role.outside"))


def _sign_in_first(request: Request) -> Response:
    """A page sends to the sign-in form and back; a stream or a form does not come back."""
    if request.url.path == "/live":
        return Response("event: ended\ndata:\n\n", media_type="text/event-stream")
    if request.method != "GET":
        return see_other("/login")
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return see_other(f"/login?next={quote(target, safe='')}")
