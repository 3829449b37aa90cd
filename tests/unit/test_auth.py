"""Who may come in, and what a page of another site may not do."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from central.auth import commands, passwords
from central.auth.access import (
    ABSOLUTE_MS,
    IDLE_MS,
    Access,
    SignedIn,
    TooManyAttempts,
    WrongPassword,
)
from central.auth.access_store import AccessStore
from central.auth.origin import is_cross_site
from central.auth.roles import Identity, Role
from central.clock import ManualClock
from tests.console_desk import cheap_passwords

PASSWORD = "harbour lights 7"


@pytest.fixture(autouse=True)
def quick_hashes() -> Iterator[None]:
    with cheap_passwords():
        yield


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def access(tmp_path: Path, clock: ManualClock) -> Iterator[Access]:
    commands.add_user(tmp_path, "sun.li", PASSWORD, Role.SUPERVISOR, 0)
    found = Access(commands.access_path(tmp_path), clock.wall_ms)
    yield found
    found.close()


def _signed_in(access: Access) -> str:
    found = asyncio.run(access.sign_in("sun.li", PASSWORD, "10.0.0.1"))
    assert isinstance(found, SignedIn)
    return found.secret


def _wrong(access: Access, times: int, address: str = "10.0.0.1") -> list[object]:
    async def tries() -> list[object]:
        return [await access.sign_in("sun.li", f"guess {n}", address) for n in range(times)]

    return asyncio.run(tries())


def test_a_session_answers_who_it_is_until_it_is_ended(access: Access) -> None:
    secret = _signed_in(access)
    identity = asyncio.run(access.by_session(secret))
    assert identity == Identity(name="sun.li", role=Role.SUPERVISOR)
    asyncio.run(access.sign_out(secret, identity, "10.0.0.1"))
    assert asyncio.run(access.by_session(secret)) is None


def test_a_session_ends_an_hour_after_it_was_last_heard(access: Access, clock: ManualClock) -> None:
    secret = _signed_in(access)
    for _ in range(3):
        clock.advance(IDLE_MS / 1000 - 1)
        assert asyncio.run(access.by_session(secret)) is not None
    clock.advance(IDLE_MS / 1000)
    assert asyncio.run(access.by_session(secret)) is None


def test_a_session_ends_twelve_hours_after_sign_in_however_busy(
    access: Access, clock: ManualClock
) -> None:
    secret = _signed_in(access)
    for _ in range(ABSOLUTE_MS // (30 * 60_000) - 1):
        clock.advance(30 * 60)
        assert asyncio.run(access.by_session(secret)) is not None
    clock.advance(30 * 60)
    assert asyncio.run(access.by_session(secret)) is None


def test_a_live_page_does_not_keep_a_session_alive(access: Access, clock: ManualClock) -> None:
    secret = _signed_in(access)
    for _ in range(3):
        clock.advance(IDLE_MS / 3000)
        asyncio.run(access.is_current(secret))
    assert asyncio.run(access.is_current(secret)) is False


def test_a_disabled_user_is_out_at_once_and_cannot_come_back(
    access: Access, tmp_path: Path
) -> None:
    secret = _signed_in(access)
    commands.disable_user(tmp_path, "sun.li")
    assert asyncio.run(access.by_session(secret)) is None
    assert isinstance(asyncio.run(access.sign_in("sun.li", PASSWORD, "10.0.0.1")), WrongPassword)


def test_a_new_password_ends_the_sessions_of_the_old_one(access: Access, tmp_path: Path) -> None:
    secret = _signed_in(access)
    commands.add_user(tmp_path, "sun.li", "another one 99", Role.SUPERVISOR, 1)
    assert asyncio.run(access.by_session(secret)) is None


def test_guessing_is_slowed_down_after_five_and_the_right_password_waits_too(
    access: Access, clock: ManualClock
) -> None:
    assert all(isinstance(answer, WrongPassword) for answer in _wrong(access, 5))
    assert isinstance(asyncio.run(access.sign_in("sun.li", PASSWORD, "10.0.0.1")), TooManyAttempts)
    clock.advance(16)
    _signed_in(access)


def test_each_further_guess_doubles_the_wait(access: Access, clock: ManualClock) -> None:
    _wrong(access, 5)
    waits = []
    for _ in range(3):
        answer = _wrong(access, 1)[0]
        assert isinstance(answer, TooManyAttempts)
        waits.append(answer.wait_s)
        clock.advance(answer.wait_s)
        assert isinstance(_wrong(access, 1)[0], WrongPassword)
    assert waits == [15, 30, 60]


def test_guesses_from_elsewhere_do_not_lock_a_supervisor_out(access: Access) -> None:
    _wrong(access, 8, address="10.9.9.9")
    _signed_in(access)


def test_many_guesses_at_the_same_moment_do_not_slip_through(access: Access) -> None:
    async def burst() -> list[object]:
        return await asyncio.gather(
            *(access.sign_in("sun.li", f"guess {n}", "10.0.0.1") for n in range(20))
        )

    checked = [answer for answer in asyncio.run(burst()) if isinstance(answer, WrongPassword)]
    assert len(checked) == 5


def test_nothing_in_the_file_lets_one_sign_in(access: Access, tmp_path: Path) -> None:
    secret = _signed_in(access)
    token = commands.add_token(tmp_path, "broker", Role.VIEWER, 0)
    with sqlite3.connect(tmp_path / "access.db") as db:
        kept = "\n".join(db.iterdump())
    db.close()
    assert all(text not in kept for text in (secret, token, PASSWORD))
    assert (tmp_path / "access.db").stat().st_mode & 0o077 == 0


def test_a_token_is_known_until_it_is_removed(access: Access, tmp_path: Path) -> None:
    token = commands.add_token(tmp_path, "broker", Role.ADMINISTRATOR, 0)
    identity = asyncio.run(access.by_token(token))
    assert identity is not None
    assert identity.name == "broker"
    assert identity.may(Role.SUPERVISOR)
    commands.remove_token(tmp_path, "broker")
    assert asyncio.run(access.by_token(token)) is None


def test_a_short_password_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(commands.CommandError, match="10 to 256 characters"):
        commands.add_user(tmp_path, "sun.li", "short", Role.VIEWER, 0)
    with AccessStore(commands.access_path(tmp_path)) as store:
        assert store.users() == []


def test_an_unknown_user_costs_a_password_check_too() -> None:
    assert passwords.matches(None, "anything at all") is False


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("POST", {"sec-fetch-site": "cross-site", "host": "hub"}, True),
        ("POST", {"sec-fetch-site": "same-site", "host": "hub"}, True),
        ("POST", {"sec-fetch-site": "same-origin", "host": "hub"}, False),
        ("POST", {"origin": "http://evil", "host": "hub"}, True),
        ("POST", {"origin": "null", "host": "hub"}, True),
        ("POST", {"origin": "http://hub", "host": "hub"}, False),
        ("POST", {"host": "hub"}, False),
        ("DELETE", {"sec-fetch-site": "cross-site", "host": "hub"}, True),
        ("GET", {"sec-fetch-site": "cross-site", "host": "hub"}, False),
    ],
)
def test_a_change_from_another_site_is_recognized(
    method: str,
    headers: dict[str, str],
    expected: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    assert is_cross_site(method, Headers(headers)) is expected


def test_a_flood_of_sign_ins_does_not_fill_the_disk(access: Access, clock: ManualClock) -> None:
    _wrong(access, 200)
    clock.advance(70)
    _wrong(access, 200)
    recorded = asyncio.run(access.sign_ins(1_000))
    assert len(recorded) < 20
    assert "throttled" in {attempt.outcome for attempt in recorded}
