"""The trucks of one lane: declared in advance, sent one after the other, followed until gone."""

from __future__ import annotations

import csv
import io
import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from devices.sim.lane_world import TruckVisit
from devices.sim.truck import TruckSpec
from hil_tests.demo.console_client import ConsoleError
from hil_tests.demo.judge import Visit
from hil_tests.demo.pictures import picture_of
from hil_tests.demo.traffic import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devices.clock import Clock
    from devices.sim.bench import Bench
    from devices.sim.lane_world import VisitHandle
    from hil_tests.demo.console_client import ConsoleClient
    from hil_tests.demo.traffic import PlannedTruck

DECLARED_AHEAD = 12
PATIENCE_S = 90.0
"""How long a driver waits for a verdict before he backs out; the simulated supervisor is quick."""
PATIENCE_WITH_A_PERSON_S = 900.0
"""The same where a person sits at the console."""
TO_DRIVE_S = 150.0  # at most, in and out, besides the waiting
COLUMNS = (
    "declaration_id",
    "plates",
    "card_uid",
    "gross_kg",
    "valid_from",
    "valid_until",
    "documents",
    "holds",
)
SIGNS_THAT_TURN = frozenset({"turn_back", "go_to_inspection"})


def as_csv(trucks: Iterable[PlannedTruck], now: datetime) -> bytes:
    """The rows that reach the port before these trucks do, as the port's own file format."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    since, until = now - timedelta(hours=1), now + timedelta(hours=12)
    for truck in trucks:
        for row in truck.declared:
            writer.writerow(
                [
                    row.declaration_id,
                    row.plate,
                    row.card_uid,
                    row.gross_kg,
                    since.isoformat(timespec="seconds"),
                    until.isoformat(timespec="seconds"),
                    "released",
                    "|".join(row.holds),
                ]
            )
    return out.getvalue().encode()


class LaneTraffic:
    """Sends trucks into one lane until told to stop. `visits` grows as they leave."""

    def __init__(
        self,
        lane: str,
        seed: int,
        bench: Bench,
        console: ConsoleClient,
        clock: Clock,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._lane = lane
        self._patience_s = patience_s
        self._bench = bench
        self._console = console
        self._clock = clock
        self._plan: Iterator[PlannedTruck] = plan(lane, seed)
        self._ahead: deque[PlannedTruck] = deque()
        self._truck: PlannedTruck | None = None
        self._handle: VisitHandle | None = None
        self._picture: bytes | None = None
        self.visits: list[Visit] = []
        self.problems: list[str] = []
        self._enough = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"traffic-{lane}", daemon=True)

    def first_declarations(self) -> list[PlannedTruck]:
        """The trucks whose declarations are to be imported before the first one comes."""
        self._ahead.extend(next(self._plan) for _ in range(DECLARED_AHEAD))
        return list(self._ahead)

    def draw_ahead(self) -> None:
        """Draw the first truck's picture, so that it need not wait for it."""
        self._picture = picture_of(self._ahead[0])

    @property
    def has_released(self) -> bool:
        """Whether the boom has gone up for a truck here."""
        handle = self._handle
        up = handle is not None and handle.boom_up_s is not None
        return up or any(visit.stopped_to_boom_up_s is not None for visit in self.visits)

    def now_in_lane(self) -> PlannedTruck | None:
        """The truck that drives in, stands or leaves; None between two."""
        return self._truck

    def start(self) -> None:
        """Let them come."""
        self._thread.start()

    def enough(self) -> None:
        """No further truck; the one in the lane goes its way."""
        self._enough.set()

    def is_over(self) -> bool:
        """Whether the last truck has gone."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End at once; a truck that is in the lane is not counted."""
        self._enough.set()
        self._stop.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join(10.0)

    def eyes(self) -> str | None:
        """What a person reads on the truck in view; None where there is none."""
        return self._truck.plate if self._truck is not None else None

    def show(self, sign: str | None) -> None:
        """The lane's sign as the driver sees it; he turns back when it says so."""
        handle = self._handle
        if handle is not None and sign in SIGNS_THAT_TURN and handle.has_stopped.is_set():
            handle.turn_back()

    def _run(self) -> None:
        picture = self._picture or picture_of(self._ahead[0])
        while not self._enough.is_set():
            truck = self._ahead.popleft()
            self._truck = truck
            handle = self._handle = self._bench.world.send(_visit(truck, picture, self._patience_s))
            self._declare_ahead()
            picture = picture_of(self._ahead[0])
            if not self._follow(handle):
                return
            self._note(truck, handle)
            self._truck = self._handle = None

    def _follow(self, handle: VisitHandle) -> bool:
        deadline_s = self._clock.now().mono_s + self._patience_s + TO_DRIVE_S
        while not handle.wait_gone(0.2):
            if self._stop.is_set():
                self.problems.append(f"{self._lane}: the end came with a truck in the lane")
                return False
            if self._clock.now().mono_s > deadline_s:
                self.problems.append(f"{self._lane}: a truck did not leave the lane")
                return False
        return True

    def _declare_ahead(self) -> None:
        """Import the next rows while the present truck is in the lane."""
        if len(self._ahead) > DECLARED_AHEAD // 2:
            return
        fresh = [next(self._plan) for _ in range(DECLARED_AHEAD)]
        self._ahead.extend(fresh)
        try:
            self._console.import_csv(as_csv(fresh, datetime.now(UTC)))
        except ConsoleError as exc:
            self.problems.append(f"{self._lane}: declarations were not imported: {exc}")

    def _note(self, truck: PlannedTruck, handle: VisitHandle) -> None:
        stamp = self._clock.now()
        if handle.entered_s is None or handle.left_by is None:
            self.problems.append(f"{self._lane}: truck {truck.number} was never in the lane")
            return
        boom_s = None
        if handle.stopped_s is not None and handle.boom_up_s is not None:
            boom_s = handle.boom_up_s - handle.stopped_s
        self.visits.append(
            Visit(
                truck=truck,
                entered_ms=stamp.wall_ms - round((stamp.mono_s - handle.entered_s) * 1000),
                left_by=handle.left_by,
                stopped_to_boom_up_s=boom_s,
            )
        )


def _visit(truck: PlannedTruck, picture: bytes, patience_s: float) -> TruckVisit:
    spec = TruckSpec(
        gross_kg=truck.gross_kg,
        cruise_mps=truck.cruise_mps,
        settle_s=truck.settle_s,
        swing_hz=truck.swing_hz,
        patience_s=patience_s,
        seed=truck.seed,
    )
    return TruckVisit(truck=spec, picture=picture, card_uid=truck.card_uid)
