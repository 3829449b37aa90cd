"""The lane files of a bench: its own devices where they are real, simulators' places elsewhere."""

from __future__ import annotations

import secrets
import tomllib
from typing import TYPE_CHECKING, Any

from devices.card_reader.osdp_line import KEY_BYTES
from devices.registry import CARD_READERS, TAG_READERS, WEIGHBRIDGES
from hil_tests.lane_bench.bench_file import NONE, BenchFileError
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
    for name, keys in own.items():
        is_simulated = name in bench.simulated
        served[name] = {**keys, **(_places(name, served[name]) if is_simulated else {})}
    return as_toml(tables)


def _served(
    bench: BenchFile, own: Mapping[str, Any], lane: LanePlace, devices: dict[str, Any]
) -> dict[str, Any]:
    """Every device of this lane, at the places where simulators are served."""
    number = int(lane.lane.removeprefix("lane")) - 1

    def of_lane(kinds: tuple[str, ...], device: str) -> str:
        if device not in own:
            return kinds[number % len(kinds)]
        return str(own[device].get("driver", next(iter(_UNNAMED[device]), "")))

    card_reader = of_lane(bench.readers_here, "card_reader")
    devices["bus"]["transport"] = bench.buses[number % len(bench.buses)]
    devices["bus"]["board"] = bench.boards[number % len(bench.boards)]
    devices["weighbridge"]["driver"] = of_lane(bench.weighbridges, "weighbridge")
    devices["card_reader"] |= {"driver": card_reader, **CARD_KEYS.get(card_reader, {})}
    if card_reader == "osdp":
        devices["card_reader"]["key_file"] = str(_key_in(lane.folder))
    if (driver := of_lane(bench.tag_readers, "tag_reader")) != NONE:
        devices["tag_reader"] = {"driver": driver, "port": str(lane.folder / "tags")}
    if (driver := of_lane(bench.signs, "sign")) != NONE:
        refresh = {"refresh_s": bench.sign_refresh_s}
        devices["sign"] = {"driver": driver, **refresh, **_sign_place(driver, lane.folder)}
    if (driver := of_lane(bench.plate_cameras, "plate_camera")) != NONE:
        (port,) = free_ports(1)
        devices["plate_camera"] = {"driver": driver, "listen": HOST, "port": port, "allow": [HOST]}
    kind = "own" if "lane_camera" in own else bench.lane_cameras[number % len(bench.lane_cameras)]
    if kind != NONE:
        source = f"http://{HOST}:{free_ports(1)[0]}/"
        shared = devices["camera"]["source"]
        devices["lane_camera"] = {
            "driver": "stream",
            "source": shared if kind == "shared" else source,
            "before_s": BEFORE_S,
        }
    return devices


def _sign_place(driver: str, folder: Path) -> dict[str, Any]:
    if driver == "http":
        return {"url": f"http://{HOST}:{free_ports(1)[0]}/show"}
    return {"port": str(folder / "sign")}


def _key_in(folder: Path) -> Path:
    """A key of its own for the secure channel to this lane's reader."""
    path = folder / "osdp.key"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
    return path


def _places(name: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Where a simulated device is served, whatever the lane's own file says."""
    told = ("driver", *_PLACES) if name in ("camera", "lane_camera") else _PLACES
    return {key: keys[key] for key in told if key in keys}


def as_toml(tables: Mapping[str, Any], above: str = "") -> str:
    """Tables of strings, numbers, switches and lists as TOML."""
    lines = [f"{key} = {_value(each)}" for key, each in tables.items() if not _is_table(each)]
    for key, inner in tables.items():
        if _is_table(inner):
            name = f"{above}{key}"
            lines += [f"[{name}]", as_toml(inner, f"{name}.")]
    return "\n".join(lines)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list() | tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case int() | float():
            return repr(value)
        case _:
            raise BenchFileError(f"{value!r} cannot stand in a lane file")
