"""`python -m hil_tests.chaos.kill_agent`: lanes are struck at random moments of passages.

    python -m hil_tests.chaos.kill_agent --cycles 300 --power-cuts 30 --seed 1 --json FILE

Trucks keep coming to lanes with a real hub; each lane's agent is killed (kill -9) and started
again, its computer loses power, its disk is full, its cable is dead, its clock jumps
(`blows.py`). A person at the console decides about the vehicles that were interrupted, by what is
really true of them, and orders down a boom that was left open over an empty lane. Afterwards both
ends are compared: what the lanes recorded with what the hub has, and what the boom did with what
is on record. Exit status 0 only if nothing was lost, doubled or opened without a release.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from devices.clock import SystemClock
from devices.sim.truck import TruckPhase
from gate_agent.domain.effects import Sign
from hil_tests.chaos.account import LaneStory, Summary, Visit, account_of
from hil_tests.chaos.blows import Blow, Striker, plan_of
from hil_tests.chaos.site import ChaosSite
from hil_tests.demo.console_client import ConsoleError
from hil_tests.rig import Papers, visit_of
from hil_tests.site import Declared, SiteError

if TYPE_CHECKING:
    from devices.clock import Clock

TRUCK_S = 150.0  # a truck has left within, whatever is killed meanwhile
DRAIN_S = 15.0
LEFT_OPEN_S = 3.0
SIGNS_THAT_TURN = frozenset({Sign.TURN_BACK, Sign.GO_TO_INSPECTION})
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class KillAgent:
    """The whole trial."""

    def __init__(
        self, root: Path, *, blows: dict[Blow, int], lanes: int, seed: int, clock: Clock
    ) -> None:
        self._clock = clock
        self._blows = blows
        self._seed = seed
        self._site = ChaosSite(root, lanes, clock)
        cycles = sum(blows.values())
        self._enough = threading.Event()
        self._over = threading.Event()
        self._stories = [
            LaneStory(name, _plan(name, seed, 20 + 3 * cycles)) for name in self._site.lanes
        ]

    def run(self) -> Summary:
        """Start, kill, compare, stop. Raises `SiteError` where it cannot even start."""
        began_s = self._clock.now().mono_s
        with self._site:
            declared = [
                Declared(declaration_id=f"{story.name}-{number}", papers=papers)
                for story in self._stories
                for number, (papers, may_leave, weighs_kg) in enumerate(story.planned)
                if may_leave or weighs_kg != papers.gross_kg
            ]
            self._site.start(declared=declared)
            self._let_it_happen()
            self._drain()
            return self._summary(self._clock.now().mono_s - began_s)

    def _let_it_happen(self) -> None:
        killers = [self._thread(self._kill, story) for story in self._stories]
        trucks = [self._thread(self._send_trucks, story) for story in self._stories]
        watchers = [self._thread(self._watch_boom, story) for story in self._stories]
        person = threading.Thread(target=self._be_supervisor, name="supervisor", daemon=True)
        for thread in (*watchers, person, *trucks, *killers):
            thread.start()
        for story in self._stories:
            story.is_spared.wait()
        self._enough.set()
        for thread in trucks:
            thread.join()
        self._clock.sleep(1.5)  # the last boom comes down
        self._over.set()
        for thread in (*watchers, person, *killers):
            thread.join()

    def _thread(self, target: Any, story: LaneStory) -> threading.Thread:  # noqa: ANN401
        name = f"{target.__name__}-{story.name}"
        return threading.Thread(target=target, args=(story,), name=name, daemon=True)

    def _kill(self, story: LaneStory) -> None:
        """Kill and start again, then stay: a process of ours ends with the thread it came from."""
        try:
            self._kill_often(story)
        finally:
            story.is_spared.set()
        self._over.wait()

    def _kill_often(self, story: LaneStory) -> None:
        rng = random.Random(f"{self._seed}-{story.name}")
        striker = Striker(self._site, story.name, rng, self._clock)
        for blow in plan_of(self._blows, self._seed)[
            self._site.number(story.name) :: len(self._stories)
        ]:
            self._clock.sleep(rng.uniform(0.2, 4.5))
            problem = striker.strike(blow)
            if problem:
                story.problems.append(problem)
                return
            story.blows[blow.value] += 1
        story.returns_s += striker.returns_s

    def _send_trucks(self, story: LaneStory) -> None:
        world = self._site.benches[story.name].world
        for number, (papers, may_leave, weighs_kg) in enumerate(story.planned):
            if self._enough.is_set():
                return
            truck = visit_of(papers, weighs_kg=weighs_kg, seed=number)
            visit = Visit(papers=papers, may_leave=may_leave, handle=world.send(truck))
            story.visits.append(visit)
            story.present = visit
            deadline_s = self._clock.now().mono_s + TRUCK_S
            while not visit.handle.wait_gone(0.2):
                if self._clock.now().mono_s > deadline_s:
                    state = self._site.lane_states().get(story.name)
                    story.problems.append(f"{story.name}: truck {number} is stuck: {state}")
                    return
            visit.entered_ms = self._wall_ms(visit.handle.entered_s)
            visit.left_ms = self._wall_ms(visit.handle.left_s)
            if may_leave and visit.handle.left_by != "exit":
                story.problems.append(f"{story.name}: truck {number} was turned back for nothing")

    def _wall_ms(self, mono_s: float | None) -> int:
        stamp = self._clock.now()
        return stamp.wall_ms - round((stamp.mono_s - (mono_s or 0.0)) * 1000)

    def _watch_boom(self, story: LaneStory) -> None:
        boom = self._site.benches[story.name].world.boom
        seen = boom.raise_count
        while not self._over.wait(0.02):
            risen, seen = boom.raise_count - seen, boom.raise_count
            if risen and story.present is not None:
                story.present.raises += risen

    # -- the person at the console

    def _be_supervisor(self) -> None:
        console = self._signed_in()
        stories = {story.name: story for story in self._stories}
        open_since_s: dict[str, float] = {}
        while not self._over.wait(0.4):
            try:
                held: Any = console.get("/held")
                for vehicle in held:
                    self._decide(console, vehicle["passage"], stories)
                for story in self._stories:
                    self._see_lane(console, story, open_since_s)
            except ConsoleError:
                continue

    def _signed_in(self) -> Any:  # noqa: ANN401 - the session
        """A session at the console; on a machine that is short of time the first try may fail."""
        while True:
            try:
                return self._site.client("supervisor")
            except ConsoleError:
                if self._over.wait(1.0):
                    raise

    def _decide(self, console: Any, passage: Any, stories: dict[str, LaneStory]) -> None:  # noqa: ANN401
        visit = stories[passage["lane"]].present
        if visit is None or not visit.handle.has_stopped.is_set():
            return
        decision = "release" if visit.may_leave else "refuse"
        body = {"decision": decision, "reason": "seen by eye, papers compared"}
        try:
            console.post(f"/passages/{passage['passage_id']}/override", body)
        except ConsoleError as exc:
            if exc.status != 409:  # ordered already, or not waiting any more
                raise

    def _see_lane(
        self,
        console: Any,  # noqa: ANN401 - the session
        story: LaneStory,
        open_since_s: dict[str, float],
    ) -> None:
        visit = story.present
        # The driver sees the sign itself, not what the hub heard of it before its cable was cut.
        if visit is not None and self._site.sign(story.name) in SIGNS_THAT_TURN:
            if visit.handle.has_stopped.is_set():
                visit.handle.turn_back()
            return
        world, now_s = self._site.benches[story.name].world, self._clock.now().mono_s
        truck = world.truck
        is_empty = truck is None or truck.phase is TruckPhase.WAITING
        if not is_empty or world.boom.position <= 0.0:
            open_since_s.pop(story.name, None)
        elif now_s - open_since_s.setdefault(story.name, now_s) > LEFT_OPEN_S:
            open_since_s.pop(story.name)
            try:
                path = f"/lanes/{story.name}/lower-barrier"
                console.post(path, {"reason": "nobody is in the lane"})
            except ConsoleError as exc:
                if exc.status != 409:
                    raise

    # -- the account

    def _drain(self) -> None:
        deadline_s = self._clock.now().mono_s + DRAIN_S
        while self._site.unsynced() and self._clock.now().mono_s < deadline_s:
            self._clock.sleep(0.3)

    def _summary(self, seconds: float) -> Summary:
        sums: Counter[str] = Counter()
        for story in self._stories:
            sums.update(account_of(self._site, story))
        returns_s = [value for story in self._stories for value in story.returns_s]
        blows: Counter[str] = sum((story.blows for story in self._stories), Counter())
        return Summary(
            cycles=sum(blows.values()),
            blows=dict(sorted(blows.items())),
            power_cut_by=self._site.power_cut_by,
            partition_by=self._site.network.cut_by,
            lanes=len(self._stories),
            seed=self._seed,
            seconds=round(seconds, 1),
            slowest_return_s=round(max(returns_s, default=0.0), 2),
            violations=tuple(
                f"{name}: {violation.kind.value}: {violation.detail}"
                for name, bench in self._site.benches.items()
                for violation in bench.world.violations
            ),
            problems=tuple(p for story in self._stories for p in story.problems),
            **{
                name: sums[name]
                for name in (
                    "trucks",
                    "passages",
                    "records",
                    "raises",
                    "lost_records",
                    "lost_passages",
                    "doubled_passages",
                    "not_closed_once",
                    "unrecorded_raises",
                    "wrong_openings",
                )
            },
        )


def _plan(lane: str, seed: int, count: int) -> list[tuple[Papers, bool, float]]:
    """Trucks: their papers, whether they may leave, what they weigh. A third may not."""
    rng = random.Random(f"trucks-{lane}-{seed}")
    planned = []
    for number in range(count):
        letters = "".join(rng.choice(_LETTERS) for _ in range(2))
        plate = f"粤{letters}{rng.randrange(10_000):04d}"
        gross_kg = rng.randrange(700, 2_000) * 20
        papers = Papers(plate=plate, card_uid=f"{rng.getrandbits(32):08X}", gross_kg=gross_kg)
        kind = "good" if number == 0 else rng.choice(["good", "good", "heavy", "unknown"])
        weighs_kg = gross_kg * 1.3 if kind == "heavy" else float(gross_kg)
        planned.append((papers, kind == "good", weighs_kg))
    return planned


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 only if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Kill the agent, and count.")
    for name, default, what in (
        ("cycles", 100, "kills (kill -9) over all lanes"),
        ("power-cuts", 0, "power cuts"),
        ("full-disks", 0, "times that a disk is full"),
        ("partitions", 0, "times that a cable is dead"),
        ("clock-jumps", 0, "jumps of the wall clock"),
        ("lanes", 2, "lanes side by side"),
    ):
        variable = name.replace("-", "_").upper()
        help_text = f"{what} ({variable}=, {default})"
        parser.add_argument(f"--{name}", type=int, default=default, help=help_text)
    parser.add_argument("--seed", type=int, default=1, help="fixes trucks and moments (SEED=)")
    parser.add_argument("--json", metavar="FILE", help="write the report there (JSON=)")
    parser.add_argument("--folder", metavar="DIR", help="keep databases and logs there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kakou-chaos-") as scratch:
        root = Path(options.folder or scratch)
        blows = {
            Blow.KILL: options.cycles,
            Blow.POWER_CUT: options.power_cuts,
            Blow.FULL_DISK: options.full_disks,
            Blow.PARTITION: options.partitions,
            Blow.CLOCK_JUMP: options.clock_jumps,
        }
        clock = SystemClock()
        trial = KillAgent(root, blows=blows, lanes=options.lanes, seed=options.seed, clock=clock)
        try:
            summary = trial.run()
        except SiteError as exc:
            print(f"make chaos: {exc}", file=sys.stderr)
            return 1
    report = msgspec.json.format(msgspec.json.encode(summary), indent=2).decode()
    if options.json:
        Path(options.json).write_text(report + "\n", encoding="utf-8")
    print(report)
    return 0 if summary.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
