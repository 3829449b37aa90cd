"""The site under test: one hub, real agents, and devices as the bench file has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from devices.config import load_devices
from devices.sim.bench import Bench
from devices.sim.boom import BoomContact
from hil_tests.demo.console_client import ConsoleError
from hil_tests.lane_bench.bench_file import devices_of
from hil_tests.lane_bench.boom_moves import BoomMoves
from hil_tests.lane_bench.boom_watcher import BoomWatcher
from hil_tests.lane_bench.faults import FaultMaker
from hil_tests.lane_bench.lacking import lacks
from hil_tests.lane_bench.lane_file import lane_text
from hil_tests.lane_bench.lane_view import LaneView
from hil_tests.lane_bench.relay_box import BoxDrive
from hil_tests.lane_bench.scenario import Scenario
from hil_tests.lane_bench.shadow import Shadow
from hil_tests.lane_bench.trucks import Person, PromptedMover, SimulatedMover
from hil_tests.lane_bench.wording import Said, said, word
from hil_tests.rig import BOOM_TRAVEL_S, SHORT_LANE
from hil_tests.site import COLUMNS, Declared, Site, SiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.sim.lane_world import Violation
    from hil_tests.demo.places import LanePlace
    from hil_tests.lane_bench.bench_file import BenchFile
    from hil_tests.lane_bench.prompts import Prompts
    from hil_tests.lane_bench.trucks import Mover

PEOPLE_READER = "card_reader resident-id"
START_S = 120.0
SEEN_S = 1.0  # by then a lane has committed where its boom is
TRIES = 5
KEY_S = 6.0  # what a boom takes for one way


class BenchSite(Site):
    """A hub and the lanes of one bench file."""

    def __init__(self, root: Path, bench: BenchFile, path: Path, clock: Clock) -> None:
        """Write every file. Raises `BenchFileError`, `PlaceError`, `DeviceConfigError`."""
        self.bench_file = bench
        self._own_devices = devices_of(bench, path)
        self._is_over = False
        super().__init__(root, bench.lanes, clock, lane_file=self._lane_file)
        self._boxes: dict[str, BoxDrive] = {}
        if bench.relay_box is not None:
            for name, lane in self.benches.items():
                self._boxes[name] = BoxDrive(bench.relay_box, lane, self.state_dir(name), clock)
        self.shadows: dict[str, Shadow] = {}
        if bench.moves == "prompt":
            for name, lane in self.benches.items():
                self.shadows[name] = Shadow(lane, self.state_dir(name), clock)

    def start(self, *, declared: Iterable[Declared] = ()) -> None:
        """Let the relay box's truck leave first, then as every site. Raises a `DeviceError`."""
        for box in self._boxes.values():
            box.start()
        super().start(declared=declared)
        for shadow in self.shadows.values():
            shadow.start()

    def stop(self) -> None:
        """End everything; may be called at any time."""
        for shadow in self.shadows.values():
            shadow.stop()
        super().stop()
        for box in self._boxes.values():
            box.stop()

    def let_go(self) -> None:
        """Let the trucks of relay boxes leave, now; from here on `check` ends who asks."""
        self._is_over = True
        for box in self._boxes.values():
            box.stop()

    def check(self, lane: str) -> None:
        """Raise `ProcessDied` or a `DeviceError` when what moves or decides a lane has ended."""
        if self._is_over:
            raise SiteError(f"{lane}: the bench is being ended")
        self.processes[lane].check()
        if lane in self._boxes:
            self._boxes[lane].check()

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
        return lane_text(self.bench_file, self._own_devices, lane, text)

    def bring_in(self, rows: Iterable[str], *, alone: bool = False) -> None:
        """Import declarations, `alone`: instead of all that there were. Raises `SiteError`."""
        text = "\n".join([f"{COLUMNS},tag_id,containers", *rows]) + "\n"
        answer: Any = self.console.import_csv(text.encode(), timeout_s=60.0, replace=alone)
        if answer["refused"]:
            raise SiteError(f"declarations that the hub does not take: {answer['refused'][:3]}")


class LaneUnderTest:
    """One lane with everything that a player needs. Used by one thread, like its console."""

    def __init__(
        self,
        site: BenchSite,
        name: str,
        clock: Clock,
        *,
        ask: Prompts | None,
        tell: Callable[[str], None],
    ) -> None:
        self.site = site
        self.name = name
        self.clock = clock
        self.view = LaneView(site.state_dir(name))
        self.bench = site.benches[name]
        self.state_dir = site.state_dir(name)
        self.has = devices_in(self.bench.config)
        self._ask = ask
        self.faults = FaultMaker(self.bench, ask)
        self.gather_timeout_s = site.bench_file.gather_timeout_s
        self.watcher = BoomWatcher(ask, is_real="bus" not in self.bench.simulated)
        self._opened_by_key = self._forced_by_key = 0
        self._moves_seen, self._moves_seq = BoomMoves(), 0
        self._by_key: list[Violation] = []  # what the technician did with it is not the lane's
        self.needs_person = site.bench_file.needs_person
        self._console = site.client("supervisor")
        self._admin = site.client("admin")
        by_hand = None if "card_reader" in self.bench.simulated else tell
        present = self.bench.card_reader.present
        self.mover: Mover = SimulatedMover(self.bench.world, present, by_hand)
        if site.bench_file.moves == "prompt" and ask is not None:
            person = Person(tell=tell, ask=ask, in_lane=self._has_passage)
            self.mover = PromptedMover(person, self.bench, site.shadows[name])

    def why_not(self, scenario: Scenario) -> Said | None:
        """What this lane lacks for a scenario; None when it can be played."""
        if scenario.of and scenario.of not in self.has:
            return no_device(scenario)
        reads_people = PEOPLE_READER in self.has and self.site.bench_file.truck is None
        if reads_people and scenario.of != PEOPLE_READER:
            return said("skip.identity_cards")
        return lacks(self.site.bench_file, scenario) or self.faults.why_not(scenario)

    @property
    def is_filmed(self) -> bool:
        """Whether it has a lane camera."""
        return self.bench.config.lane_camera is not None

    @property
    def is_film_simulated(self) -> bool:
        """Whether what that camera should see is known to the byte."""
        film = self.bench.config.lane_camera
        if film is None or not film.source.startswith("http:"):
            return False
        is_shared = film.source == self.bench.config.camera.source
        return ("camera" if is_shared else "lane_camera") in self.bench.simulated

    @property
    def raise_count(self) -> int:
        """How often the raise contact closed over a boom that was down; not by key.

        Of a real boom: how often the lane itself saw it leave its lower limit upwards.
        """
        if "bus" not in self.bench.simulated:
            return self._moves().risen - self._opened_by_key
        return self.bench.world.boom.opened_count - self._opened_by_key

    @property
    def forced_count(self) -> int:
        """How often a real boom left its lower limit and the lane had not told it to; not by key.

        0 where the boom is simulated: its world sees that.
        """
        if "bus" not in self.bench.simulated:
            return self._moves().forced - self._forced_by_key
        return 0

    @property
    def violations(self) -> list[tuple[str, str]]:
        """What must never be seen, as the simulated world saw it: kind and detail."""
        seen = self.bench.world.violations
        return [
            (violation.kind.value, violation.detail)
            for violation in seen
            if violation not in self._by_key
        ]

    @property
    def lane_s(self) -> float:
        """The monotonic time without what a person took to answer: it is no time of the lane."""
        waited_s = 0.0 if self._ask is None else self._ask.waited_s
        return self.clock.now().mono_s - waited_s

    def work_boom_by_key(self) -> bool:
        """A technician works the barrier at its own controller; False where nobody is there."""
        if "bus" not in self.bench.simulated:
            return self._have_key_worked()
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
        return True

    def _have_key_worked(self) -> bool:
        risen, forced = self._moves().risen, self._moves().forced
        was_worked = self.watcher.work_by_key()
        self.clock.sleep(SEEN_S)
        self._opened_by_key += self._moves().risen - risen
        self._forced_by_key += self._moves().forced - forced
        return was_worked

    def _moves(self) -> BoomMoves:
        """Of a real boom, up to now. Raises `SiteError`: a boom not counted is no good boom."""
        for _ in range(TRIES):
            found = self.view.boom_moves(self._moves_seq)
            if found is not None:
                for seq, position in found:
                    self._moves_seen.take([position])
                    self._moves_seq = seq
                return self._moves_seen
            self.clock.sleep(SEEN_S / TRIES)
        raise SiteError(f"{self.name}: its journal cannot be read: the boom is not counted")

    def check(self) -> None:
        """Raise what ended the lane's process or the box that plays its truck."""
        self.site.check(self.name)

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

    def order_boom_down(self) -> bool:
        """A person orders down a boom over an empty lane; a real one after a look, or not at all.

        False where nobody said that it may.
        """
        if not self.watcher.may_come_down():
            return False
        who = "a simulated lane" if "bus" in self.bench.simulated else "a technician has looked"
        reason = {"reason": f"acceptance: {who}, nobody is at the boom"}
        self._post(self._console, f"/lanes/{self.name}/lower-barrier", reason)
        return True

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


def devices_in(config: DevicesConfig) -> frozenset[str]:
    """What a lane has, as `Scenario.of` names it."""
    found = {
        f"weighbridge {config.weighbridge.driver}",
        f"card_reader {config.card_reader.driver}",
        f"bus {config.bus.board}",
    }
    return frozenset(found | ({"lane_camera"} if config.lane_camera is not None else set()))


def no_device(scenario: Scenario) -> Said:
    """That a lane lacks what the scenario is of."""
    device, _, driver = scenario.of.partition(" ")
    named = Said(zh=f"{word(device).zh} {driver}".strip(), en=f"{device} {driver}".strip())
    return said("skip.no_device", device=named)
