"""Random secrets for sessions and API tokens. Only their hash is ever stored.

A secret has 256 bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "kkt_"  # noqa: S105 - lets a person and a secret scanner recognize a lost token


def new_session_secret() -> str:
    """A fresh session secret for a cookie."""
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    """A fresh API token, shown once to whoever made it."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What is stored of a secret: 64 hex digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
