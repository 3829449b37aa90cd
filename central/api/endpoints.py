"""The shape of an endpoint: one table makes the routes and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from central.auth.roles import Identity, Role
from central.services import Services

T = TypeVar("T")

MAX_JSON_BYTES = 64 * 1024


class ApiError(Exception):
    """A request that is answered with an error; the text is for the caller."""

    def __init__(self, status: HTTPStatus, error: str, *, field: str = "", code: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.field = field
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, known to come from `identity`."""

    request: Request
    services: Services
    identity: Identity

    def text(self, name: str) -> str | None:
        """A query parameter, None when absent or empty."""
        return self.request.query_params.get(name) or None

    def number(self, name: str, *, lowest: int, highest: int) -> int | None:
        """A whole-number query parameter, None when absent. Raises `ApiError`."""
        raw = self.text(name)
        if raw is None:
            return None
        try:
            value = int(raw)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise ApiError(
                HTTPStatus.BAD_REQUEST,
                f"{name} {raw!r}: a whole number from {lowest} to {highest}",
                field=name,
            )
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """A query parameter out of a closed set, None when absent. Raises `ApiError`."""
        raw = self.text(name)
        if raw is not None and raw not in allowed:
            raise ApiError(
                HTTPStatus.BAD_REQUEST, f"{name} {raw!r}: one of {', '.join(allowed)}", field=name
            )
        return raw

    async def body(self, limit: int) -> bytes:
        """The request's body. Raises `ApiError` beyond `limit` bytes, without reading them."""
        parts: list[bytes] = []
        size = 0
        async for part in self.request.stream():
            size += len(part)
            if size > limit:
                raise ApiError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {limit} bytes"
                )
            parts.append(part)
        return b"".join(parts)

    async def parsed(self, wanted: type[T]) -> T:
        """The JSON body as `wanted`. Raises `ApiError` that names the field."""
        try:
            return msgspec.json.decode(await self.body(MAX_JSON_BYTES), type=wanted)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise ApiError(HTTPStatus.BAD_REQUEST, str(exc), field=_field(str(exc))) from exc


def _field(message: str) -> str:
    """The path in a msgspec message: `… - at `$.reason`` or `… field `reason``."""
    parts = message.split("`")
    return parts[-2].removeprefix("$.") if len(parts) >= 3 else ""  # noqa: PLR2004 - `x` is 3 parts


Handler = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter for the document."""

    name: str
    description: str
    schema: str = "string"  # string | integer | boolean


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation. A handler answers a value to encode as JSON, or a Response."""

    method: str
    path: str
    role: Role
    summary: str
    handler: Handler
    answer: Any  # a type that msgspec can describe; None: not JSON
    parameters: tuple[Parameter, ...] = ()
    body: Any = None  # a msgspec type, or a media type in words
    status: HTTPStatus = HTTPStatus.OK
    errors: tuple[HTTPStatus, ...] = ()
    keeps_scope: bool = False  # it answers an account with a scope within that only


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    """Encode a value as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
