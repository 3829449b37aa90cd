"""Sign-in, sessions and tokens for the ASGI side.

One thread of its own runs every statement on access.db, so the event loop never waits for a
disk and no statement meets another. Password checks run apart from it, at most two at a time:
each takes 64 MiB.

A session ends 60 minutes after it was last heard, 12 hours after sign-in, at sign-out, and when
the user is disabled or given a new password.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from central.auth import passwords, secrets
from central.auth.access_store import AccessStore, SignIn
from central.auth.roles import Identity

IDLE_MS = 60 * 60 * 1000
ABSOLUTE_MS = 12 * 3600 * 1000
TOUCH_EVERY_MS = 30 * 1000

FREE_FAILURES = 5  # of one name from one address, before each further one costs a wait
FREE_FAILURES_ADDRESS = 30
FIRST_WAIT_MS = 15 * 1000
LONGEST_WAIT_MS = 15 * 60 * 1000
THROTTLE_NOTED_EVERY_MS = 60 * 1000
FAILURE_WINDOW_MS = 60 * 60 * 1000
MAX_NAME = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A success: the secret for the cookie."""

    secret: str
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPassword:
    """No such user, a wrong password, or a disabled user: the answer never says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyAttempts:
    """The caller must wait."""

    wait_s: int


class Access:
    """Answers who a request comes from. Made and closed by the composition root."""

    def __init__(self, path: Path, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._store = AccessStore(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="access")
        self._checks = ThreadPoolExecutor(2, thread_name_prefix="passwords")

    def close(self) -> None:
        """Finish what runs, then close the file; idempotent."""
        self._checks.shutdown(wait=True)
        self._thread.shutdown(wait=True)
        self._store.close()

    async def sign_in(
        self, name: str, password: str, address: str
    ) -> SignedIn | WrongPassword | TooManyAttempts:
        """Check a password and begin a session. Every attempt is recorded.

        Those that come too early are, once a minute and address: else anybody who reaches the
        sign-in form could fill the disk.
        """
        name = name.strip()[:MAX_NAME]
        admitted = await self._run(lambda: self._admit(name, address))
        if isinstance(admitted, TooManyAttempts):
            return admitted
        user = await self._run(lambda: self._store.user(name))
        known = None if user is None or user.disabled else user.password_hash
        loop = asyncio.get_running_loop()
        fits = await loop.run_in_executor(self._checks, passwords.matches, known, password)
        if user is None or not fits:
            return WrongPassword()
        await self._run(lambda: self._store.settle_sign_in(admitted, "ok"))
        return await self._begin(
            user.name,
            user.password_hash,
            password,
            Identity(name=user.name, role=user.role, scope=user.scope),
        )

    def _admit(self, name: str, address: str) -> int | TooManyAttempts:
        """Record the attempt, as wrong until proved right, unless it comes too early.

        Looking and recording are one step on one thread: a hundred attempts at the same moment
        do not all see the count of before.
        """
        at_ms = self._now_ms()
        wait_ms = _wait_ms(self._store, name, address, at_ms)
        if wait_ms <= 0:
            wrong = SignIn(at_ms=at_ms, name=name, address=address, outcome="wrong")
            return self._store.note_sign_in(wrong)
        if not self._store.was_throttled(address, since_ms=at_ms - THROTTLE_NOTED_EVERY_MS):
            throttled = SignIn(at_ms=at_ms, name=name, address=address, outcome="throttled")
            self._store.note_sign_in(throttled)
        return TooManyAttempts(wait_s=-(-wait_ms // 1000))

    async def _begin(
        self, name: str, password_hash: str, password: str, identity: Identity
    ) -> SignedIn:
        if passwords.is_outdated(password_hash):
            loop = asyncio.get_running_loop()
            fresh = await loop.run_in_executor(self._checks, passwords.hash_password, password)
            await self._run(lambda: self._store.rehash(name, fresh))
        secret = secrets.new_session_secret()
        at_ms = self._now_ms()

        def begin() -> None:
            self._store.drop_sessions_before(
                created_ms=at_ms - ABSOLUTE_MS, seen_ms=at_ms - IDLE_MS
            )
            self._store.add_session(secrets.fingerprint(secret), name, at_ms)

        await self._run(begin)
        return SignedIn(secret=secret, identity=identity)

    async def by_session(self, secret: str) -> Identity | None:
        """Who holds this session secret; None when it ended or never was."""
        fingerprint = secrets.fingerprint(secret)
        at_ms = self._now_ms()

        def look() -> Identity | None:
            session = self._store.session(fingerprint)
            if session is None:
                return None
            idle_ms, age_ms = at_ms - session.seen_at_ms, at_ms - session.created_at_ms
            if idle_ms >= IDLE_MS or age_ms >= ABSOLUTE_MS:
                self._store.drop_session(fingerprint)
                return None
            if idle_ms >= TOUCH_EVERY_MS:
                self._store.touch_session(fingerprint, at_ms)
            return Identity(name=session.user_name, role=session.role, scope=session.scope)

        return await self._run(look)

    async def is_current(self, secret: str) -> bool:
        """Whether a session still runs, without counting as being heard (for live streams)."""
        fingerprint = secrets.fingerprint(secret)
        session = await self._run(lambda: self._store.session(fingerprint))
        at_ms = self._now_ms()
        return (
            session is not None
            and at_ms - session.seen_at_ms < IDLE_MS
            and at_ms - session.created_at_ms < ABSOLUTE_MS
        )

    async def by_token(self, token: str) -> Identity | None:
        """Who holds this API token; None when it is not known."""
        found = await self._run(lambda: self._store.token(secrets.fingerprint(token)))
        if found is None:
            return None
        name, role, scope = found
        return Identity(name=name, role=role, by_token=True, scope=scope)

    async def sign_out(self, secret: str, identity: Identity, address: str) -> None:
        """End one session."""
        await self._run(lambda: self._store.drop_session(secrets.fingerprint(secret)))
        await self._note(identity.name, address, "out")

    async def sign_ins(self, limit: int) -> list[SignIn]:
        """The newest sign-in attempts, newest first."""
        return await self._run(lambda: self._store.sign_ins(limit))

    async def has_users(self) -> bool:
        """Whether anybody could sign in."""
        return bool(await self._run(self._store.users))

    async def _note(self, name: str, address: str, outcome: str) -> None:
        attempt = SignIn(at_ms=self._now_ms(), name=name, address=address, outcome=outcome)
        await self._run(lambda: self._store.note_sign_in(attempt))

    async def _run(self, query: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, query)


def _wait_ms(store: AccessStore, name: str, address: str, at_ms: int) -> int:
    """How long this name from this address, or this address at all, must still wait.

    Never per name alone: else anybody could lock a supervisor out.
    """
    since_ms = at_ms - FAILURE_WINDOW_MS
    own = store.failures(since_ms=since_ms, name=name, address=address)
    any_name = store.failures(since_ms=since_ms, name=None, address=address)
    return max(
        _remaining_ms(own, FREE_FAILURES, at_ms),
        _remaining_ms(any_name, FREE_FAILURES_ADDRESS, at_ms),
    )


def _remaining_ms(failures_ms: list[int], free: int, at_ms: int) -> int:
    excess = len(failures_ms) - free
    if excess < 0:
        return 0
    wait_ms = min(FIRST_WAIT_MS << min(excess, 10), LONGEST_WAIT_MS)
    return max(0, failures_ms[0] + wait_ms - at_ms)
