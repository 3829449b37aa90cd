"""The bench file: which devices are real, who moves the truck, what the devices are."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from pathlib import Path

Presence = Literal["simulated", "real"]


class BenchFileError(Exception):
    """The bench file cannot be used; the message names file and key."""


class Presences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each device by itself, simulated or real."""

    bus: Presence = "simulated"
    weighbridge: Presence = "simulated"
    card_reader: Presence = "simulated"
    camera: Presence = "simulated"


class RealTruck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vehicle that a technician has at hand."""

    plate: str
    card_uid: str
    gross_kg: Annotated[int, Meta(ge=1_000, le=200_000)]


class Asset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device as it stands in the lane, for the acceptance report."""

    maker: str = ""
    model: str = ""
    serial: str = ""
    version: str = ""


class BenchFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bench."""

    name: str
    moves: Literal["simulated", "prompt"] = "simulated"
    lanes: Annotated[int, Meta(ge=1, le=32)] = 1  # played side by side; 1 where a device is real
    lane_file: str = ""  # whose [devices] are used, beside this file; empty: made for the run
    gather_timeout_s: Annotated[float, Meta(ge=2, le=120)] = 6.0  # a lane's own is 45
    weighbridges: tuple[str, ...] = ("yaohua-continuous",)  # drivers, lane by lane
    buses: tuple[Literal["tcp", "rtu"], ...] = ("tcp",)
    devices: Presences = Presences()
    truck: RealTruck | None = None  # needed where a person moves it
    assets: dict[str, Asset] = {}

    @property
    def simulated(self) -> frozenset[str]:
        """The devices that are simulated."""
        return frozenset(
            name for name in self.devices.__struct_fields__ if self.presence(name) == "simulated"
        )

    def presence(self, device: str) -> Presence:
        """Whether one device is real."""
        found: Presence = getattr(self.devices, device)
        return found


def load_bench(path: Path) -> BenchFile:
    """Read a bench file. Raises `BenchFileError` naming file and key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        bench = msgspec.convert(table, BenchFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise BenchFileError(f"{path}: {exc}") from exc
    if bench.moves == "prompt" and bench.truck is None:
        raise BenchFileError(f"{path}: [truck] is needed where moves is prompt")
    is_real = len(bench.simulated) < len(Presences.__struct_fields__)
    if is_real and (bench.lanes != 1 or not bench.lane_file):
        raise BenchFileError(f"{path}: a real device needs lane_file, and lanes = 1")
    if bench.moves == "simulated" and not {"bus", "weighbridge"} <= bench.simulated:
        raise BenchFileError(
            f"{path}: a simulated truck needs a simulated bus and weighbridge: moves = prompt"
        )
    return bench


def devices_of(bench: BenchFile, path: Path) -> dict[str, Any]:
    """The `[devices]` tables of the bench's own lane file; {} where it has none."""
    if not bench.lane_file:
        return {}
    place = path.parent / bench.lane_file
    try:
        tables = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise BenchFileError(f"{place}: {exc}") from exc
    found: dict[str, Any] = tables.get("devices", {})
    return found
