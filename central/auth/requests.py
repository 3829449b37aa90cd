"""Who a request comes from: the session cookie, or a bearer token for API v1."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from central.auth.access import ABSOLUTE_MS, Access
from central.auth.roles import Identity

COOKIE = "kakou_session"


def session_secret(request: Request) -> str | None:
    """The session secret that the browser showed, None without one."""
    return request.cookies.get(COOKIE) or None


def bearer_token(request: Request) -> str | None:
    """The bearer token of the Authorization header, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def address_of(request: Request) -> str:
    """The peer's address; behind a proxy, what uvicorn took from a trusted proxy's header."""
    return request.client.host if request.client else "unknown"


async def identify(request: Request, access: Access) -> Identity | None:
    """A bearer token counts before a cookie; a wrong token is nobody, whatever the cookie."""
    token = bearer_token(request)
    if token is not None:
        return await access.by_token(token)
    secret = session_secret(request)
    return None if secret is None else await access.by_session(secret)


def set_session(response: Response, request: Request, secret: str) -> None:
    """Hand the browser its session; over HTTPS the cookie stays on HTTPS."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=ABSOLUTE_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def clear_session(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
