"""A lane at a desk: its simulators at places that this machine has, and a lane file that says so.

`gate-bench sim` serves each device at the place that the lane file names. Where that cannot be (an
address of another machine, a folder or port of root's, TLS, a video device) the device gets a place
of its own here, and the lane is written down anew with these places, a state of its own and no hub
of the port's: what simulated trucks do must not get into a port's records.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from devices.bench.tap import free_port
from devices.bench.toml_text import as_toml
from devices.camera.listener import allowed_networks
from devices.camera.opening import kind_of
from devices.card_reader.apdu import KEY_BYTES as SECTOR_KEY_BYTES
from devices.card_reader.osdp_line import KEY_BYTES as OSDP_KEY_BYTES
from devices.config import (
    CardReaderConfig,
    ContainerCameraConfig,
    PlateCameraConfig,
    SignConfig,
    TagReaderConfig,
    WeighbridgeConfig,
)
from devices.sim.bench import DEVICES
from devices.sim.pcsc_reader import READER
from devices.sim.stream_cameras import CAMERA_PORTS, NO_ENCODER, can_encode, codec_named_in
from devices.transports.tcp import SCHEME, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from devices.config import (
        BusConfig,
        CameraConfig,
        DevicesConfig,
    )

HOST = "127.0.0.1"
ANY_HOST = ("0.0.0.0", "::", "")  # noqa: S104 - what a lane may listen at
NO_TLS = "the simulators have no TLS"
OnLine = TypeVar("OnLine", WeighbridgeConfig, CardReaderConfig, TagReaderConfig, SignConfig)
Post = TypeVar("Post", PlateCameraConfig, ContainerCameraConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The lane as it is simulated here. `moved`: device, why it is not at its own place."""

    config: DevicesConfig
    moved: Mapping[str, str] = field(default_factory=dict)


def desk_of(config: DevicesConfig, simulated: Collection[str], folder: Path) -> Desk:
    """`config` with every simulated device at a place that can be served here.

    `folder` is for the lines and keys of devices that get a place of their own.
    """
    moves: dict[str, Callable[[], tuple[Any, str] | None]] = {
        "bus": partial(_bus, config.bus, folder),
        "weighbridge": partial(_on_line, config.weighbridge, folder / "scale"),
        "card_reader": partial(_card_reader, config.card_reader, folder),
        "camera": partial(_camera, config.camera),
        "lane_camera": partial(_lane_camera, config),
        "plate_camera": partial(_posting, "plate_camera", config.plate_camera, folder),
        "container_camera": partial(_posting, "container_camera", config.container_camera, folder),
        "tag_reader": partial(_on_line, config.tag_reader, folder / "tags"),
        "sign": partial(_sign, config.sign, folder),
    }
    tables: dict[str, Any] = {}
    moved: dict[str, str] = {}
    for device in DEVICES:
        found = moves[device]() if device in simulated else None
        if found is not None:
            tables[device], moved[device] = found
    film = config.lane_camera
    if film is not None and "lane_camera" in simulated and _is_same(config) and "camera" in moved:
        source = tables["camera"].source
        tables["lane_camera"] = msgspec.structs.replace(film, source=source, driver="auto")
        moved["lane_camera"] = moved["camera"]
    return Desk(config=msgspec.structs.replace(config, **tables), moved=moved)


def reports_elsewhere(lane: Path) -> bool:
    """Whether a lane with this file tells a hub on another machine what it does."""
    hub = tomllib.loads(lane.read_text(encoding="utf-8")).get("hub", {})
    return bool(hub) and hub.get("host") not in (HOST, "localhost", "::1")


def write_desk(lane: Path, original: DevicesConfig, desk: Desk, folder: Path) -> Path:
    """The lane file `lane` with the places of `desk`, in `folder`.

    Raises:
        DeviceConfigError: it has a value that cannot be written.
    """
    tables = tomllib.loads(lane.read_text(encoding="utf-8"))
    for device in desk.moved:
        before, now = getattr(original, device), getattr(desk.config, device)
        for key in now.__struct_fields__:
            if getattr(now, key) != getattr(before, key):
                tables["devices"][device][key] = msgspec.to_builtins(getattr(now, key))
    if "lane" in tables:
        tables["state_dir"] = str(folder / "state")
        tables["hub"] = {"host": HOST}
    path = folder / lane.name
    path.write_text(f"# Written by gate-bench sim from {lane}\n{as_toml(tables)}\n", "utf-8")
    return path


# --- keys and passwords of simulated devices ------------------------------------------------------


def is_unreadable(path: str) -> bool:
    """Whether a lane file names a key or password file that is not for us to read."""
    return bool(path) and not os.access(path, os.R_OK)


def make_key(card_reader: str, folder: Path) -> str:
    """A key between a simulated reader of this driver and its lane; the path of its file."""
    length = OSDP_KEY_BYTES if card_reader == "osdp" else SECTOR_KEY_BYTES
    return _secret(folder / "card-reader.key", secrets.token_hex(length))


def make_password(table: str, folder: Path) -> str:
    """A password between a simulated camera that posts and its lane; the path of its file."""
    return _secret(folder / f"{table}.password", secrets.token_urlsafe())


def _secret(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)


# --- why a place cannot be served here ------------------------------------------------------------


def why_not_listen(host: str, port: int) -> str | None:
    """Why nobody can listen there on this machine; None where it can be tried."""
    try:
        (*_, address) = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0]
    except OSError as exc:
        return f"{host}: {(exc.strerror or str(exc)).lower()}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL:
                return f"{host} is no address of this machine"
            if exc.errno == errno.EACCES:
                return f"port {port} is for root"
    return None


def _why_not_link(port: str) -> str | None:
    """Why no link can be made there, as a simulated serial port is."""
    path = Path(port)
    if path.is_symlink() or path.exists():
        return None  # a simulator's, or hardware: the bench says so
    folder = next(each for each in path.absolute().parents if each.exists())
    return None if os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written to"


# --- device by device: the table with another place, and why; None where it may stay --------------


def _line(port: str, link: Path) -> tuple[str, str] | None:
    if port.startswith(SCHEME):
        why = why_not_listen(*parse_address(port))
        return None if why is None else (f"{SCHEME}{HOST}:{free_port()}", why)
    why = None if "://" in port else _why_not_link(port)
    return None if why is None else (str(link), why)


def _on_line(table: OnLine | None, link: Path) -> tuple[OnLine, str] | None:
    found = None if table is None else _line(table.port, link)
    if table is None or found is None:
        return None
    port, why = found
    return msgspec.structs.replace(table, port=port), why


def _bus(bus: BusConfig, folder: Path) -> tuple[BusConfig, str] | None:
    if bus.transport == "tcp":
        why = why_not_listen(bus.host, bus.tcp_port)
        moved = msgspec.structs.replace(bus, host=HOST, tcp_port=free_port())
        return None if why is None else (moved, why)
    found = _line(bus.serial_port, folder / "board")
    if found is None:
        return None
    return msgspec.structs.replace(bus, serial_port=found[0]), found[1]


def _card_reader(card: CardReaderConfig, folder: Path) -> tuple[CardReaderConfig, str] | None:
    why = []
    if card.driver == "pcsc":
        if card.port not in READER:
            card = msgspec.structs.replace(card, port=READER)
            why.append("cards can be laid on the virtual reader of pcscd only")
    elif (found := _on_line(card, folder / "card")) is not None:
        card, line_why = found
        why.append(line_why)
    if is_unreadable(card.key_file):
        why.append(f"{card.key_file} cannot be read: it has a key of its own")
        card = msgspec.structs.replace(card, key_file=make_key(card.driver, folder))
    return (card, "; ".join(why)) if why else None


def _camera(camera: CameraConfig) -> tuple[CameraConfig, str] | None:
    kind, parts = kind_of(camera), urlsplit(camera.source)
    if kind == "folder" or (kind == "stream" and "://" not in camera.source):
        return None  # needs no simulator
    if kind == "v4l2":
        why: str | None = "a video device cannot be simulated; this is the stream driver"
    elif parts.scheme not in CAMERA_PORTS:
        why = NO_TLS
    else:
        why = _why_not_at(camera.source)
    scheme = "rtsp" if parts.scheme.startswith("rtsp") else "http"
    path = "/" if kind == "v4l2" else _path_of(camera.source)
    if codec_named_in(f"{scheme}://{HOST}{path}") and not can_encode():
        path, why = "/", f"{NO_ENCODER}: this is Motion JPEG"
    if why is None:
        return None
    source = f"{scheme}://{HOST}:{free_port()}{path}"
    return msgspec.structs.replace(camera, source=source, driver="auto"), why


def _lane_camera(config: DevicesConfig) -> tuple[CameraConfig, str] | None:
    if config.lane_camera is None or _is_same(config):
        return None
    return _camera(config.lane_camera)


def _is_same(config: DevicesConfig) -> bool:
    """Whether the lane camera is the plate camera a second time."""
    film = config.lane_camera
    return film is not None and film.source == config.camera.source


def _posting(table: str, posts: Post | None, folder: Path) -> tuple[Post, str] | None:
    """A camera that posts what it has read."""
    if posts is None:
        return None
    why = []
    poster = HOST if posts.listen in ANY_HOST else posts.listen
    if (not_here := why_not_listen(posts.listen, posts.port)) is not None:
        why.append(not_here)
    elif not _may_post(poster, table, posts):
        why.append(f"{poster} may not post")
    if not posts.port:
        why.append("port 0 is any port")
    if why:
        port = posts.port or free_port()
        posts = msgspec.structs.replace(posts, listen=HOST, allow=(HOST,), port=port)
    if is_unreadable(posts.password_file):
        why.append(f"{posts.password_file} cannot be read: it has a password of its own")
        posts = msgspec.structs.replace(posts, password_file=make_password(table, folder))
    return (posts, "; ".join(why)) if why else None


def _may_post(host: str, table: str, posts: Post) -> bool:
    with suppress(ValueError):
        return any(ip_address(host) in network for network in allowed_networks(table, posts))
    return False


def _sign(sign: SignConfig | None, folder: Path) -> tuple[SignConfig, str] | None:
    if sign is None or sign.driver != "http":
        return _on_line(sign, folder / "sign")
    why = NO_TLS if urlsplit(sign.url).scheme == "https" else _why_not_at(sign.url)
    if why is None:
        return None
    return msgspec.structs.replace(
        sign, url=f"http://{HOST}:{free_port()}{_path_of(sign.url)}"
    ), why


def _why_not_at(address: str) -> str | None:
    """`why_not_listen` for the place of a URL."""
    parts = urlsplit(address)
    try:
        port = CAMERA_PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        return None  # the bench names what is wrong with it
    return why_not_listen(parts.hostname or HOST, port)


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
