"""How an endpoint of API v1 is written down: what may be asked, and what only some may do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from central.api.endpoints import Endpoint, Handler, Parameter
from central.auth.roles import Role

LIMIT = Parameter(name="limit", description="at most so many", schema="integer")
LANE = Parameter(name="lane", description="only this lane")
NOT_FOUND = (HTTPStatus.NOT_FOUND,)
CONFLICT = (HTTPStatus.CONFLICT,)


def question(
    path: str,
    summary: str,
    handler: Handler,
    answer: Any,  # noqa: ANN401 - a type
    *parameters: Parameter,
    errors: tuple[HTTPStatus, ...] = (),
    keeps_scope: bool = False,
) -> Endpoint:
    """What whoever may look may ask; `answer` None: not JSON."""
    return Endpoint(
        method="GET",
        path=path,
        role=Role.VIEWER,
        summary=summary,
        handler=handler,
        answer=answer,
        parameters=parameters,
        errors=errors,
        keeps_scope=keeps_scope,
    )


def change(
    path: str,
    role: Role,
    summary: str,
    handler: Handler,
    answer: Any,  # noqa: ANN401 - a type
    *parameters: Parameter,
    body: Any = None,  # noqa: ANN401 - a type, or a media type in words
    errors: tuple[HTTPStatus, ...],
    status: HTTPStatus = HTTPStatus.OK,
) -> Endpoint:
    """What only some may do."""
    return Endpoint(
        method="POST",
        path=path,
        role=role,
        summary=summary,
        handler=handler,
        answer=answer,
        parameters=parameters,
        body=body,
        errors=errors,
        status=status,
    )
