"""API v1 as Starlette routes: who asks, may they, do it, encode the answer."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from central.api.answers import ErrorAnswer, HealthAnswer
from central.api.endpoints import ApiError, Call, Endpoint, json_response
from central.api.openapi import document
from central.api.table import ENDPOINTS, PREFIX
from central.auth.requests import identify
from central.errors import CentralError, StoreError
from central.services import Services
from central.store import hub_store


def routes(services: Services) -> list[BaseRoute]:
    """The routes of API v1, its document and the health check."""
    found: list[BaseRoute] = [_route(services, endpoint) for endpoint in ENDPOINTS]
    description = document(ENDPOINTS, PREFIX)

    async def openapi(_request: Request) -> Response:
        return json_response(description)

    async def health(_request: Request) -> Response:
        try:
            await services.store.read(hub_store.lane, "")
        except StoreError:
            return json_response(HealthAnswer(status="store"), HTTPStatus.SERVICE_UNAVAILABLE)
        return json_response(HealthAnswer(status="ok"))

    found.append(Route(f"{PREFIX}/openapi.json", openapi))
    found.append(Route("/healthz", health))
    return found


def _route(services: Services, endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        try:
            return await _answer(services, endpoint, request)
        except ApiError as exc:
            refusal = ErrorAnswer(error=str(exc), field=exc.field, code=exc.code)
            return json_response(refusal, exc.status)
        except CentralError as exc:  # the store: said to the caller, who may try again
            return json_response(ErrorAnswer(error=str(exc)), HTTPStatus.SERVICE_UNAVAILABLE)

    return Route(
        f"{PREFIX}{endpoint.path}", answer, methods=[endpoint.method], name=endpoint.summary
    )


async def _answer(services: Services, endpoint: Endpoint, request: Request) -> Response:
    identity = await identify(request, services.access)
    if identity is None:
        response = json_response(
            ErrorAnswer(error="sign in, or send `Authorization: Bearer <token>`"),
            HTTPStatus.UNAUTHORIZED,
        )
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if not identity.may(endpoint.role):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            f"{identity.name} is a {identity.role.value}, this takes a {endpoint.role.value}",
            code="role",
        )
    if identity.scope is not None and not endpoint.keeps_scope:
        raise ApiError(
            HTTPStatus.FORBIDDEN, f"{identity.name} sees the passages of a part only", code="scope"
        )
    found = await endpoint.handler(Call(request=request, services=services, identity=identity))
    return found if isinstance(found, Response) else json_response(found, endpoint.status)
