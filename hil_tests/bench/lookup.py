"""Five million declarations on a lane's disk, and how long it takes to find the one in question.

`hub.db` is made by the lane's own `HubCache`, as when the hub sends a whole manifest. The file was
just written, so it is in the page cache as far as memory goes: warm, and the table says so.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gate_agent.store.hub_cache import HubCache
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.store.schema import look_through
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow
from hil_tests.bench.figures import Figure, Part, percentiles
from hil_tests.bench.machine import peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.clock import Clock

SAID_EVERY = 100_000
LOOKUPS = 20_000
WARM_UP = 2_000
BAR_US = 100.0


def measure(clock: Clock, *, rows: int, seed: int, say: Callable[[str], None]) -> Part:
    """Make the manifest, then look up at random. Raises `StoreError`."""
    with tempfile.TemporaryDirectory(prefix="kakou-lookup-") as folder:
        path = Path(folder) / "hub.db"
        before_mb = peak_mb()
        filled_s = _fill(path, rows, clock, say)
        memory_mb = peak_mb() - before_mb
        say("opening the lane's copy as an agent does that starts")
        began_s = clock.now().mono_s
        HubCache(path).close()
        opened_s = clock.now().mono_s - began_s
        began_s = clock.now().mono_s
        look_through(path)
        looked_s = clock.now().mono_s - began_s
        say("looking declarations up")
        reader = ManifestReader(path, lambda _: None)
        try:
            taken_us = _lookups_us(reader, rows, seed, clock)
        finally:
            reader.close()
        size_mb = round(path.stat().st_size / 1e6)
    return Part(
        title=f"look-up in {rows:,} declarations that a lane holds ({size_mb} MB), warm cache",
        command="python -m hil_tests.bench --only lookup",
        figures=(
            Figure(name="taken over by the lane", value=round(filled_s, 1), unit="s", n=1),
            Figure(
                name="memory that this took, at its peak", value=round(memory_mb), unit="MB", n=1
            ),
            Figure(name="opened by an agent that starts", value=round(opened_s, 2), unit="s", n=1),
            Figure(
                name="looked through while the lane works", value=round(looked_s, 1), unit="s", n=1
            ),
            *percentiles(
                "lookup by plate and card", taken_us, "us", (50, 99), digits=0, bars={99: BAR_US}
            ),
        ),
    )


def _fill(path: Path, rows: int, clock: Clock, say: Callable[[str], None]) -> float:
    """Write the manifest; how many seconds the lane took, without those of making it up."""
    say(f"reckoning the digest of {rows:,} declarations")
    total = digest.changed(
        digest.EMPTY, added=(digest.row_digest(_declaration(number)) for number in range(rows))
    )
    cache = HubCache(path)
    began_s = clock.now().mono_s
    try:
        cache.apply(
            version=1, replace_all=True, upserts=_declarations(rows, say), deletes=(), count=rows,
            expected_digest=total, at_ms=clock.now().wall_ms,
        )  # fmt: skip
    finally:
        cache.close()
    return clock.now().mono_s - began_s


def _declarations(rows: int, say: Callable[[str], None]) -> Iterator[DeclarationRow]:
    for number in range(rows):
        if number % SAID_EVERY == 0:
            say(f"{number:,} of {rows:,} declarations")
        yield _declaration(number)


def _papers(number: int) -> tuple[str, str]:
    """Plate and card, spread over their indexes as real ones are."""
    mixed = number * 2_654_435_761 % 2**32
    return f"粤{mixed:010d}", f"{mixed:08X}"


def _declaration(number: int) -> DeclarationRow:
    plate, card = _papers(number)
    return DeclarationRow(
        declaration_id=f"D-2026-{number:09d}",
        plates=(plate,),
        card_uid=card,
        gross_kg=15_000 + number % 35_000,
        valid_from_ms=0,
        valid_until_ms=2**45,
    )


def _lookups_us(reader: ManifestReader, rows: int, seed: int, clock: Clock) -> list[float]:
    chosen = random.Random(seed)
    taken_us = []
    for _ in range(WARM_UP + LOOKUPS):
        plate, card = _papers(chosen.randrange(rows))
        began_s = clock.now().mono_s
        found, _held = reader.find(plate, card)
        taken_us.append((clock.now().mono_s - began_s) * 1e6)
        if len(found) != 1:
            raise LookupError(f"{plate}: {len(found)} declarations found, there is one")
    return taken_us[WARM_UP:]
