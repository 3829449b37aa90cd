"""One of the benches that a run is of: its file, its lanes' devices, and the tapes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devices.bench.recording import record
from devices.bench.tap import TAPED
from devices.config import load_devices
from devices.errors import DeviceConfigError, DeviceError
from devices.sim.bench import Bench
from hil_tests.acceptance.report import TapeLine
from hil_tests.lane_bench.bench_file import Presences, load_bench
from hil_tests.lane_bench.lane_site import BenchSite, devices_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devices.clock import Clock
    from devices.config import DevicesConfig
    from hil_tests.lane_bench.bench_file import BenchFile

CARD = "04A1B2C3"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBench:
    """One bench file of a run. `name` is the file's, and no other's of this run."""

    name: str
    label: str  # the name, where there are several benches; else empty
    path: Path
    file: BenchFile
    configs: tuple[DevicesConfig, ...]  # of each lane, as the scenarios will have them

    @property
    def has(self) -> frozenset[str]:
        """What its lanes have, as `Scenario.of` names it."""
        return frozenset().union(*map(devices_in, self.configs))

    @property
    def is_real(self) -> bool:
        """Whether any of its devices is."""
        return len(self.file.simulated) < len(Presences.__struct_fields__)


def benches_of(paths: Sequence[Path], scratch: Path, clock: Clock) -> list[OneBench]:
    """Read the bench files, and write their lanes into `scratch`. Raises `BenchFileError`."""
    found = []
    for number, (name, path) in enumerate(zip(names_of(paths), paths, strict=True)):
        file = load_bench(path)
        site = BenchSite(scratch / f"bench-{number}", file, path, clock)
        configs = tuple(load_devices(lane.config) for lane in site.lanes.values())
        label = name if len(paths) > 1 else ""
        found.append(OneBench(name=name, label=label, path=path, file=file, configs=configs))
    return found


def names_of(paths: Sequence[Path]) -> list[str]:
    """What each is called in the report: its file's name, and a number where two have one name."""
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else f"{stem}-{stems[: place + 1].count(stem)}"
        for place, stem in enumerate(stems)
    ]


def tapes_of(bench: OneBench, out: Path, duration_s: float, clock: Clock) -> list[TapeLine]:
    """A tape of each device of the first lane whose wire can be taped."""
    config, lines = bench.configs[0], []
    with Bench(config, clock, simulated=bench.file.simulated) as devices:
        for device in TAPED:
            if getattr(config, device) is None:
                continue
            line = TapeLine(device=device, bench=bench.label)
            file = f"{bench.label}-{device}.tape" if bench.label else f"{device}.tape"
            try:
                if device == "card_reader" and "card_reader" in bench.file.simulated:
                    devices.card_reader.present(CARD)
                digest = record(config, device, out / file, duration_s, clock)
                lines.append(_with(line, file=file, sha256=digest))
            except DeviceConfigError as exc:  # no wire, or one under TLS
                lines.append(_with(line, why=str(exc)))
            except DeviceError as exc:
                lines.append(_with(line, why=str(exc), is_missing=True))
    return lines


def _with(line: TapeLine, **values: str | bool) -> TapeLine:
    return msgspec.structs.replace(line, **values)
