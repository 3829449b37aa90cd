"""The bench file: which devices are real, who moves the truck, what the devices are."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from devices.boards.board_file import SUFFIX, load_board, shipped_boards
from devices.camera.pushed import PLATE_POSTS
from devices.config import BusConfig, ContainerCameraConfig, SignConfig
from devices.errors import DeviceConfigError
from devices.registry import CARD_READERS, TAG_READERS, WEIGHBRIDGES
from devices.sim.pcsc_reader import has_virtual_reader
from devices.sim.stream_cameras import can_encode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hil_tests.lane_bench.scenario import Scenario

Presence = Literal["simulated", "real"]
Drivers = Annotated[tuple[str, ...], Meta(min_length=1)]
CameraStream = Literal["http", "rtsp", "rtsp-h264"]
LaneCamera = Literal["none", "own", "shared"]
"""None, one with a stream of its own, or the plate camera's stream a second time."""
Wire = Literal["entry_loop", "rear_beam", "front_beam", "exit_loop"]
WIRES: tuple[Wire, ...] = get_args(Wire)
USUAL_READER = "stx-len-uid"
NEEDS = {"osdp": "osdp", "pcsc": "smartcard"}
"""Readers whose driver needs a library that not every computer has."""
NONE: Final = "none"
"""In a list of drivers, lane by lane: this lane has no such device."""


def _drivers(table: type[msgspec.Struct]) -> tuple[str, ...]:
    """The drivers that a table of a lane file may name, where they are few and written there."""
    return get_args(get_type_hints(table)["driver"])


CONTAINER_POSTS = _drivers(ContainerCameraConfig)


class BenchFileError(Exception):
    """The bench file cannot be used; the message names file and key."""


class Presences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each device by itself, simulated or real. What a lane does not have is neither."""

    bus: Presence = "simulated"
    weighbridge: Presence = "simulated"
    card_reader: Presence = "simulated"
    camera: Presence = "simulated"
    tag_reader: Presence = "simulated"
    sign: Presence = "simulated"
    plate_camera: Presence = "simulated"
    lane_camera: Presence = "simulated"
    container_camera: Presence = "simulated"


class RealTruck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vehicle that a technician has at hand."""

    plate: str
    card_uid: str
    gross_kg: Annotated[int, Meta(ge=1_000, le=200_000)]


class RelayBox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box of relays that plays the truck: a Modbus board of its own, on a line of its own.

    `wires` says which relay works which sensor's wire to the lane's board; a relay that is drawn
    in means "occupied" or "cut" (over its break contact where the lane file has the input as
    normally closed, so that a dead box reads as an empty lane). `load` is a relay that puts
    `load_kg` on a real weighbridge: the contact of a load-cell simulator, or a shunt.
    """

    board: BusConfig
    wires: dict[Wire, Annotated[int, Meta(ge=0, le=63)]] = {}
    load: Annotated[int, Meta(ge=0, le=63)] | None = None
    load_kg: Annotated[int, Meta(ge=1_000, le=200_000)] | None = None


class Asset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device as it stands in the lane, for the acceptance report."""

    maker: str = ""
    model: str = ""
    serial: str = ""
    version: str = ""


class BenchFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bench."""

    name: str
    moves: Literal["simulated", "prompt", "relay"] = "simulated"
    lanes: Annotated[int, Meta(ge=1, le=32)] = 1  # played side by side; 1 where a device is real
    plays: Literal["everything", "drivers"] = "everything"  # drivers: what is of one driver only
    lane_file: str = ""  # whose [devices] are used, beside this file; empty: made for the run
    gather_timeout_s: Annotated[float, Meta(ge=2, le=120)] = 6.0  # a lane's own is 45
    weighbridges: Drivers = ("yaohua-continuous",)  # this and those below: lane by lane, in turn
    buses: Annotated[tuple[Literal["tcp", "rtu"], ...], Meta(min_length=1)] = ("tcp",)
    boards: Drivers = ("waveshare",)  # words, or map files beside this one
    card_readers: Drivers = (USUAL_READER,)
    tag_readers: Drivers = (NONE,)
    signs: Drivers = (NONE,)
    cameras: Annotated[tuple[CameraStream, ...], Meta(min_length=1)] = ("http",)
    plate_cameras: Drivers = (NONE,)
    container_cameras: Drivers = (NONE,)
    lane_cameras: Annotated[tuple[LaneCamera, ...], Meta(min_length=1)] = (NONE,)
    sign_refresh_s: Annotated[float, Meta(gt=0, le=60)] = 20.0
    devices: Presences = Presences()
    truck: RealTruck | None = None  # needed where a person moves it, or holds its card out
    relay_box: RelayBox | None = None  # needed with moves = "relay"
    assets: dict[str, Asset] = {}

    @property
    def simulated(self) -> frozenset[str]:
        """The devices that are simulated."""
        return frozenset(
            name for name in self.devices.__struct_fields__ if self.presence(name) == "simulated"
        )

    @property
    def readers_here(self) -> tuple[str, ...]:
        """The card readers lane by lane; the usual one where this computer cannot have one."""
        return tuple(name if can_have(name) else USUAL_READER for name in self.card_readers)

    @property
    def cameras_here(self) -> tuple[CameraStream, ...]:
        """The plate cameras' streams lane by lane; Motion JPEG where no encoder is installed."""
        return self.cameras if can_encode() else tuple(map(_without_encoder, self.cameras))

    def is_to_play(self, scenario: Scenario) -> bool:
        """Whether the scenario belongs on this bench."""
        return self.plays == "everything" or bool(scenario.of)

    @property
    def needs_person(self) -> bool:
        """Whether somebody must be there: to drive, or to hold a real card to a real reader."""
        return self.moves == "prompt" or "card_reader" not in self.simulated

    def presence(self, device: str) -> Presence:
        """Whether one device is real."""
        found: Presence = getattr(self.devices, device)
        return found


def _without_encoder(stream: CameraStream) -> CameraStream:
    return "rtsp" if stream == "rtsp-h264" else stream


@cache
def can_have(card_reader: str) -> bool:
    """Whether this computer has the library of a reader's driver, and what simulates the reader.

    Looked at once a run: every lane of it must be told the same.
    """
    library = NEEDS.get(card_reader)
    if library is not None and find_spec(library) is None:
        return False
    return card_reader != "pcsc" or has_virtual_reader()


def load_bench(path: Path) -> BenchFile:
    """Read a bench file. Raises `BenchFileError` naming file and key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        bench = msgspec.convert(table, BenchFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise BenchFileError(f"{path}: {exc}") from exc
    bench = msgspec.structs.replace(bench, boards=_found(bench.boards, path.parent))
    for problem in (*_unknown_drivers(bench), *_unusable_boards(bench), *_unfit(bench)):
        raise BenchFileError(f"{path}: {problem}")
    return bench


def _found(boards: Drivers, folder: Path) -> Drivers:
    """Map files by their whole path; written beside the bench file."""
    return tuple(str(folder / each) if each.endswith(SUFFIX) else each for each in boards)


def _unknown_drivers(bench: BenchFile) -> Iterable[str]:
    known: dict[str, Iterable[str]] = {
        "weighbridges": WEIGHBRIDGES,
        "boards": (*shipped_boards(), *(each for each in bench.boards if each.endswith(SUFFIX))),
        "card_readers": CARD_READERS,
        "tag_readers": (NONE, *TAG_READERS),
        "signs": (NONE, *_drivers(SignConfig)),
        "plate_cameras": (NONE, *PLATE_POSTS),
        "container_cameras": (NONE, *CONTAINER_POSTS),
    }
    for key, names in known.items():
        for name in getattr(bench, key):
            if name not in names:
                yield f"{key}: unknown driver {name!r}; known are {', '.join(names)}"


def _unusable_boards(bench: BenchFile) -> Iterable[str]:
    for board in bench.boards:
        try:
            load_board(board)
        except DeviceConfigError as exc:
            yield f"boards: {exc}"


def _unfit(bench: BenchFile) -> Iterable[str]:
    """Keys that do not fit together."""
    is_real = len(bench.simulated) < len(Presences.__struct_fields__)
    if is_real and (bench.lanes != 1 or not bench.lane_file):
        yield "a real device needs lane_file, and lanes = 1"
    if bench.needs_person and bench.truck is None:
        yield "[truck] is needed where a person moves it or holds its card to a real reader"
    is_hands_off = {"bus", "weighbridge"} <= bench.simulated
    if bench.moves == "simulated" and not is_hands_off:
        yield ("a simulated truck needs a simulated bus and weighbridge: moves = prompt, or relay")
    if bench.moves == "prompt" and "bus" in bench.simulated:
        yield (
            "devices.bus: moves = prompt needs it real: no driver works simulated loops and beams;"
            " with moves = simulated a person still holds cards to a real reader"
        )
    if (bench.moves == "relay") != (bench.relay_box is not None):
        yield "[relay_box] belongs to moves = relay, and is needed there"
    box = bench.relay_box
    if box is not None:
        yield from _unfit_box(bench, box)


def _unfit_box(bench: BenchFile, box: RelayBox) -> Iterable[str]:
    if bench.lanes != 1:
        yield "one relay box plays one lane: lanes = 1"
    missing = [wire for wire in WIRES if wire not in box.wires]
    if "bus" not in bench.simulated and missing:
        yield f"relay_box.wires: {', '.join(missing)} needed where the bus is real"
    if (box.load is None) != (box.load_kg is None):
        yield "relay_box: load and load_kg belong together"
    relays = [*box.wires.values(), *([] if box.load is None else [box.load])]
    if bench.truck is not None and box.load_kg not in (None, bench.truck.gross_kg):
        yield "relay_box.load_kg and truck.gross_kg are of one truck, and differ"
    if len(set(relays)) != len(relays):
        yield f"relay_box: two wires on one relay: {sorted(relays)}"


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
    for name in bench.devices.__struct_fields__:
        if bench.presence(name) == "real" and name not in found:
            raise BenchFileError(f"{place}: no [devices.{name}], which {path} has as real")
    return found
