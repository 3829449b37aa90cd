"""What strikes a lane in the trial, and how long it has to come back."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.clock import Clock
    from hil_tests.chaos.site import ChaosSite

BACK_S = 60.0  # an agent that is started works again within
FULL_S = (1.0, 6.0)
DEAD_S = (2.0, 20.0)
WRONG_S = (1.0, 8.0)
JUMPS_MS = (-86_400_000, -3_600_000, -15_000, 15_000, 3_600_000, -1_700_000_000_000)


class Blow(StrEnum):
    """One kind of trouble for a real process."""

    KILL = "kill"
    POWER_CUT = "power_cut"
    FULL_DISK = "full_disk"
    PARTITION = "partition"
    CLOCK_JUMP = "clock_jump"


def plan_of(blows: dict[Blow, int], seed: int) -> list[Blow]:
    """All blows in the order in which they fall, over all lanes."""
    plan = [blow for blow, times in blows.items() for _ in range(times)]
    random.Random(f"blows-{seed}").shuffle(plan)
    return plan


class Striker:
    """Strikes one lane."""

    def __init__(self, site: ChaosSite, name: str, rng: random.Random, clock: Clock) -> None:
        self._site = site
        self._name = name
        self._rng = rng
        self._clock = clock
        self.returns_s: list[float] = []

    def strike(self, blow: Blow) -> str:
        """Do it, and wait until the lane is back; "" or what is wrong."""
        match blow:
            case Blow.KILL:
                starts = self._starts()
                self._site.kill(self._name)
                return self._start_again(starts)
            case Blow.POWER_CUT:
                self._site.cut_power(self._name, self._rng)
                return self._start_again(self._starts())
            case Blow.FULL_DISK:
                disk = self._site.disks[self._name]
                disk.fill()
                self._clock.sleep(self._rng.uniform(*FULL_S))
                disk.free()
            case Blow.PARTITION:
                cable = self._site.network.cables[self._name]
                cable.cut()
                self._clock.sleep(self._rng.uniform(*DEAD_S))
                cable.mend()
            case Blow.CLOCK_JUMP:
                self._site.jump_clock(self._name, self._rng.choice(JUMPS_MS))
                self._clock.sleep(self._rng.uniform(*WRONG_S))
                self._site.jump_clock(self._name, 0)
        return ""

    def _start_again(self, starts: int) -> str:
        self._clock.sleep(self._rng.choice([0.0, self._rng.uniform(0.0, 2.0)]))
        self._site.start_lane(self._name)
        began_s = self._clock.now().mono_s
        while self._starts() <= starts:
            if self._clock.now().mono_s - began_s > BACK_S:
                log = self._site.processes[self._name].log_end(5)
                return f"{self._name}: did not come back: {log}"
            self._clock.sleep(0.1)
        self.returns_s.append(self._clock.now().mono_s - began_s)
        return ""

    def _starts(self) -> int:
        sql = "SELECT count(*) FROM journal WHERE type = 'AgentStarted'"
        path = self._site.state_dir(self._name) / "lane.db"
        count: int = self._site.query(path, sql)[0][0]
        return count
