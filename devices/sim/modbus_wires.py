"""The two wires a simulated Modbus board can hang on: a TCP port, or a pty. Bytes only.

Everything here runs in the board's own asyncio thread. A wire makes one session per client from
`new_session(send)`, which returns the function that takes the client's bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import termios
import tty
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Feed = Callable[[bytes], None]
NewSession = Callable[[Feed], Feed]

PTY_FOLDER = "/dev/pts/"
IDLE_LOOK_S = 0.01  # how soon a pty without a client is looked at again


class Wire(Protocol):
    """Something to listen on."""

    async def open(self) -> None:
        """Listen. Raises OSError when the place is taken."""
        ...

    async def close(self) -> None:
        """Stop listening and cut every client."""
        ...


class TcpWire:
    """A listening socket and its connections."""

    def __init__(self, host: str, port: int, new_session: NewSession) -> None:
        self._host = host
        self._port = port
        self._new_session = new_session
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def open(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._new_session, self._connections), self._host, self._port
        )

    async def close(self) -> None:
        """Close the listening socket and cut every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cut()
        await asyncio.sleep(0)  # lets the transports close their sockets


class _Connection(asyncio.Protocol):
    """One TCP client."""

    def __init__(self, new_session: NewSession, connections: set[_Connection]) -> None:
        self._feed = new_session(self._send)
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP transports are
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._feed(data)

    def cut(self) -> None:
        """Drop the connection without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)


class PtyWire:
    """A pty in raw mode whose other end is reached by a symbolic link at `link`."""

    def __init__(self, link: Path, new_session: NewSession) -> None:
        self._link = link
        self._feed = new_session(self._send)
        self._master = -1

    async def open(self) -> None:
        """Make the pty and point the link at it. Raises OSError.

        A link that does not lead to a pty is left alone: it may be a real port's stable name.
        """
        if self._is_foreign():
            raise FileExistsError(errno.EEXIST, "exists and is not a simulator's link")
        master, slave = os.openpty()
        try:
            tty.setraw(slave, termios.TCSANOW)
            self._point_link(os.ttyname(slave))
        except OSError:
            os.close(master)
            raise
        finally:
            os.close(slave)
        fcntl.fcntl(master, fcntl.F_SETFL, fcntl.fcntl(master, fcntl.F_GETFL) | os.O_NONBLOCK)
        self._master = master
        asyncio.get_running_loop().add_reader(master, self._readable)

    async def close(self) -> None:
        """Close the pty: a client's read raises. The link is removed."""
        asyncio.get_running_loop().remove_reader(self._master)
        # First the name: the number of a closed pty may become another's.
        self._link.unlink(missing_ok=True)
        os.close(self._master)
        self._master = -1

    def _is_foreign(self) -> bool:
        if self._link.is_symlink():
            return not str(self._link.readlink()).startswith(PTY_FOLDER)
        return self._link.exists()

    def _point_link(self, target: str) -> None:
        self._link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._link.with_name(f".{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(self._link)

    def _readable(self) -> None:
        try:
            arrived = os.read(self._master, 4096)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the other end open
            arrived = b""
        if arrived:
            self._feed(arrived)
        else:
            self._rest()

    def _rest(self) -> None:
        """Without a client the master is readable for ever: look again in a while."""
        loop, master = asyncio.get_running_loop(), self._master
        loop.remove_reader(master)

        def resume() -> None:
            if self._master == master:
                loop.add_reader(master, self._readable)

        loop.call_later(IDLE_LOOK_S, resume)

    def _send(self, answer: bytes) -> None:
        if self._master >= 0:
            with contextlib.suppress(OSError):  # nobody reads: a serial line loses it too
                os.write(self._master, answer)
