"""Passwords by Argon2id with the library's recommended cost; about 50 ms and 64 MiB a check."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 256  # a longer one is refused before it costs anything

_hasher = PasswordHasher()


class WeakPasswordError(ValueError):
    """A password that may not be set; the text says why."""


def hash_password(password: str) -> str:
    """Hash a new password. Raises `WeakPasswordError`."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPasswordError(
            f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters, this one has {len(password)}"
        )
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. None, for an unknown user, takes as long and never fits."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with a lower cost than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobody() -> str:
    return _hasher.hash("the password of nobody")
