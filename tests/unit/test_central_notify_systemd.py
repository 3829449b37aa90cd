"""What systemd hears of the hub, on a real datagram socket."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.notify import announced, notify, watchdog_period_s


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(path)
        ours.setblocking(False)
        yield ours


def heard(systemd: socket.socket) -> list[str]:
    words = []
    with contextlib.suppress(BlockingIOError):
        while True:
            words.append(systemd.recv(4096).decode())
    return words


def test_the_hub_says_ready_feeds_the_watchdog_and_says_that_it_stops(
    systemd: socket.socket,
) -> None:
    async def live() -> None:
        async with announced():
            await asyncio.sleep(0.1)

    asyncio.run(live())
    words = heard(systemd)
    assert (words[0], words[-1]) == ("READY=1", "STOPPING=1")
    assert words.count("WATCHDOG=1") >= 2


def test_a_loop_that_hangs_no_longer_feeds_the_watchdog(systemd: socket.socket) -> None:
    async def hang() -> list[str]:
        async with announced():
            await asyncio.sleep(0.05)
            heard(systemd)
            time.sleep(0.3)  # noqa: ASYNC251 - the fault under test
            return heard(systemd)

    assert asyncio.run(hang()) == []


def test_a_systemd_that_does_not_listen_does_not_hold_the_hub_up(systemd: socket.socket) -> None:
    for _ in range(100):
        notify("WATCHDOG=1", patience_s=0)
    assert 0 < len(heard(systemd)) < 100


def test_without_systemd_nothing_is_sent_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")


def test_a_watchdog_meant_for_another_process_is_not_fed(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watchdog_period_s() == pytest.approx(0.02)
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_period_s() is None
