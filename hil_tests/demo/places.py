"""Where everything of one demonstration is: ports, files, names, passwords."""

from __future__ import annotations

import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

SITE = "demo"
HOST = "127.0.0.1"


class PlaceError(Exception):
    """A place that cannot be had; the message says what to do."""


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

    @property
    def hub_config(self) -> Path:
        """The hub's file."""
        return self.folder / "central.toml"

    @property
    def hub_state(self) -> Path:
        """The hub's folder."""
        return self.folder / "hub"


def prepare(root: Path, console_port: int, lane_count: int) -> Places:
    """Choose ports, empty the folder, write the files. Raises `PlaceError`."""
    if not is_free(console_port):
        raise PlaceError(
            f"port {console_port} is used by another program: stop it, or choose another port"
            f" with make run PORT={console_port + 1}"
        )
    folder = root / f"demo-{console_port}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ports = iter(_free_ports(1 + 2 * lane_count))
        broker_port = next(ports)
        lanes = tuple(
            LanePlace(
                lane=f"lane{number}",
                folder=folder / f"lane{number}",
                bus_port=next(ports),
                camera_port=next(ports),
            )
            for number in range(1, lane_count + 1)
        )
        places = Places(
            folder=folder,
            console_port=console_port,
            broker_port=broker_port,
            lanes=lanes,
            passwords={name: secrets.token_urlsafe(9) for name in ("supervisor", "admin")},
        )
        _write(places)
    except OSError as exc:
        raise PlaceError(f"{folder}: cannot be written: {exc.strerror or exc}") from exc
    return places


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _write(places: Places) -> None:
    names = ", ".join(f'"{lane.lane}"' for lane in places.lanes)
    places.hub_config.write_text(
        f'site = "{SITE}"\nstate = "{places.hub_state}"\nlanes = [{names}]\n'
        f'[http]\nhost = "{HOST}"\nport = {places.console_port}\n'
        f'[broker]\nembedded = true\nhost = "{HOST}"\nport = {places.broker_port}\n',
        encoding="utf-8",
    )
    for lane in places.lanes:
        lane.folder.mkdir()
        lane.config.write_text(_lane_file(places, lane), encoding="utf-8")


def _lane_file(places: Places, lane: LanePlace) -> str:
    password_file = places.hub_state / "broker" / "passwords" / lane.lane
    return f"""\
site = "{SITE}"
lane = "{lane.lane}"
state_dir = "{lane.folder / "state"}"

[hub]
host = "{HOST}"
port = {places.broker_port}
username = "{lane.lane}"
password_file = "{password_file}"

# Simulated devices. For hardware change the addresses: the drivers are the same.
[devices.bus]
transport = "tcp" # "rtu" with serial_port = "/dev/..." for a board on RS-485
host = "{HOST}"
tcp_port = {lane.bus_port}

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
