"""What a person sees when the hub cannot answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from central.api.answers import ErrorAnswer
from central.api.endpoints import json_response
from central.auth.requests import bearer_token, identify
from central.console.access_views import see_other
from central.console.rendering import Visit, wording_of
from central.console.views import trouble
from central.errors import CentralError
from central.services import Services

log = structlog.get_logger()


def exception_handlers(services: Services) -> dict[Any, Any]:
    """Handlers for Starlette: JSON under /api, a page elsewhere."""

    async def http_error(request: Request, exc: Exception) -> Response:
        status = HTTPStatus(exc.status_code if isinstance(exc, HTTPException) else 500)
        label = "error.not_found" if status is HTTPStatus.NOT_FOUND else "error.failed"
        return await _answer(services, request, status, label)

    async def failed(request: Request, exc: Exception) -> Response:
        log.error("page_failed", path=request.url.path, error=str(exc), exc_info=exc)
        status = (
            HTTPStatus.SERVICE_UNAVAILABLE
            if isinstance(exc, CentralError)
            else HTTPStatus.INTERNAL_SERVER_ERROR
        )
        return await _answer(services, request, status, "error.failed")

    return {HTTPException: http_error, CentralError: failed, Exception: failed}


async def _answer(services: Services, request: Request, status: HTTPStatus, label: str) -> Response:
    wording = wording_of(request)
    message = wording.label(label)
    if request.url.path.startswith("/api/"):
        return json_response(ErrorAnswer(error=status.phrase.lower()), status)
    try:
        identity = await identify(request, services.access)
        if identity is not None and bearer_token(request) is None:
            visit = Visit(request=request, services=services, identity=identity, wording=wording)
            return await trouble(visit, status, message)
    except CentralError:
        pass  # the store is what failed: say it in plain text
    if status is HTTPStatus.NOT_FOUND:
        return see_other("/login")
    return Response(message, status_code=status, media_type="text/plain; charset=utf-8")
