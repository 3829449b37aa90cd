"""Telling systemd that the hub is ready and that its loop still turns (sd_notify, `Type=notify`).

Outside systemd, where `NOTIFY_SOCKET` is not set, every call here does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator


def notify(state: str, *, patience_s: float = 0.5) -> None:
    """Send one datagram such as `READY=1` or `STATUS=…`.

    A socket that has gone is no reason for the hub to stop, and one whose queue is full (the
    kernel keeps ten) no reason to stand still: after `patience_s` the word is dropped.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux' abstract namespace
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        sender.settimeout(patience_s)
        sender.connect(address)
        sender.send(state.encode())


def watchdog_period_s() -> float | None:
    """A third of the time within which systemd wants to hear of us; None when it does not ask."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    asked_us = os.environ.get("WATCHDOG_USEC", "")
    return int(asked_us) / 3e6 if asked_us.isdigit() and int(asked_us) > 0 else None


@contextlib.asynccontextmanager
async def announced() -> AsyncIterator[None]:
    """Say that the hub is ready, feed the watchdog from this very loop, say that it stops.

    Enter it in the application's lifespan, after everything else has started: a loop that hangs
    no longer feeds, and systemd starts the hub again.
    """
    notify("READY=1")
    period_s = watchdog_period_s()
    feeding = asyncio.create_task(_feed(period_s)) if period_s else None
    try:
        yield
    finally:
        notify("STOPPING=1")
        if feeding:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding


async def _feed(period_s: float) -> None:
    while True:
        notify("WATCHDOG=1", patience_s=0)
        await asyncio.sleep(period_s)
