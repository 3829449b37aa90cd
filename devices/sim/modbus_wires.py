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
import socket
import termios
import tty
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from devices.sim.pty_host import is_hardware

if TYPE_CHECKING:
    from pathlib import Path

Feed = Callable[[bytes], None]
NewSession = Callable[[Feed], Feed]

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
    """A listening socket and its clients.

    Sockets by hand rather than `asyncio.Server`: that one loses a client that is being accepted
    while the server closes (Python 3.11), and a cable is pulled at any moment.
    """

    def __init__(self, host: str, port: int, new_session: NewSession) -> None:
        self._address = (host, port)
        self._new_session = new_session
        self._listener: socket.socket | None = None
        self._clients: set[_TcpClient] = set()

    async def open(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = socket.create_server(self._address)
        self._listener.settimeout(0.0)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    async def close(self) -> None:
        """Close the listening socket and cut every client."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for client in list(self._clients):
            client.cut()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # gone again before we looked
            link, _ = listener.accept()
            self._clients.add(_TcpClient(link, self._new_session, self._clients.discard))


class _TcpClient:
    """One TCP client."""

    def __init__(
        self, link: socket.socket, new_session: NewSession, forget: Callable[[_TcpClient], None]
    ) -> None:
        link.settimeout(0.0)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link: socket.socket | None = link
        self._forget = forget
        self._feed = new_session(self._send)
        asyncio.get_running_loop().add_reader(link, self._readable, link)

    def cut(self) -> None:
        """Drop the connection. May be called twice."""
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link)
            self._link.close()
            self._link = None
            self._forget(self)

    def _readable(self, link: socket.socket) -> None:
        try:
            arrived = link.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            arrived = b""
        if arrived:
            self._feed(arrived)
        else:
            self.cut()

    def _send(self, answer: bytes) -> None:
        if self._link is not None:
            with contextlib.suppress(OSError):  # the client left, or reads nothing: it is lost
                self._link.send(answer)


class PtyWire:
    """A pty in raw mode whose other end is reached by a symbolic link at `link`."""

    def __init__(self, link: Path, new_session: NewSession) -> None:
        self._link = link
        self._feed = new_session(self._send)
        self._master = -1
        self._place = ""

    async def open(self) -> None:
        """Make the pty and point the link at it. Raises OSError.

        A link that does not lead to a pty is left alone: it may be a real port's stable name.
        """
        if is_hardware(self._link):
            raise FileExistsError(errno.EEXIST, "exists and is not a simulator's link")
        master, slave = os.openpty()
        try:
            tty.setraw(slave, termios.TCSANOW)
            self._place = os.ttyname(slave)
            self._point_link(self._place)
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
        with contextlib.suppress(OSError):
            if str(self._link.readlink()) == self._place:  # and not udev's meanwhile
                self._link.unlink()
        os.close(self._master)
        self._master = -1

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
