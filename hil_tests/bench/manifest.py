"""A large manifest: into the hub, onto every lane, and how long a lane then looks one up."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate_agent.store.manifest_reader import ManifestReader
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.demo.lane_traffic import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.port import Port

ARRIVES_S = 300.0
LOOKUPS = 20_000
_IMPORT_S = 300.0


class ManifestLate(Exception):
    """A lane did not have the manifest in time."""


def measure_manifest(port: Port, clock: Clock, rows: int, say: Callable[[str], None]) -> Part:
    """Import `rows` declarations through the console; wait for the lanes. Raises."""
    say(f"importing {rows} declarations")
    content = _file(rows)
    began_s = clock.now().mono_s
    report: Any = port.console.import_csv(content, timeout_s=_IMPORT_S)
    imported_s = clock.now().mono_s
    readers = [
        ManifestReader(Path(lane.folder) / "state" / "hub.db", lambda _: None)
        for lane in port.places.lanes
    ]
    try:
        say("waiting for the lanes to hold them")
        for reader in readers:
            _wait_for(reader, int(report["version"]), clock)
        adopted_s = clock.now().mono_s
        say("looking declarations up")
        lookups_us = _lookups_us(readers[0], rows, clock)
    finally:
        for reader in readers:
            reader.close()
    return Part(
        title=f"a manifest of {rows:,} declarations ({len(content) / 1e6:.1f} MB of CSV)",
        command="python -m hil_tests.bench --only passages",
        figures=(
            Figure(name="accepted", value=int(report["accepted"]), unit="", n=1),
            Figure(name="import", value=round(imported_s - began_s, 1), unit="s", n=1),
            Figure(
                name="import done to held by every lane",
                value=round(adopted_s - imported_s, 1), unit="s", n=len(readers),
            ),
            *percentiles("lookup by plate and card", lookups_us, "us", (50, 99), digits=0),
        ),
    )  # fmt: skip


def _file(rows: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    now = datetime.now(UTC).replace(microsecond=0)
    since, until = (now - timedelta(hours=1)).isoformat(), (now + timedelta(days=2)).isoformat()
    for number in range(rows):
        plate, card = _papers(number)
        kg = 15_000 + number % 35_000
        writer.writerow([f"bench-{number}", plate, card, kg, since, until, "released", ""])
    return out.getvalue().encode()


def _papers(number: int) -> tuple[str, str]:
    return f"粤Z{number:06d}", f"{number:08X}"


def _wait_for(reader: ManifestReader, version: int, clock: Clock) -> None:
    deadline_s = clock.now().mono_s + ARRIVES_S
    while reader.find("", "")[1].version < version:
        if clock.now().mono_s > deadline_s:
            raise ManifestLate(f"manifest version {version} is not on a lane after {ARRIVES_S} s")
        clock.sleep(0.05)


def _lookups_us(reader: ManifestReader, rows: int, clock: Clock) -> list[float]:
    chosen = random.Random(1)
    taken_us = []
    for _ in range(LOOKUPS):
        plate, card = _papers(chosen.randrange(rows))
        began_s = clock.now().mono_s
        reader.find(plate, card)
        taken_us.append((clock.now().mono_s - began_s) * 1e6)
    return taken_us
