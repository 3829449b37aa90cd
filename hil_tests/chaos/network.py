"""The hub in a network namespace of its own, with one Ethernet pair to each lane, that is pulled.

A pulled pair has no carrier: the kernel drops what is sent, nothing is refused, and a connection
that outlasts it goes on where it was. Where namespaces are not permitted (not root, no iproute2)
the pairs are TCP relays (`cable.py`), on which every connection is lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from hil_tests.chaos.cable import HOST, Cable

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMESPACES = Path("/run/netns")
_OURS = "kakou-chaos-"
_NET = "198.18"  # for tests between two networks (RFC 2544): nobody's addresses
_CONSOLE = "console"
_MOST = 60  # pairs with four addresses each, below .250


class Pullable(Protocol):
    """A way to the hub that can be taken away; any thread may call."""

    @property
    def host(self) -> str:
        """The hub, seen from this end."""
        ...

    @property
    def port(self) -> int:
        """Where its broker is found, seen from this end."""
        ...

    def cut(self) -> None:
        """Pull the plug."""
        ...

    def mend(self) -> None:
        """Put it back."""
        ...

    def close(self) -> None:
        """Take it away for good."""
        ...


class Pair:
    """One end here, the other in the hub's namespace."""

    def __init__(self, namespace: str, number: int, port: int) -> None:
        """Make it. Raises `OSError` or `subprocess.CalledProcessError`."""
        self._namespace = namespace
        here, self._there = f"kk{os.getpid():x}n{number}", f"lane{number}"
        third, fourth = os.getpid() % 250, number * 4
        self.host = f"{_NET}.{third}.{fourth + 2}"
        self.port = port
        _ip(f"link add {here} type veth peer name {self._there} netns {namespace}")
        _ip(f"address add {_NET}.{third}.{fourth + 1}/30 dev {here}")
        _ip(f"link set {here} up")
        _ip(f"-n {namespace} address add {self.host}/30 dev {self._there}")
        self.mend()

    def cut(self) -> None:
        """The far end is down: this one has no carrier."""
        _ip(f"-n {self._namespace} link set {self._there} down")

    def mend(self) -> None:
        """Carrier again."""
        _ip(f"-n {self._namespace} link set {self._there} up")

    def close(self) -> None:
        """Both ends go with the namespace."""


class Relayed(Cable):
    """A relay to a broker in this namespace."""

    host = HOST


class HubNetwork:
    """Where the hub is, and each lane's way to it."""

    def __init__(self, lanes: Iterable[str], broker_port: int) -> None:
        """Make namespace and pairs, or relays where that is not permitted."""
        self._namespace = ""
        self.host = HOST
        self.cables: dict[str, Pullable] = {}
        names = [_CONSOLE, *lanes]
        try:
            self._make(names, broker_port)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            self.cables = {name: Relayed(broker_port) for name in names[1:]}

    @property
    def is_namespace(self) -> bool:
        """Whether the hub is in one; else there are relays."""
        return bool(self._namespace)

    @property
    def cut_by(self) -> str:
        """How a partition is made here, for the report."""
        if self.is_namespace:
            return "an Ethernet pair to the hub's network namespace without carrier"
        return "a TCP relay that stops"

    @property
    def listen(self) -> str:
        """The address that the hub listens on: in its namespace all of them."""
        return "0.0.0.0" if self.is_namespace else HOST  # noqa: S104 - its own namespace

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to run where the hub is."""
        return ("nsenter", f"--net={_NAMESPACES / self._namespace}") if self.is_namespace else ()

    def close(self) -> None:
        """Take everything away; may be called twice."""
        for cable in self.cables.values():
            cable.close()
        self.cables = {}
        namespace, self._namespace = self._namespace, ""
        if namespace:
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                _ip(f"netns delete {namespace}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _make(self, names: list[str], broker_port: int) -> None:
        if os.geteuid() != 0 or not shutil.which("nsenter") or len(names) > _MOST:
            raise OSError
        _delete_left()
        namespace = f"{_OURS}{os.getpid()}"
        _ip(f"netns add {namespace}")
        self._namespace = namespace
        _ip(f"-n {namespace} link set lo up")
        pairs = {name: Pair(namespace, at, broker_port) for at, name in enumerate(names)}
        self.host = pairs.pop(_CONSOLE).host
        self.cables = dict(pairs)


def _delete_left() -> None:
    """A namespace whose process was killed stays: delete it, and with it its pairs."""
    for path in _NAMESPACES.glob(f"{_OURS}*"):
        pid = path.name.removeprefix(_OURS)
        if not Path(f"/proc/{pid}").exists():
            _ip(f"netns delete {path.name}")


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True)
