"""What `gate-central user …` and `gate-central token …` do, on access.db itself.

They work while the hub runs and while it does not. Printing and exit codes are the CLI's; here
a refusal is a `CommandError` with the sentence to print.
"""

from __future__ import annotations

import re
from pathlib import Path

from central.auth import passwords, secrets
from central.auth.access_store import AccessStore, User
from central.auth.roles import Role, Scope

ACCESS_FILE = "access.db"
_NAME = re.compile(r"[\w.@-]{1,64}\Z")


class CommandError(Exception):
    """A command that was refused; the text is for the person who typed it."""


def access_path(state: Path) -> Path:
    """Where a hub with this state folder keeps users and tokens; makes the folder."""
    state.mkdir(parents=True, exist_ok=True)
    return state / ACCESS_FILE


def add_user(
    state: Path, name: str, password: str, role: Role, at_ms: int, scope: Scope | None = None
) -> None:
    """Add a user, or set a new password, role and scope. Raises `CommandError`."""
    _check_name(name)
    _check_scope(name, role, scope)
    try:
        password_hash = passwords.hash_password(password)
    except passwords.WeakPasswordError as error:
        raise CommandError(f"user {name}: {error}") from error
    with AccessStore(access_path(state)) as store:
        store.put_user(name, password_hash, role, at_ms, scope)


def disable_user(state: Path, name: str) -> None:
    """Lock a user out at once. Raises `CommandError`."""
    with AccessStore(access_path(state)) as store:
        if not store.disable_user(name):
            raise CommandError(f"user {name}: no such user in {access_path(state)}")


def list_users(state: Path) -> list[User]:
    """Every user by name."""
    with AccessStore(access_path(state)) as store:
        return store.users()


def add_token(state: Path, name: str, role: Role, at_ms: int, scope: Scope | None = None) -> str:
    """Make an API token and return it; only its hash is kept. Replaces one of the same name."""
    _check_name(name)
    _check_scope(name, role, scope)
    token = secrets.new_api_token()
    with AccessStore(access_path(state)) as store:
        store.put_token(name, secrets.fingerprint(token), role, at_ms, scope)
    return token


def remove_token(state: Path, name: str) -> None:
    """Make a token useless at once. Raises `CommandError`."""
    with AccessStore(access_path(state)) as store:
        if not store.drop_token(name):
            raise CommandError(f"token {name}: no such token in {access_path(state)}")


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise CommandError(f"name {name!r}: 1 to 64 letters, digits or . _ @ -")


def _check_scope(name: str, role: Role, scope: Scope | None) -> None:
    if scope is not None and role is not Role.VIEWER:
        raise CommandError(f"{name}: only a viewer may be limited to lanes or an agency")
