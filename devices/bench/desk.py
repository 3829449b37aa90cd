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
from devices.bench.wording import said
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
from devices.sim.stream_cameras import CAMERA_PORTS, can_encode, codec_named_in
from devices.texts import Said
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
OnLine = TypeVar("OnLine", WeighbridgeConfig, CardReaderConfig, TagReaderConfig, SignConfig)
Post = TypeVar("Post", PlateCameraConfig, ContainerCameraConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The lane as it is simulated here. `moved`: device, why it is not at its own place."""

    config: DevicesConfig
    moved: Mapping[str, Said] = field(default_factory=dict)


def desk_of(config: DevicesConfig, simulated: Collection[str], folder: Path) -> Desk:
    """`config` with every simulated device at a place that can be served here.

    `folder` is for the lines and keys of devices that get a place of their own.
    """
    moves: dict[str, Callable[[], tuple[Any, Said] | None]] = {
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
    moved: dict[str, Said] = {}
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


def why_not_listen(host: str, port: int) -> Said | None:
    """Why nobody can listen there on this machine; None where it can be tried."""
    try:
        (*_, address) = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0]
    except OSError as exc:
        return said("desk.no_such_host", host=host, why=(exc.strerror or str(exc)).lower())
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL:
                return said("desk.not_this_machine", host=host)
            if exc.errno == errno.EACCES:
                return said("desk.port_of_root", port=port)
    return None


def _why_not_link(port: str) -> Said | None:
    """Why no link can be made there, as a simulated serial port is."""
    path = Path(port)
    if path.is_symlink() or path.exists():
        return None  # a simulator's, or hardware: the bench says so
    folder = next(each for each in path.absolute().parents if each.exists())
    if os.access(folder, os.W_OK | os.X_OK):
        return None
    return said("desk.no_writing", folder=str(folder))


# --- device by device: the table with another place, and why; None where it may stay --------------


def _line(port: str, link: Path) -> tuple[str, Said] | None:
    if port.startswith(SCHEME):
        why = why_not_listen(*parse_address(port))
        return None if why is None else (f"{SCHEME}{HOST}:{free_port()}", why)
    why = None if "://" in port else _why_not_link(port)
    return None if why is None else (str(link), why)


def _on_line(table: OnLine | None, link: Path) -> tuple[OnLine, Said] | None:
    found = None if table is None else _line(table.port, link)
    if table is None or found is None:
        return None
    port, why = found
    return msgspec.structs.replace(table, port=port), why


def _bus(bus: BusConfig, folder: Path) -> tuple[BusConfig, Said] | None:
    if bus.transport == "tcp":
        why = why_not_listen(bus.host, bus.tcp_port)
        moved = msgspec.structs.replace(bus, host=HOST, tcp_port=free_port())
        return None if why is None else (moved, why)
    found = _line(bus.serial_port, folder / "board")
    if found is None:
        return None
    return msgspec.structs.replace(bus, serial_port=found[0]), found[1]


def _card_reader(card: CardReaderConfig, folder: Path) -> tuple[CardReaderConfig, Said] | None:
    why: list[Said] = []
    if card.driver == "pcsc":
        if card.port not in READER:
            card = msgspec.structs.replace(card, port=READER)
            why.append(said("desk.virtual_reader"))
    elif (found := _on_line(card, folder / "card")) is not None:
        card, line_why = found
        why.append(line_why)
    if is_unreadable(card.key_file):
        why.append(said("desk.own_key", path=card.key_file))
        card = msgspec.structs.replace(card, key_file=make_key(card.driver, folder))
    return (card, _all(why)) if why else None


def _camera(camera: CameraConfig) -> tuple[CameraConfig, Said] | None:
    kind, parts = kind_of(camera), urlsplit(camera.source)
    if kind == "folder" or (kind == "stream" and "://" not in camera.source):
        return None  # needs no simulator
    if kind == "v4l2":
        why: Said | None = said("desk.no_video_device")
    elif parts.scheme not in CAMERA_PORTS:
        why = said("desk.no_tls")
    else:
        why = _why_not_at(camera.source)
    scheme = "rtsp" if parts.scheme.startswith("rtsp") else "http"
    path = "/" if kind == "v4l2" else _path_of(camera.source)
    if codec_named_in(f"{scheme}://{HOST}{path}") and not can_encode():
        path, why = "/", said("desk.no_encoder")
    if why is None:
        return None
    source = f"{scheme}://{HOST}:{free_port()}{path}"
    return msgspec.structs.replace(camera, source=source, driver="auto"), why


def _lane_camera(config: DevicesConfig) -> tuple[CameraConfig, Said] | None:
    if config.lane_camera is None or _is_same(config):
        return None
    return _camera(config.lane_camera)


def _is_same(config: DevicesConfig) -> bool:
    """Whether the lane camera is the plate camera a second time."""
    film = config.lane_camera
    return film is not None and film.source == config.camera.source


def _posting(table: str, posts: Post | None, folder: Path) -> tuple[Post, Said] | None:
    """A camera that posts what it has read."""
    if posts is None:
        return None
    why: list[Said] = []
    poster = HOST if posts.listen in ANY_HOST else posts.listen
    if (not_here := why_not_listen(posts.listen, posts.port)) is not None:
        why.append(not_here)
    elif not _may_post(poster, table, posts):
        why.append(said("desk.may_not_post", host=poster))
    if not posts.port:
        why.append(said("desk.any_port"))
    if why:
        port = posts.port or free_port()
        posts = msgspec.structs.replace(posts, listen=HOST, allow=(HOST,), port=port)
    if is_unreadable(posts.password_file):
        why.append(said("desk.own_password", path=posts.password_file))
        posts = msgspec.structs.replace(posts, password_file=make_password(table, folder))
    return (posts, _all(why)) if why else None


def _may_post(host: str, table: str, posts: Post) -> bool:
    with suppress(ValueError):
        return any(ip_address(host) in network for network in allowed_networks(table, posts))
    return False


def _sign(sign: SignConfig | None, folder: Path) -> tuple[SignConfig, Said] | None:
    if sign is None or sign.driver != "http":
        return _on_line(sign, folder / "sign")
    why = said("desk.no_tls") if urlsplit(sign.url).scheme == "https" else _why_not_at(sign.url)
    if why is None:
        return None
    return msgspec.structs.replace(
        sign, url=f"http://{HOST}:{free_port()}{_path_of(sign.url)}"
    ), why


def _why_not_at(address: str) -> Said | None:
    """`why_not_listen` for the place of a URL."""
    parts = urlsplit(address)
    try:
        port = CAMERA_PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        return None  # the bench names what is wrong with it
    return why_not_listen(parts.hostname or HOST, port)


def _all(reasons: list[Said]) -> Said:
    return Said(
        zh="；".join(each.zh for each in reasons), en="; ".join(each.en for each in reasons)
    )


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
