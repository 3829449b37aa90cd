"""The devices of a bench as the acceptance report lists them: each driver of each device once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from devices.addresses import without_password
from devices.bench.tap import place_of
from devices.sim.stream_cameras import codec_named_in
from hil_tests.acceptance.report import DeviceLine
from hil_tests.lane_bench.bench_file import Asset, Presences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from devices.config import CameraConfig, DevicesConfig
    from hil_tests.lane_bench.bench_file import BenchFile


def device_lines(
    bench: BenchFile, configs: Sequence[DevicesConfig], version: str, label: str = ""
) -> list[DeviceLine]:
    """One line for each driver of each device, at the first lane's place that has it.

    A simulated device without a version of its own is of this program's, `version`. `label` names
    the bench where there are several.
    """
    found: dict[tuple[str, str], DeviceLine] = {}
    for config in configs:
        for name, driver, place in _devices_of(config):
            asset = bench.assets.get(name, Asset())
            if name in bench.simulated and not asset.version:
                asset = msgspec.structs.replace(asset, version=version)
            line = DeviceLine(
                name=name,
                bench=label,
                presence=bench.presence(name),
                driver=driver,
                place=place,
                asset=asset,
            )
            found.setdefault((name, driver), line)
    return sorted(found.values(), key=_order)


def lines_of_all(benches: Iterable[Sequence[DeviceLine]]) -> list[DeviceLine]:
    """The lines of several benches: every real device, and each simulated driver where it is first.

    No simulated device hides a real one, nor one real device another.
    """
    found: dict[tuple[str, ...], DeviceLine] = {}
    for line in (line for lines in benches for line in lines):
        where = line.bench if line.presence == "real" else ""
        found.setdefault((line.name, line.driver, line.presence, where), line)
    return sorted(found.values(), key=_order)


def _order(line: DeviceLine) -> int:
    return Presences.__struct_fields__.index(line.name)


def _devices_of(config: DevicesConfig) -> Iterator[tuple[str, str, str]]:
    """Name, driver and place of each device that the lane has."""
    tags, sign = config.tag_reader, config.sign
    posting, film = config.plate_camera, config.lane_camera
    boxes = config.container_camera
    board = Path(config.bus.board).name
    yield "bus", f"{board}, modbus {config.bus.transport}", place_of(config, "bus")[0]
    yield "weighbridge", config.weighbridge.driver, config.weighbridge.port
    yield "card_reader", config.card_reader.driver, config.card_reader.port
    yield "camera", _camera(config.camera), without_password(config.camera.source)
    if tags is not None:
        yield "tag_reader", tags.driver, tags.port
    if sign is not None:
        yield "sign", sign.driver, sign.port or without_password(sign.url)
    if posting is not None:
        yield "plate_camera", posting.driver, f"{posting.listen}:{posting.port}{posting.path}"
    if film is not None:
        yield "lane_camera", _camera(film), without_password(film.source)
    if boxes is not None:
        yield "container_camera", boxes.driver, f"{boxes.listen}:{boxes.port}{boxes.path}"


def _camera(config: CameraConfig) -> str:
    """Its driver, and over what its stream comes where it is one; the codec if its address says."""
    return f"{config.driver}, {stream}" if (stream := stream_of(config.source)) else config.driver


def stream_of(source: str) -> str:
    """What a camera's address says of its stream, as `rtsp H264`; "" where it is none."""
    scheme, _, rest = source.partition("://")
    return " ".join(filter(None, (scheme, codec_named_in(source)))) if rest else ""
