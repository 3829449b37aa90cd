"""Where everything of one demonstration is: ports, files, names, passwords."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.clock import Clock

SITE = "demo"
HOST = "127.0.0.1"
ENDING_S = 12.0
"""How long the children of a demonstration that was killed may take to end."""
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections, which could take one from us."""


class PlaceError(Exception):
    """A place that cannot be had; the message says what to do."""


class FolderLock:
    """Keeps the folder ours: until `close`, and until every child that inherits `fd` has ended."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        """Whether it is ours now; our process number is in the file then."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> str:
        """The process that took it last."""
        return os.pread(self.fd, 32, 0).decode(errors="replace").strip()

    def close(self) -> None:
        """Let go; may be called twice."""
        descriptor, self.fd = self.fd, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlace:
    """One lane's files and ports."""

    lane: str
    folder: Path
    bus_port: int
    camera_port: int

    @property
    def config(self) -> Path:
        """The lane file."""
        return self.folder / "lane.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Everything's place."""

    folder: Path
    console_port: int
    broker_port: int
    lanes: tuple[LanePlace, ...]
    passwords: dict[str, str]
    lock: FolderLock

    @property
    def hub_config(self) -> Path:
        """The hub's file."""
        return self.folder / "central.toml"

    @property
    def hub_state(self) -> Path:
        """The hub's folder."""
        return self.folder / "hub"


def prepare(root: Path, console_port: int, lane_count: int, clock: Clock) -> Places:
    """Choose ports, empty the folder, write the files. Raises `PlaceError`."""
    folder = root / f"demo-{console_port}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = _locked(root / f"demo-{console_port}.lock", console_port, clock)
        _end_left_broker(folder)
        if not is_free(console_port):
            raise PlaceError(_taken(console_port, "is used by another program"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        places = _choose(folder, console_port, lane_count, lock)
        _write(places)
    except OSError as exc:
        raise PlaceError(f"{folder}: cannot be written: {exc.strerror or exc}") from exc
    return places


def _choose(folder: Path, console_port: int, lane_count: int, lock: FolderLock) -> Places:
    ports = _free_ports(console_port)
    return Places(
        folder=folder,
        console_port=console_port,
        broker_port=next(ports),
        lanes=tuple(
            LanePlace(
                lane=f"lane{number}",
                folder=folder / f"lane{number}",
                bus_port=next(ports),
                camera_port=next(ports),
            )
            for number in range(1, lane_count + 1)
        ),
        passwords={name: secrets.token_urlsafe(9) for name in ("supervisor", "admin")},
        lock=lock,
    )


def _locked(path: Path, console_port: int, clock: Clock) -> FolderLock:
    """Take the folder's lock. Raises `PlaceError`.

    The children of a demonstration that was killed are waited for; one that still runs is named.
    """
    lock = FolderLock(path)
    deadline_s = clock.now().mono_s + ENDING_S
    while not lock.take():
        holder = lock.holder()
        is_running = bool(holder) and Path(f"/proc/{holder}").exists()
        if is_running or clock.now().mono_s > deadline_s:
            lock.close()
            whose = f"process {holder}" if is_running else "which does not end"
            raise PlaceError(_taken(console_port, f"has another demonstration, {whose}"))
        clock.sleep(0.1)
    return lock


def _taken(console_port: int, why: str) -> str:
    return (
        f"port {console_port} {why}: stop it, or choose another port"
        f" with make run PORT={console_port + 1}"
    )


def _end_left_broker(folder: Path) -> None:
    """End the broker of a hub that was killed: nobody else would."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "hub" / "broker" / "nats-server.pid").read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if str(folder / "hub" / "broker").encode() in command:
            os.kill(pid, signal.SIGTERM)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on, for a console."""
    return next(_free_ports(0))


def _free_ports(console_port: int) -> Iterator[int]:
    """Ports that nobody listens on, from a random place onwards."""
    start = secrets.randbelow(len(PORTS))
    for number in range(len(PORTS)):
        port = PORTS[(start + number) % len(PORTS)]
        if port != console_port and is_free(port):
            yield port
    raise OSError("no port is free")


def _write(places: Places) -> None:
    names = ", ".join(f'"{lane.lane}"' for lane in places.lanes)
    places.hub_config.write_text(
        f'site = "{SITE}"\nstate = "{places.hub_state}"\nlanes = [{names}]\n'
        f'[http]\nhost = "{HOST}"\nport = {places.console_port}\n'
        f'[broker]\nembedded = true\nhost = "{HOST}"\nport = {places.broker_port}\n',
        encoding="utf-8",
    )
    passwords = places.hub_state / "broker" / "passwords"
    passwords.mkdir(parents=True, mode=0o700)
    for lane in places.lanes:
        # The broker adopts a password that is there already: lanes need not wait for the hub.
        _write_private(passwords / lane.lane, secrets.token_urlsafe(24))
        lane.folder.mkdir()
        lane.config.write_text(_lane_file(places, lane), encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _lane_file(places: Places, lane: LanePlace) -> str:
    password_file = places.hub_state / "broker" / "passwords" / lane.lane
    return f"""\
site = "{SITE}"
lane = "{lane.lane}"
state_dir = "{lane.folder / "state"}"

[policy]
verified_plate_suffices = true

[hub]
host = "{HOST}"
port = {places.broker_port}
username = "{lane.lane}"
password_file = "{password_file}"

# Simulated devices. For hardware change the addresses: the drivers are the same.
[devices.bus]
transport = "tcp" # "rtu": the same board on a serial line
host = "{HOST}"
tcp_port = {lane.bus_port}
serial_port = "{lane.folder / "bus"}"
normally_closed = [1, 2, 6, 7] # beams, barrier fault, emergency stop: a cut wire is the danger

[devices.weighbridge]
driver = "yaohua-continuous"
port = "{lane.folder / "scale"}"

[devices.card_reader]
driver = "stx-len-uid"
port = "{lane.folder / "card"}"

[devices.camera]
driver = "stream"
source = "http://{HOST}:{lane.camera_port}/"
"""
