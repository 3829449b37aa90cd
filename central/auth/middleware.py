"""What every request passes through, outermost first."""

from __future__ import annotations

from starlette.middleware import Middleware

from central.auth.bodies import BoundedBodies
from central.auth.origin import SameOrigin, SecurityHeaders
from central.services import Services


def middleware(_services: Services) -> list[Middleware]:
    """Security headers on every answer, the refusal of cross-site changes, bounded bodies."""
    return [Middleware(SecurityHeaders), Middleware(SameOrigin), Middleware(BoundedBodies)]
