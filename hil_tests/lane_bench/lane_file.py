"""The lane files of a bench: its own devices where they are real, simulators' places elsewhere."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from devices.bench.desk import is_unreadable, make_key, make_password
from devices.bench.toml_text import as_toml
from devices.errors import DeviceConfigError
from devices.registry import CARD_READERS, TAG_READERS, WEIGHBRIDGES
from devices.sim.pcsc_reader import READER
from hil_tests.lane_bench.bench_file import CONTAINER_POSTS, NONE, BenchFileError
from hil_tests.rig import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hil_tests.demo.places import LanePlace
    from hil_tests.lane_bench.bench_file import BenchFile

CARD_KEYS: dict[str, dict[str, Any]] = {
    "em4100-ascii": {"keep_bytes": 4},  # of five: declarations have the cards' last four
    "resident-id": {"baud": 115_200},  # as they come: a whole card is 1295 bytes
}
"""How each kind of reader is set in this port, so that a card has one number at all of them."""

BEFORE_S = 1.0
"""Of a clip: less than a fault lasts before its truck, so that a camera that is gone gives none."""

_UNNAMED: dict[str, Iterable[str]] = {
    "weighbridge": WEIGHBRIDGES,
    "card_reader": CARD_READERS,
    "tag_reader": TAG_READERS,
    "sign": (),
    "plate_camera": (),
    "container_camera": CONTAINER_POSTS,
}
"""Of a lane file that does not name its driver: the first is what it gets."""

_PLACES = (
    "port",
    "host",
    "tcp_port",
    "serial_port",
    "source",
    "transport",
    "url",
    "listen",
    "allow",
)


def lane_text(bench: BenchFile, own: Mapping[str, Any], lane: LanePlace, text: str) -> str:
    """The lane file `text` as the bench has it; `own` are the tables of the bench's own lane file.

    Raises `BenchFileError` for a value that cannot stand in a lane file.
    """
    tables = tomllib.loads(text)
    tables["policy"] = {"gather_timeout_s": bench.gather_timeout_s}
    served = tables["devices"] = _served(bench, own, lane, tables["devices"])
    places = dict(served)
    for name, keys in own.items():
        served[name] = dict(keys)
        if name in bench.simulated:
            served[name] |= {**_places(name, places[name]), **_secrets(name, keys, lane.folder)}
    try:
        return as_toml(tables)
    except DeviceConfigError as exc:
        raise BenchFileError(str(exc)) from exc


def _served(
    bench: BenchFile, own: Mapping[str, Any], lane: LanePlace, devices: dict[str, Any]
) -> dict[str, Any]:
    """Every device of this lane, at the places where simulators are served."""
    number = int(lane.lane.removeprefix("lane")) - 1

    def of_lane(kinds: tuple[str, ...], device: str) -> str:
        if device not in own:
            return kinds[number % len(kinds)]
        return str(own[device].get("driver", next(iter(_UNNAMED[device]), "")))

    devices["bus"]["transport"] = bench.buses[number % len(bench.buses)]
    devices["bus"]["board"] = bench.boards[number % len(bench.boards)]
    devices["weighbridge"]["driver"] = of_lane(bench.weighbridges, "weighbridge")
    devices["card_reader"] |= _reader(of_lane(bench.readers_here, "card_reader"), lane.folder)
    stream = bench.cameras_here[number % len(bench.cameras_here)]
    if stream != "http":
        path = "h264/lane" if stream == "rtsp-h264" else "lane"
        devices["camera"]["source"] = f"rtsp://{HOST}:{lane.camera_port}/{path}"
    if (driver := of_lane(bench.tag_readers, "tag_reader")) != NONE:
        devices["tag_reader"] = {"driver": driver, "port": str(lane.folder / "tags")}
    if (driver := of_lane(bench.signs, "sign")) != NONE:
        refresh = {"refresh_s": bench.sign_refresh_s}
        devices["sign"] = {"driver": driver, **refresh, **_sign_place(driver, lane.folder)}
    for name in ("plate_camera", "container_camera"):
        devices |= _posting(name, of_lane(getattr(bench, f"{name}s"), name))
    kind = "own" if "lane_camera" in own else bench.lane_cameras[number % len(bench.lane_cameras)]
    if kind != NONE:
        devices["lane_camera"] = _film(kind, devices["camera"]["source"])
    return devices


def _reader(driver: str, folder: Path) -> dict[str, Any]:
    keys = {"driver": driver, **CARD_KEYS.get(driver, {})}
    match driver:
        case "osdp":
            return {**keys, "key_file": make_key(driver, folder)}
        case "pcsc":
            return {**keys, "port": READER}
        case _:
            return keys


def _film(kind: str, shared: str) -> dict[str, Any]:
    """A camera that films the lane; "shared": the plate camera's stream a second time."""
    source = shared if kind == "shared" else f"http://{HOST}:{free_ports(1)[0]}/"
    return {"driver": "stream", "source": source, "before_s": BEFORE_S}


def _posting(name: str, driver: str) -> dict[str, Any]:
    """A camera that posts what it reads to a place where this lane listens."""
    if driver == NONE:
        return {}
    return {name: {"driver": driver, "listen": HOST, "port": free_ports(1)[0], "allow": [HOST]}}


def _sign_place(driver: str, folder: Path) -> dict[str, Any]:
    if driver == "http":
        return {"url": f"http://{HOST}:{free_ports(1)[0]}/show"}
    return {"port": str(folder / "sign")}


def _secrets(name: str, keys: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The key or password of a simulated device, made here where the lane's own is not readable."""
    if name == "card_reader" and is_unreadable(keys.get("key_file", "")):
        return {"key_file": make_key(str(keys.get("driver", "")), folder)}
    if is_unreadable(keys.get("password_file", "")):
        return {"password_file": make_password(name, folder)}
    return {}


def _places(name: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Where a simulated device is served, whatever the lane's own file says."""
    told = ("driver", *_PLACES) if name in ("camera", "lane_camera") else _PLACES
    return {key: keys[key] for key in told if key in keys}
