"""The site under test: one hub, real agents, and devices as the bench file has them."""

from __future__ import annotations

import contextlib
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from devices.config import load_devices
from devices.sim.bench import Bench
from devices.sim.boom import BoomContact
from devices.sim.faults.turns import EARLIER_CARD
from hil_tests.demo.console_client import ConsoleError
from hil_tests.lane_bench.bench_file import BenchFileError, devices_of
from hil_tests.lane_bench.faults import FaultMaker
from hil_tests.lane_bench.lane_view import LaneView
from hil_tests.lane_bench.scenario import Card, Papers, Scenario
from hil_tests.lane_bench.trucks import PromptedMover, SimulatedMover
from hil_tests.rig import BOOM_TRAVEL_S, SHORT_LANE
from hil_tests.rig import Papers as TruckPapers
from hil_tests.site import COLUMNS, Site, SiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.clock import Clock
    from devices.sim.lane_world import Violation
    from hil_tests.demo.places import LanePlace
    from hil_tests.lane_bench.bench_file import BenchFile
    from hil_tests.lane_bench.trucks import Mover

OTHER_PLATE = "粤Z99999"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
START_S = 120.0
KEY_S = 6.0  # what a boom takes for one way


class BenchSite(Site):
    """A hub and the lanes of one bench file."""

    def __init__(self, root: Path, bench: BenchFile, path: Path, clock: Clock) -> None:
        """Write every file. Raises `BenchFileError`, `PlaceError`, `DeviceConfigError`."""
        self.bench_file = bench
        self._own_devices = devices_of(bench, path)
        super().__init__(root, bench.lanes, clock, lane_file=self._lane_file)

    def new_bench(self, lane: LanePlace) -> Bench:
        """Simulators for what is simulated; the rest is opened by the lane alone."""
        return Bench(
            load_devices(lane.config),
            self._clock,
            geometry=SHORT_LANE,
            boom_travel_s=BOOM_TRAVEL_S,
            simulated=self.bench_file.simulated,
        )

    def _lane_file(self, lane: LanePlace, text: str) -> str:
        tables = tomllib.loads(text)
        number = int(lane.lane.removeprefix("lane")) - 1
        bench = self.bench_file
        tables["policy"] = {"gather_timeout_s": bench.gather_timeout_s}
        devices = tables["devices"]
        devices["weighbridge"]["driver"] = bench.weighbridges[number % len(bench.weighbridges)]
        devices["bus"]["transport"] = bench.buses[number % len(bench.buses)]
        for name, keys in self._own_devices.items():
            is_simulated = name in bench.simulated
            devices[name] = {**keys, **(_places(devices[name]) if is_simulated else {})}
        return as_toml(tables)

    def bring_in(self, rows: Iterable[str]) -> None:
        """Import declarations."""
        self.console.import_csv(("\n".join([COLUMNS, *rows]) + "\n").encode(), timeout_s=60.0)


class LaneUnderTest:
    """One lane with everything that a player needs. Used by one thread, like its console."""

    def __init__(
        self,
        site: BenchSite,
        name: str,
        clock: Clock,
        *,
        ask: Callable[[str], str] | None,
        tell: Callable[[str], None],
    ) -> None:
        self.site = site
        self.name = name
        self.clock = clock
        self.view = LaneView(site.state_dir(name))
        self.bench = site.benches[name]
        self.faults = FaultMaker(self.bench, ask)
        self.gather_timeout_s = site.bench_file.gather_timeout_s
        self._ask = ask
        self._opened_by_key = 0
        self._by_key: list[Violation] = []  # what the technician did with it is not the lane's
        self.is_simulated = site.bench_file.moves == "simulated"
        self._console = site.client("supervisor")
        self._admin = site.client("admin")
        self.mover: Mover = SimulatedMover(self.bench.world, self.bench.card_reader.present)
        if not self.is_simulated and ask is not None:
            self.mover = PromptedMover(tell, ask, self._has_passage)

    def why_not(self, scenario: Scenario) -> str | None:
        """What this lane lacks for a scenario; None when it can be played."""
        if not self.is_simulated and scenario.card is Card.OTHER:
            return "a second card is not in the bench file"
        if not self.is_simulated and scenario.weighs != 1.0:
            return "a real truck's weight cannot be changed"
        return self.faults.why_not(scenario)

    @property
    def raise_count(self) -> int:
        """How often the raise contact closed over a boom that was down; 0 where nobody counts."""
        if "bus" not in self.bench.simulated:
            return 0
        return self.bench.world.boom.opened_count - self._opened_by_key

    @property
    def violations(self) -> list[str]:
        """What must never be seen, as the simulated world saw it."""
        seen = self.bench.world.violations
        return [
            f"{violation.kind.value}: {violation.detail}"
            for violation in seen
            if violation not in self._by_key
        ]

    def work_boom_by_key(self) -> None:
        """A technician works the barrier at its own controller: up, and down again."""
        if "bus" not in self.bench.simulated:
            if self._ask is not None:
                self._ask("work the barrier by its own key: up, and down again; Enter: ")
            return
        world, opened = self.bench.world, self.bench.world.boom.opened_count
        before = len(world.violations)
        for contact, position in ((BoomContact.RAISE, 1.0), (BoomContact.LOWER, 0.0)):
            until_s = self.clock.now().mono_s + KEY_S
            for on in (True, False):
                world.boom.contact(contact, on, self.clock.now().mono_s)
                self.clock.sleep(0.1)
            while world.boom.position != position and self.clock.now().mono_s < until_s:
                self.clock.sleep(0.05)
            self.clock.sleep(0.5)
        self._opened_by_key += world.boom.opened_count - opened
        self._by_key += world.violations[before:]

    def check(self) -> None:
        """Raise `ProcessDied` when the lane's process has ended."""
        self.site.processes[self.name].check()

    def restart(self) -> None:
        """The last resort after a truck got stuck: the lane's process anew, every fault off."""
        self.faults.clear()
        self.site.kill(self.name)
        self.site.start_lane(self.name)

    def records_after(self, seq: int) -> list[tuple[int, int, bytes]]:
        """The lane's records behind number `seq` as the hub has them: number, UTC ms, body."""
        sql = "SELECT seq, at_ms, body FROM records WHERE lane = ? AND seq > ? ORDER BY seq"
        rows = self.site.query(self.site.places.hub_state / "hub.db", sql, [self.name, seq])
        return [(number, at_ms, body) for number, at_ms, body in rows]

    def decide(self, passage_id: str, decision: str) -> bool:
        """A person decides; False where the hub would not take it now."""
        body = {"decision": decision, "reason": "acceptance: seen by eye, papers compared"}
        return self._post(self._console, f"/passages/{passage_id}/override", body)

    def order_boom_down(self) -> None:
        """A person orders down a boom over an empty lane."""
        reason = {"reason": "acceptance: nobody is in the lane"}
        self._post(self._console, f"/lanes/{self.name}/lower-barrier", reason)

    def order_mode(self, mode: Literal["auto", "attended", "closed"]) -> None:
        """A person sets the lane's mode; returns when the lane has it. Raises `SiteError`."""
        body = {"mode": mode, "reason": "acceptance"}
        deadline_s = self.clock.now().mono_s + 15.0
        while (state := self.view.look()) is None or state.mode.value != mode:
            if self.clock.now().mono_s > deadline_s:
                raise SiteError(f"{self.name}: is not {mode}")
            self._post(self._admin, f"/lanes/{self.name}/mode", body)
            self.clock.sleep(0.5)

    def _post(self, console: Any, path: str, body: Mapping[str, object]) -> bool:  # noqa: ANN401
        try:
            console.post(path, body)
        except ConsoleError:
            return False
        return True

    def _has_passage(self) -> bool:
        state = self.view.look()
        return state is not None and state.passage is not None


def papers_of(number: int, bench: BenchFile) -> TruckPapers:
    """The papers of the truck of scenario `number`, from 0."""
    truck = bench.truck
    if truck is not None:
        return TruckPapers(plate=truck.plate, card_uid=truck.card_uid, gross_kg=truck.gross_kg)
    first, second = LETTERS[number % 24], LETTERS[number // 24 % 24]
    digits = 1_234 + 7 * number
    return TruckPapers(
        plate=f"粤{first}{second}{digits % 10_000:04d}",
        card_uid=f"{0x51A40000 + number:08X}",
        gross_kg=14_000 + 20 * (number % 500),
    )


def declaration_rows(scenario: Scenario, papers: TruckPapers, number: int) -> list[str]:
    """What the port's own file says of this trip; empty where it is not declared."""
    if scenario.papers is Papers.UNDECLARED:
        return []
    now = datetime.now(UTC)
    since_h, until_h = {
        Papers.EXPIRED: (-9.0, -1.0),
        Papers.NOT_YET_VALID: (3.0, 9.0),
    }.get(scenario.papers, (-1.0, 12.0))
    documents = {Papers.PENDING: "pending", Papers.REJECTED: "rejected"}
    holds = "customs" if scenario.papers is Papers.AGENCY_HOLD else ""
    card = papers.card_uid
    rows = []
    if scenario.card is Card.OTHER:  # what the driver shows belongs to another declared vehicle
        card = f"{int(card, 16) ^ 0x01000000:08X}"
        rows.append(_row(f"H{number}-b", OTHER_PLATE, papers.card_uid, papers.gross_kg, now))
    rows.append(
        _row(
            f"H{number}",
            papers.plate,
            card,
            papers.gross_kg,
            now,
            since_h,
            until_h,
            documents.get(scenario.papers, "released"),
            holds,
        )
    )
    return rows


def driver_before(number: int) -> str:
    """The declaration of the driver whose card is read too early or too late."""
    return _row(f"H{number}-earlier", "粤Y88888", EARLIER_CARD, 21_000, datetime.now(UTC))


def _row(
    name: str,
    plate: str,
    card_uid: str,
    gross_kg: int,
    now: datetime,
    since_h: float = -1.0,
    until_h: float = 12.0,
    documents: str = "released",
    holds: str = "",
) -> str:
    since = (now + timedelta(hours=since_h)).isoformat(timespec="seconds")
    until = (now + timedelta(hours=until_h)).isoformat(timespec="seconds")
    return f"{name},{plate},{card_uid},{gross_kg},{since},{until},{documents},{holds}"


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


def _places(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Where a simulated device is served, whatever the lane's own file says."""
    names = ("port", "host", "tcp_port", "serial_port", "source", "transport")
    with contextlib.suppress(KeyError):
        return {name: keys[name] for name in names if name in keys}
    return {}
