"""access.db: rows of users, sessions, tokens and sign-in attempts. One thread at a time."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from sqlite_utils import Database

from central.auth.roles import Role, Scope
from central.auth.schema import access_migrations

KEEP_SIGN_INS_MS = 90 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person. `password_hash` never leaves this package."""

    name: str
    password_hash: str
    role: Role
    disabled: bool
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in browser."""

    user_name: str
    role: Role
    created_at_ms: int
    seen_at_ms: int
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One attempt to sign in; `outcome` is `ok`, `wrong`, `throttled` or `out`."""

    at_ms: int
    name: str
    address: str
    outcome: str


class AccessStore:
    """Owns one connection to access.db. Callers serialize their calls."""

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
        if new:
            path.chmod(0o600)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        access_migrations.apply(Database(self._connection))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; idempotent."""
        self._connection.close()

    def put_user(
        self, name: str, password_hash: str, role: Role, at_ms: int, scope: Scope | None = None
    ) -> None:
        """Add a user, or give an existing one a new password and role; ends their sessions."""
        with self._connection as db:
            db.execute(
                "INSERT INTO users (name, password_hash, role, created_at_ms, scope) "
                "VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, "
                "role = excluded.role, disabled = 0, scope = excluded.scope",
                (name, password_hash, role.value, at_ms, _kept(scope)),
            )
            db.execute("DELETE FROM sessions WHERE user_name = ?", (name,))

    def rehash(self, name: str, password_hash: str) -> None:
        """Store the same password at today's cost."""
        with self._connection as db:
            db.execute("UPDATE users SET password_hash = ? WHERE name = ?", (password_hash, name))

    def disable_user(self, name: str) -> bool:
        """Lock a user out and end their sessions. False: no such user."""
        with self._connection as db:
            found = db.execute("UPDATE users SET disabled = 1 WHERE name = ?", (name,)).rowcount
            db.execute("DELETE FROM sessions WHERE user_name = ?", (name,))
        return found > 0

    def user(self, name: str) -> User | None:
        """One user by name, None when there is none."""
        row = self._connection.execute(
            "SELECT name, password_hash, role, disabled, scope FROM users WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else _user(row)

    def users(self) -> list[User]:
        """Every user by name."""
        rows = self._connection.execute(
            "SELECT name, password_hash, role, disabled, scope FROM users ORDER BY name"
        )
        return [_user(row) for row in rows]

    def add_session(self, fingerprint: str, user_name: str, at_ms: int) -> None:
        """Remember a signed-in browser by its secret's fingerprint."""
        with self._connection as db:
            db.execute(
                "INSERT INTO sessions (fingerprint, user_name, created_at_ms, seen_at_ms) "
                "VALUES (?, ?, ?, ?)",
                (fingerprint, user_name, at_ms, at_ms),
            )

    def session(self, fingerprint: str) -> Session | None:
        """The session of an enabled user, None when there is none."""
        row = self._connection.execute(
            "SELECT s.user_name, u.role, s.created_at_ms, s.seen_at_ms, u.scope FROM sessions s "
            "JOIN users u ON u.name = s.user_name WHERE s.fingerprint = ? AND u.disabled = 0",
            (fingerprint,),
        ).fetchone()
        if row is None:
            return None
        return Session(
            user_name=row[0],
            role=Role(row[1]),
            created_at_ms=row[2],
            seen_at_ms=row[3],
            scope=_scope(row[4]),
        )

    def touch_session(self, fingerprint: str, at_ms: int) -> None:
        """Note that the browser was heard."""
        with self._connection as db:
            db.execute(
                "UPDATE sessions SET seen_at_ms = ? WHERE fingerprint = ?", (at_ms, fingerprint)
            )

    def drop_session(self, fingerprint: str) -> None:
        """Forget one session."""
        with self._connection as db:
            db.execute("DELETE FROM sessions WHERE fingerprint = ?", (fingerprint,))

    def drop_sessions_before(self, *, created_ms: int, seen_ms: int) -> None:
        """Forget sessions made before `created_ms` or last heard before `seen_ms`."""
        with self._connection as db:
            db.execute(
                "DELETE FROM sessions WHERE created_at_ms < ? OR seen_at_ms < ?",
                (created_ms, seen_ms),
            )

    def put_token(
        self, name: str, fingerprint: str, role: Role, at_ms: int, scope: Scope | None = None
    ) -> None:
        """Add an API token; a token of the same name stops working."""
        with self._connection as db:
            db.execute("DELETE FROM tokens WHERE name = ?", (name,))
            db.execute(
                "INSERT INTO tokens (fingerprint, name, role, created_at_ms, scope)"
                " VALUES (?, ?, ?, ?, ?)",
                (fingerprint, name, role.value, at_ms, _kept(scope)),
            )

    def token(self, fingerprint: str) -> tuple[str, Role, Scope | None] | None:
        """Name, role and scope of a token, None when it is not known."""
        row = self._connection.execute(
            "SELECT name, role, scope FROM tokens WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        return None if row is None else (row[0], Role(row[1]), _scope(row[2]))

    def drop_token(self, name: str) -> bool:
        """Make a token useless. False: no such token."""
        with self._connection as db:
            return db.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount > 0

    def note_sign_in(self, attempt: SignIn) -> int:
        """Record an attempt and forget those older than 90 days. Returns its row id."""
        with self._connection as db:
            row_id = db.execute(
                "INSERT INTO sign_ins (at_ms, name, address, outcome) VALUES (?, ?, ?, ?)",
                (attempt.at_ms, attempt.name, attempt.address, attempt.outcome),
            ).lastrowid
            db.execute("DELETE FROM sign_ins WHERE at_ms < ?", (attempt.at_ms - KEEP_SIGN_INS_MS,))
        return row_id or 0

    def settle_sign_in(self, row_id: int, outcome: str) -> None:
        """Correct the outcome of a recorded attempt."""
        with self._connection as db:
            db.execute("UPDATE sign_ins SET outcome = ? WHERE rowid = ?", (outcome, row_id))

    def failures(self, *, since_ms: int, name: str | None, address: str | None) -> list[int]:
        """Times of wrong passwords since `since_ms`, newest first; None matches all."""
        rows = self._connection.execute(
            "SELECT at_ms FROM sign_ins WHERE at_ms >= ? AND outcome = 'wrong' "
            "AND (? IS NULL OR name = ?) AND (? IS NULL OR address = ?) ORDER BY at_ms DESC",
            (since_ms, name, name, address, address),
        )
        return [row[0] for row in rows]

    def was_throttled(self, address: str, *, since_ms: int) -> bool:
        """Whether an attempt from `address` that came too early was recorded since then."""
        row = self._connection.execute(
            "SELECT 1 FROM sign_ins WHERE at_ms >= ? AND outcome = 'throttled' AND address = ?"
            " LIMIT 1",
            (since_ms, address),
        ).fetchone()
        return row is not None

    def sign_ins(self, limit: int) -> list[SignIn]:
        """The newest attempts, newest first."""
        rows = self._connection.execute(
            "SELECT at_ms, name, address, outcome FROM sign_ins ORDER BY at_ms DESC LIMIT ?",
            (limit,),
        )
        return [SignIn(at_ms=r[0], name=r[1], address=r[2], outcome=r[3]) for r in rows]


def _user(row: tuple[str, str, str, int, str | None]) -> User:
    return User(
        name=row[0],
        password_hash=row[1],
        role=Role(row[2]),
        disabled=bool(row[3]),
        scope=_scope(row[4]),
    )


def _kept(scope: Scope | None) -> str | None:
    return None if scope is None else msgspec.json.encode(scope).decode()


def _scope(column: str | None) -> Scope | None:
    return None if column is None else msgspec.json.decode(column, type=Scope)
