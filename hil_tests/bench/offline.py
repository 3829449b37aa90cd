"""Lanes that were alone for three days: how long the hub needs to have everything again.

The days are made with the real core and the real store: every event of every passage is stepped
and committed, with the clocks of 72 hours. A share of the passages has an overview and a plate of
the size that a lane's camera makes, as bytes that do not compress. Then the real agents and a real
hub are started, and the time runs until the hub has acknowledged the last record, after its last
commit.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from central.store import chain_store
from gate_agent.domain import events
from gate_agent.domain.effects import ArmDeadline, FindDeclarations
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import Declaration, ManifestStatus
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import (
    Barrier,
    DeclarationId,
    Instant,
    LaneId,
    Phase,
    WeightState,
)
from gate_agent.store.lane_store import LaneStore
from gate_agent.store.picture_files import PictureFiles
from gate_agent.wire.chain import Walk, findings
from hil_tests.bench.figures import Figure, Part
from hil_tests.demo.places import free_port, prepare
from hil_tests.demo.port import Port
from hil_tests.demo.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.places import LanePlace, Places

LANES = 4
HOURS = 72
BAR_S = 300.0
LONGEST_S = 1_800.0
UP_S = 60.0
GROSS_KG = 32_000
BEGAN_MS = 1_790_000_000_000
MEMORY = Path("/dev/shm")  # noqa: S108 - three days are written there, then moved to the disk
OVERVIEW_BYTES = 120_000
PLATE_BYTES = 15_000
PICTURES_MAX_BYTES = 2_000_000_000  # what a lane keeps where its file says nothing
POLICY = ReleasePolicy(manifest_max_age_s=HOURS * 3600.0)


class OfflineError(Exception):
    """The hub did not get everything, or the days could not be made."""


class Days:
    """One lane's days without a hub, made event by event."""

    def __init__(
        self, folder: Path, lane: str, pictures: PictureFiles, *, pictured_permille: int
    ) -> None:
        self._pictures, self._permille = pictures, pictured_permille
        self._random = random.Random(lane)
        self.pictured = 0
        self._store = LaneStore(folder / "lane.db", LaneId(lane), POLICY)
        self._at = Instant(1_000.0, BEGAN_MS)
        self._token = 0
        self._question: FindDeclarations | None = None
        self._happens(events.AgentStarted(policy=POLICY, version="bench"))
        self._happens(events.FaultRaised(code=FaultCode.UPLINK))
        self._sees()
        self._happens(events.BarrierMoved(position=Barrier.CLOSED))
        self._weighs(WeightState.EMPTY, 0)

    def close(self) -> int:
        """Close the file; the number of its last record."""
        last_seq = self._store.last_seq
        self._store.close()
        return last_seq

    def passage(self, number: int, *, lasts_s: float) -> None:
        """A truck comes, is released, and goes. Raises `OfflineError` if it is not."""
        began_s = self._at.mono_s
        self._comes(number)
        if self._store.lane.phase is not Phase.RELEASING:
            raise OfflineError(f"passage {number} is {self._store.lane.phase.value}")
        self._goes()
        self._passes(max(0.1, lasts_s - (self._at.mono_s - began_s)))

    def _comes(self, number: int) -> None:
        self._sees(entry_loop=True)
        self._weighs(WeightState.MOVING, 9_000)
        self._sees(entry_loop=True, rear_beam=True)
        self._sees()
        self._passes(2.0)
        passage = self._store.lane.passage
        if passage is None:
            raise OfflineError(f"passage {number} did not open")
        plate, card = f"粤B{number:05d}", f"{number:08X}"
        overview, close_up = self._pictures_of(number)
        read = events.PlateRead(
            passage_id=passage.passage_id, attempt=1, text=plate, plate_class="blue",
            confidence_permille=980, frames_agreed=3, frames_seen=3, picture_id=overview,
            plate_picture_id=close_up,
        )  # fmt: skip
        self._happens(read)
        self._happens(events.CardPresented(uid=card))
        self._weighs(WeightState.SETTLED, GROSS_KG)
        self._answer(number, plate, card)

    def _pictures_of(self, number: int) -> tuple[str | None, str | None]:
        """Evenly spread over the days: so many passages in a thousand have both."""
        if number * self._permille // 1000 == (number - 1) * self._permille // 1000:
            return None, None
        self.pictured += 1
        return (
            self._pictures.keep(self._random.randbytes(OVERVIEW_BYTES)),
            self._pictures.keep(self._random.randbytes(PLATE_BYTES)),
        )

    def _answer(self, number: int, plate: str, card: str) -> None:
        if self._question is None:
            raise OfflineError(f"passage {number} asks for no declaration")
        declaration = Declaration(
            declaration_id=DeclarationId(f"D{self._store.lane.lane_id}-{number}"),
            plates=(plate,), card_uid=card, gross_kg=GROSS_KG,
            valid_from_ms=0, valid_until_ms=2 * BEGAN_MS,
        )  # fmt: skip
        confirmed = Instant(self._at.mono_s - 600.0, self._at.wall_ms - 600_000)
        status = ManifestStatus(version=1, confirmed_at=confirmed)
        self._happens(
            events.DeclarationsFound(
                token=self._question.token, declarations=(declaration,), manifest=status
            )
        )

    def _goes(self) -> None:
        self._happens(events.BarrierMoved(position=Barrier.OPENING))
        self._passes(1.5)
        self._happens(events.BarrierMoved(position=Barrier.OPEN))
        self._sees(front_beam=True)
        self._sees(front_beam=True, exit_loop=True)
        self._weighs(WeightState.EMPTY, 0)
        self._sees(exit_loop=True)
        self._sees()
        self._passes(0.5)
        self._happens(events.DeadlineExpired(token=self._token))
        self._happens(events.BarrierMoved(position=Barrier.CLOSED))

    def _passes(self, duration_s: float) -> None:
        at = self._at
        self._at = Instant(at.mono_s + duration_s, at.wall_ms + round(duration_s * 1000))

    def _sees(
        self, *, entry_loop: bool = False, rear_beam: bool = False,
        front_beam: bool = False, exit_loop: bool = False,
    ) -> None:  # fmt: skip
        self._happens(
            events.InputsChanged(
                entry_loop=entry_loop, rear_beam=rear_beam,
                front_beam=front_beam, exit_loop=exit_loop,
            )
        )  # fmt: skip

    def _weighs(self, state: WeightState, kg: int) -> None:
        window = (kg, kg, kg) if state is WeightState.SETTLED else ()
        self._happens(
            events.WeightObserved(state=state, gross_kg=kg, division_kg=20, window_kg=window)
        )

    def _happens(self, event: events.Event) -> None:
        self._passes(0.2)
        after = step(self._store.lane, event, self._at)
        self._store.commit(events.Stamped(event, self._at), after)
        for effect in after.effects:
            if isinstance(effect, ArmDeadline):
                self._token = effect.token
            elif isinstance(effect, FindDeclarations):
                self._question = effect


@dataclass(frozen=True, slots=True)
class _Made:
    """What the lanes made in their days, and what is missing of it at the hub."""

    pictured_permille: int  # as it was asked for
    last: dict[str, int]  # by lane, the number of its last record
    pictured: int  # passages with two pictures each

    @property
    def records(self) -> int:
        return sum(self.last.values())


def measure(
    clock: Clock, *, passages: int, pictured_permille: int, say: Callable[[str], None]
) -> Part:
    """Make the days, then catch up. Raises `OfflineError`."""
    with tempfile.TemporaryDirectory(prefix="kakou-bench-") as folder:
        places = prepare(Path(folder), free_port(), LANES, clock)
        days = {
            lane.lane: _make_days(lane, passages // LANES, pictured_permille, say)
            for lane in places.lanes
        }
        made = _Made(
            pictured_permille,
            {lane: last for lane, (last, _) in days.items()},
            sum(pictured for _, pictured in days.values()),
        )
        port = Port(places, 0, clock)
        agents: list[Process] = []
        try:
            say("hub and broker")
            port.start_hub()
            _wait(port.console.is_up, UP_S, clock)
            began_s = clock.now().mono_s
            agents += [_agent(lane) for lane in places.lanes]
            say(f"{made.records} records from {LANES} lanes")
            _wait(lambda: _is_all_there(places, made.last), LONGEST_S, clock)
            took_s = clock.now().mono_s - began_s
        finally:
            for agent in agents:
                agent.stop()
            for agent in agents:
                agent.join()
            port.stop()
        return _part(passages, made, took_s, _account(places, made))


def _make_days(
    lane: LanePlace, passages: int, pictured_permille: int, say: Callable[[str], None]
) -> tuple[int, int]:
    """Write the lane's database in memory, move it to its place.

    Its last record's number, and how many passages have pictures.
    """
    state = lane.folder / "state"
    state.mkdir()
    pictures = PictureFiles(state / "pictures", max_bytes=PICTURES_MAX_BYTES)
    root = str(MEMORY) if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kakou-days-", dir=root) as folder:
        days = Days(Path(folder), lane.lane, pictures, pictured_permille=pictured_permille)
        for number in range(1, passages + 1):
            days.passage(number, lasts_s=HOURS * 3600 / passages)
            if number % 500 == 0:
                say(f"{lane.lane}: {number} of {passages} passages without a hub")
        last_seq = days.close()
        for path in Path(folder).iterdir():
            shutil.move(path, state / path.name)
    return last_seq, days.pictured


def _agent(lane: LanePlace) -> Process:
    arguments = ["run", "--config", str(lane.config)]
    return Process(lane.lane, "gate_agent.cli", arguments, lane.folder / "agent.log")


def _is_all_there(places: Places, last: dict[str, int]) -> bool:
    with closing(_hub(places)) as hub:
        rows = hub.execute("SELECT lane, max(through_seq) FROM lane_epochs GROUP BY lane")
        through = dict(rows.fetchall())
    return all(through.get(lane, 0) >= seq for lane, seq in last.items())


def _hub(places: Places) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{places.hub_state / 'hub.db'}?mode=ro", uri=True, timeout=10.0)


def _account(places: Places, made: _Made) -> tuple[int, int, int]:
    """Records that are not there, breaks of the chains, and pictures that are not there."""
    lost = breaks = 0
    with closing(_hub(places)) as hub:
        for lane, seq in made.last.items():
            epoch, held = hub.execute(
                "SELECT epoch, count(*) FROM records WHERE lane = ? AND seq <= ? GROUP BY epoch",
                [lane, seq],
            ).fetchone()
            lost += seq - held
            spanned = chain_store.span(hub, lane=lane, epoch=epoch)
            breaks += sum(found.is_break for found in findings(spanned, Walk()))
        (shown,) = hub.execute("SELECT count(*) FROM pictures WHERE jpeg IS NOT NULL").fetchone()
    return lost, breaks, 2 * made.pictured - shown


def _wait(is_so: Callable[[], bool], longest_s: float, clock: Clock) -> None:
    deadline_s = clock.now().mono_s + longest_s
    while not is_so():
        if clock.now().mono_s > deadline_s:
            raise OfflineError(f"not done after {longest_s:.0f} s")
        clock.sleep(0.2)


def _part(passages: int, made: _Made, took_s: float, missing: tuple[int, int, int]) -> Part:
    lost, breaks, pictures_lost = missing
    n, pictures = made.records, 2 * made.pictured
    share = f"{made.pictured} of {passages} passages with pictures of"
    return Part(
        title=f"{LANES} lanes come back after {HOURS} h and {passages} passages without a hub,"
        f" {share} {(OVERVIEW_BYTES + PLATE_BYTES) // 1000} kB",
        command=f'make bench ARGS="--only offline --offline-passages {passages}'
        f' --offline-pictures {made.pictured_permille}"',
        figures=(
            Figure(name="records", value=n, unit="", n=n),
            Figure(name="pictures", value=pictures, unit="", n=pictures),
            Figure(name="caught up", value=round(took_s, 1), unit="s", n=n, at_most=BAR_S),
            Figure(name="lost", value=lost, unit="", n=n, at_most=0),
            Figure(name="pictures lost", value=pictures_lost, unit="", n=pictures, at_most=0),
            Figure(name="breaks of the chain", value=breaks, unit="", n=n, at_most=0),
        ),
    )
