"""Plays many scenarios on the lanes of one site side by side; who asks for one's account waits."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from typing import TYPE_CHECKING

from devices.errors import DeviceError
from hil_tests.demo.console_client import ConsoleError
from hil_tests.demo.places import PlaceError
from hil_tests.demo.processes import ProcessDied
from hil_tests.lane_bench.bench_file import BenchFileError
from hil_tests.lane_bench.lane_site import BenchSite, LaneUnderTest, no_device
from hil_tests.lane_bench.player import Account, LaneStuck, Player
from hil_tests.lane_bench.truck_papers import declaration_rows, drivers_before, papers_of
from hil_tests.lane_bench.wording import fault_word, listed, said
from hil_tests.site import SiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from devices.clock import Clock
    from hil_tests.lane_bench.bench_file import BenchFile
    from hil_tests.lane_bench.prompts import Prompts
    from hil_tests.lane_bench.scenario import Scenario
    from hil_tests.lane_bench.wording import Said
    from hil_tests.rig import Papers

START_S = 120.0
LOOK_S = 0.5
ACCOUNT_S = 900.0  # of the lane; a person is waited for at a prompt as long as it takes
PERSON_S = 3_000.0  # ... and on the way to the truck and onto the scale, so long
END_S = 20.0  # for what the players must put back: a fault, a mode
STUCK_LIMIT = 2  # of one lane in a row: it is not worth going on

Trouble = (
    SiteError,
    PlaceError,
    ProcessDied,
    BenchFileError,
    DeviceError,
    ConsoleError,
    OSError,
    subprocess.SubprocessError,  # a command that did not end in time
)


class BrokenBench(Exception):
    """The bench itself does not work: nothing can be said of the lane."""


class Pool:
    """One site and the scenarios that are to be played on it."""

    def __init__(
        self,
        root: Path,
        bench: BenchFile,
        path: Path,
        scenarios: Sequence[Scenario],
        clock: Clock,
        *,
        ask: Prompts | None = None,
        tell: Callable[[str], None] = print,
        note: Callable[[Account], None] = lambda _account: None,
        known: Iterable[Account] = (),
    ) -> None:
        """`note` is handed each account as soon as there is one, by whoever made it.

        `known` are those of an earlier sitting: their scenarios are not played again.
        """
        self._root = root
        self._bench = bench
        self._path = path
        self._clock = clock
        self._ask = ask
        self._tell = tell
        self._note = note
        self._scenarios = list(scenarios)
        self._papers = {
            scenario.name: papers_of(number, bench, scenario)
            for number, scenario in enumerate(scenarios)
        }
        before = {account.scenario.name: account for account in known}
        self._known = [before[each.name] for each in scenarios if each.name in before]
        self._waiting = deque(each for each in scenarios if each.name not in before)
        self._accounts: dict[str, Account] = {}
        self._done = threading.Condition()
        self._stopping = threading.Event()
        self._broken = ""
        self._threads: list[threading.Thread] = []
        self._lanes: list[LaneUnderTest] = []
        self.site: BenchSite | None = None

    def start(self) -> None:
        """Start hub, devices and lanes, and begin to play. Raises `BrokenBench`."""
        try:
            self.site = BenchSite(self._root, self._bench, self._path, self._clock)
            self.site.start()
            self._declare(self.site)
            lanes = self._lanes = [
                LaneUnderTest(self.site, name, self._clock, ask=self._ask, tell=self._tell)
                for name in self.site.lanes
            ]
        except Trouble as exc:
            self.stop()
            raise BrokenBench(str(exc)) from exc
        self.take_over()
        self._skip_impossible(lanes)
        for lane in lanes:
            thread = threading.Thread(
                target=self._play_on, args=(lane,), name=f"player-{lane.name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def take_over(self) -> None:
        """Report what is known of an earlier sitting; `start` does."""
        for account in self._known:
            self._report(account)

    def stop(self) -> None:
        """End everything; may be called at any time. What is being played is broken off."""
        self._stopping.set()
        if self.site is not None:
            self.site.let_go()
        deadline_s = self._clock.now().mono_s + END_S
        for thread in self._threads:  # one that waits for a person's Enter may wait on
            thread.join(max(0.0, deadline_s - self._clock.now().mono_s))
        if self.site is not None:
            self.site.stop()
            self.site = None

    def account(self, name: str, within_s: float | None = None) -> Account:
        """What came of a scenario; waits for it. Raises `BrokenBench`.

        What a person takes to answer is not counted.
        """
        if within_s is None:
            within_s = ACCOUNT_S if self._ask is None else PERSON_S
        deadline_s = self._lane_s() + within_s
        with self._done:
            while name not in self._accounts and not self._broken:
                if self._lane_s() > deadline_s:
                    raise BrokenBench(f"{name} was not played in {within_s:.0f} s")
                self._done.wait(LOOK_S)
            if name in self._accounts:
                return self._accounts[name]
        raise BrokenBench(self._broken)

    def accounts(self) -> list[Account]:
        """All that are known, in the order in which they were asked for."""
        with self._done:
            names = [one.name for one in self._scenarios if one.name in self._accounts]
            return [self._accounts[name] for name in names]

    def not_undone(self) -> list[Said]:
        """The faults that a person made and was not seen to undo; after `stop`."""
        return [
            said("problem.not_undone", lane=lane.name, fault=fault_word(fault))
            for lane in self._lanes
            for fault in lane.faults.not_undone
        ]

    # -- below: the lanes' threads

    def _lane_s(self) -> float:
        """The time without what a person took to answer."""
        return self._clock.now().mono_s - (0.0 if self._ask is None else self._ask.waited_s)

    def _declare(self, site: BenchSite) -> None:
        rows = drivers_before(0)
        if self._bench.truck is None:
            for number, scenario in enumerate(self._scenarios):
                rows += declaration_rows(scenario, self._papers[scenario.name], number)
        site.bring_in(rows)
        site.wait(site.all_invite, "the lanes", START_S)

    def _skip_impossible(self, lanes: Sequence[LaneUnderTest]) -> None:
        for scenario in tuple(self._waiting):
            reasons = [reason for lane in lanes if (reason := lane.why_not(scenario))]
            if len(reasons) == len(lanes):
                self._waiting.remove(scenario)
                self._report(Account(scenario=scenario, skipped=_why(scenario, reasons)))

    def _play_on(self, lane: LaneUnderTest) -> None:
        try:
            self._play(lane)
        finally:
            lane.view.close()

    def _play(self, lane: LaneUnderTest) -> None:
        player, stuck = Player(lane), 0
        while not self._stopping.is_set():
            scenario = self._next_for(lane)
            if scenario is None:
                break
            account = Account(scenario=scenario, lane=lane.name)
            try:
                self._wait_travel(lane)
                papers = self._papers_for(scenario)
                account = player.play(scenario, papers)
                stuck = 0
            except LaneStuck as exc:
                stuck += 1
                account = exc.account or account
                account.problems.append(exc.said)
                lane.restart()
            except Trouble as exc:
                self._break(f"{lane.name}: {scenario.name}: {exc}")
                return
            self._report(account)
            if stuck >= STUCK_LIMIT:
                self._break(f"{lane.name}: {account.problems[-1]}")

    def _wait_travel(self, lane: LaneUnderTest) -> None:
        """One truck that comes again and again: so soon after it left, its plate were a copy."""
        state = lane.view.look()
        if self._bench.truck is None or state is None or not state.departures:
            return
        due_ms = state.departures[-1].at.wall_ms + state.pack.identity.min_travel_ms
        while self._clock.now().wall_ms <= due_ms and not self._stopping.is_set():
            self._stopping.wait(LOOK_S)

    def _papers_for(self, scenario: Scenario) -> Papers:
        """Its papers; a truck that comes again and again is declared anew each time, only once."""
        papers = self._papers[scenario.name]
        if self._bench.truck is not None and self.site is not None:
            number = self._clock.now().wall_ms
            rows = [*drivers_before(0), *declaration_rows(scenario, papers, number)]
            self.site.bring_in(rows, alone=True)
            self.site.wait(self.site.all_invite, "the lane", START_S)
        return papers

    def _next_for(self, lane: LaneUnderTest) -> Scenario | None:
        with self._done:
            for scenario in self._waiting:
                if lane.why_not(scenario) is None:
                    self._waiting.remove(scenario)
                    return scenario
        return None

    def _report(self, account: Account) -> None:
        with self._done:
            self._accounts[account.scenario.name] = account
            self._done.notify_all()
            try:
                self._note(account)
            except OSError as exc:
                self._break(f"what was played cannot be kept: {exc}")

    def _break(self, why: str) -> None:
        with self._done:
            self._broken = self._broken or why
            self._done.notify_all()
        self._stopping.set()


def _why(scenario: Scenario, reasons: Sequence[Said]) -> Said:
    """Why none of the lanes can play it; those that have what it is of know best."""
    lacking = no_device(scenario)
    known = tuple(dict.fromkeys(reason for reason in reasons if reason != lacking))
    return listed(known or (lacking,))
