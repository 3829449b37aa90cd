"""A site whose lanes can lose power, disk, cable and time."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING

from hil_tests.chaos.agent_process import set_clock
from hil_tests.chaos.disk import Disk
from hil_tests.chaos.network import HubNetwork
from hil_tests.demo.places import HOST
from hil_tests.demo.processes import Process
from hil_tests.lane_bench.lane_view import LaneView
from hil_tests.site import Site

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from devices.clock import Clock
    from gate_agent.domain.effects import Sign

AGENT = "hil_tests.chaos.agent_process"


class ChaosSite(Site):
    """One hub and its lanes, each with a disk, a cable and a clock of its own."""

    def __init__(self, root: Path, lane_count: int, clock: Clock) -> None:
        super().__init__(root, lane_count, clock)
        self.disks: dict[str, Disk] = {}
        self.network = HubNetwork(self.lanes, self.places.broker_port)
        self.hub_host, self.hub_prefix = self.network.host, self.network.prefix
        _replace(self.places.hub_config, f'host = "{HOST}"', f'host = "{self.network.listen}"')
        broker = 'host = "{}"\nport = {}\nusername'
        for name, lane in self.lanes.items():
            self.disks[name] = Disk(lane.folder, self.state_dir(name))
            cable = self.network.cables[name]
            old = broker.format(HOST, self.places.broker_port)
            _replace(lane.config, old, broker.format(cable.host, cable.port))
            set_clock(self._clock_file(name), 0)

    def start_lane(self, name: str) -> None:
        """Start one lane's process; does not wait."""
        log = self.places.folder / f"{name}.log"
        arguments = ["--config", str(self.lanes[name].config)]
        arguments += ["--clock", str(self._clock_file(name))]
        self.processes[name] = Process(name, AGENT, arguments, log)

    def cut_power(self, name: str, rng: random.Random) -> None:
        """The lane's computer loses its power: what was not on the disk is gone."""
        os.kill(self.processes[name].pid, signal.SIGSTOP)
        self.disks[name].freeze()
        self.kill(name)
        self.disks[name].cut_power(rng)

    @property
    def power_cut_by(self) -> str:
        """How a power cut is made here, for the report."""
        if all(disk.is_image for disk in self.disks.values()):
            return "an ext4 image on a loop device, kept at a random moment without a sync"
        return "a copy of the files at a random moment, with a torn write behind each log"

    def sign(self, name: str) -> Sign | None:
        """What the sign tells the vehicle that is in the lane; None: none is, or not known."""
        with closing(LaneView(self.state_dir(name))) as view:  # open no longer: the disk may go
            lane = view.look()
        return None if lane is None or lane.passage is None else lane.sign

    def number(self, name: str) -> int:
        """The place of a lane among the lanes, from 0."""
        return list(self.lanes).index(name)

    def right_times(self, name: str) -> Callable[[int], int]:
        """From a lane's wall clock, which jumped, to the true time (UTC ms).

        The lane's journal has both clocks of each event, and a record has the time of its event.
        """
        rows = self.query(self.state_dir(name) / "lane.db", "SELECT wall_ms, mono_s FROM journal")
        mono_s: dict[int, float] = dict(rows)
        stamp = self._clock.now()

        def right(at_ms: int) -> int:
            if at_ms not in mono_s:
                return at_ms
            return stamp.wall_ms - round((stamp.mono_s - mono_s[at_ms]) * 1000)

        return right

    def jump_clock(self, name: str, by_ms: int) -> None:
        """The lane's wall clock is off by so much; 0: right again."""
        set_clock(self._clock_file(name), by_ms)

    def stop(self) -> None:
        """End everything; may be called at any time."""
        super().stop()
        self.network.close()
        for disk in self.disks.values():
            disk.remove()

    def _clock_file(self, name: str) -> Path:
        return self.lanes[name].folder / "clock"


def _replace(path: Path, old: str, new: str) -> None:
    """Change a file that was written for us; it must be as we know it."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise LookupError(f"{path}: no {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")
