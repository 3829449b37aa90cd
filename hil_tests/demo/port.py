"""The whole demonstration: start everything, let trucks come, look at what the hub has, stop."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from central.auth.access_store import AccessStore
from central.auth.commands import access_path, add_user
from central.auth.roles import Role
from devices.config import load_devices
from devices.readings import Lamp
from hil_tests.demo.console_client import ConsoleClient, ConsoleError
from hil_tests.demo.judge import HubPassage, Judgement, judge
from hil_tests.demo.places import HOST
from hil_tests.demo.processes import Process
from hil_tests.demo.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.bench import Bench
    from hil_tests.demo.lane_traffic import LaneTraffic
    from hil_tests.demo.places import LanePlace, Places

START_S = 60.0
DRAIN_S = 10.0
HUB = "central.cli"
AGENT = "gate_agent.cli"
NEWEST = 100  # looked at while trucks come
MOST = 10_000  # that the console gives in one answer


class StartError(Exception):
    """Something did not come up in time; the message names it and shows its log."""


class Port:
    """A hub, its lanes and their traffic, as child processes and simulators.

    `has_supervisor`: whether a simulated one decides; without, the drivers wait for a person.
    """

    def __init__(
        self, places: Places, seed: int, clock: Clock, *, has_supervisor: bool = True
    ) -> None:
        self.places = places
        self._has_supervisor = has_supervisor
        self._seed = seed
        self._clock = clock
        self._benches: list[Bench] = []
        self.processes: dict[str, Process] = {}
        self.traffic: dict[str, LaneTraffic] = {}
        self._supervisor: Supervisor | None = None
        self._closed: dict[str, HubPassage] = {}
        self.console = ConsoleClient(HOST, places.console_port)

    def start(self, progress: Callable[[str], None]) -> None:
        """Start hub, devices and lanes; return when every lane invites. Raises `StartError`.

        What takes long goes on side by side: each process loads its libraries while we go on.
        """
        progress("hub, broker and console")
        # Made before the hub opens it: two programs must not lay out the same database at once.
        AccessStore(access_path(self.places.hub_state)).close()
        self.start_hub()
        progress("logins")
        self._make_users()
        progress("simulated devices")
        self._start_devices()
        progress("lanes")
        for lane in self.places.lanes:
            self.start_lane(lane)
        progress("hub, broker and console")
        self._wait(self.console.is_up, "the hub")
        progress("declarations")
        self._sign_in()
        progress("lanes loading the plate reader and the manifest")
        for traffic in self.traffic.values():
            traffic.draw_ahead()
        self._wait(self._all_invite, "the lanes")

    def _start_devices(self) -> None:
        # Imported now that the hub's process is busy with its own imports: OpenCV takes long.
        from devices.sim.bench import Bench  # noqa: PLC0415
        from hil_tests.demo.pictures import empty_lane  # noqa: PLC0415

        for lane in self.places.lanes:
            bench = Bench(load_devices(lane.config), self._clock, empty_picture=empty_lane())
            bench.start()
            self._benches.append(bench)

    def _sign_in(self) -> None:
        """Sit down at the console and bring the first declarations in."""
        from hil_tests.demo.lane_traffic import (  # noqa: PLC0415 - as above
            PATIENCE_S,
            PATIENCE_WITH_A_PERSON_S,
            LaneTraffic,
            as_csv,
        )

        self.console.sign_in("admin", self.places.passwords["admin"])
        patience_s = PATIENCE_S if self._has_supervisor else PATIENCE_WITH_A_PERSON_S
        for lane, bench in zip(self.places.lanes, self._benches, strict=True):
            console = self.console.for_another_thread()
            self.traffic[lane.lane] = LaneTraffic(
                lane.lane, self._seed, bench, console, self._clock, patience_s=patience_s
            )
        rows = [truck for one in self.traffic.values() for truck in one.first_declarations()]
        self.console.import_csv(as_csv(rows, datetime.now(UTC)))
        if not self._has_supervisor:
            return
        self._supervisor = Supervisor(
            ConsoleClient(HOST, self.places.console_port),
            self.places.passwords["supervisor"],
            self._eyes,
            self._clock,
        )

    def start_hub(self) -> None:
        """Start the hub's process."""
        log = self.places.folder / "hub.log"
        arguments = ["run", "--config", str(self.places.hub_config)]
        self.processes["hub"] = self._process("hub", HUB, arguments, log)

    def start_lane(self, lane: LanePlace) -> None:
        """Start one lane's process."""
        log = self.places.folder / f"{lane.lane}.log"
        arguments = ["run", "--config", str(lane.config)]
        self.processes[lane.lane] = self._process(lane.lane, AGENT, arguments, log)

    def let_trucks_come(self) -> None:
        """Begin the traffic; from now on the simulated supervisor looks at the console."""
        if self._supervisor is not None:
            self._supervisor.start()
        for traffic in self.traffic.values():
            traffic.start()

    def show_signs(self) -> dict[str, str]:
        """Let the drivers see their signs, and return them. Call it about once a second."""
        signs: dict[str, str] = {}
        with contextlib.suppress(ConsoleError):
            lanes: Any = self.console.get("/lanes")
            for lane in lanes:
                if lane["lane"] in self.traffic and lane["showing"]:
                    signs[lane["lane"]] = lane["showing"]
                    self.traffic[lane["lane"]].show(lane["showing"])
        return signs

    def plates_in_lanes(self) -> dict[str, str]:
        """What is written on the trucks that are in the lanes now."""
        trucks = {lane: traffic.now_in_lane() for lane, traffic in self.traffic.items()}
        return {lane: truck.plate for lane, truck in trucks.items() if truck is not None}

    def first_boom_up(self) -> str | None:
        """A lane whose boom has gone up for a truck, None while there is none."""
        return next((lane for lane, one in self.traffic.items() if one.has_released), None)

    def check(self) -> None:
        """Raise `ProcessDied` if a process of ours has ended by itself."""
        for process in self.processes.values():
            process.check()

    def passages(self, newest: int = NEWEST) -> list[HubPassage]:
        """Every closed passage that the hub has, those seen before and the `newest`. Raises."""
        rows: Any = self.console.get("/passages", limit=newest)
        for row in rows:
            if row["outcome"] is not None and row["passage_id"] not in self._closed:
                self._closed[row["passage_id"]] = self._passage(row)  # it will not change
        return list(self._closed.values())

    def _passage(self, row: Any) -> HubPassage:  # noqa: ANN401 - JSON of the console
        whole: Any = self.console.get(f"/passages/{row['passage_id']}")
        return msgspec.convert(
            {
                **{key: row[key] for key in ("passage_id", "lane", "outcome", "decided_by")},
                **{key: row[key] for key in ("verdict", "left", "plate", "reasons")},
                "arrived_at_ms": whole["arrived_at_ms"],
                "timeline": whole["timeline"],
            },
            HubPassage,
        )

    def judge(self, newest: int = MOST) -> Judgement:
        """What the hub has against what the traffic knows. Raises `ConsoleError`."""
        visits = [visit for traffic in self.traffic.values() for visit in traffic.visits]
        return judge(visits, self.passages(newest))

    def drained(self) -> tuple[Judgement, int]:
        """Wait, at most `DRAIN_S`, until the hub has everything; what it has, and what is missing.

        Raises `ConsoleError`.
        """
        deadline_s = self._clock.now().mono_s + DRAIN_S
        while True:
            judgement, unsynced = self.judge(), self.unsynced()
            late = self._clock.now().mono_s > deadline_s
            if late or (not unsynced and not judgement.lost):
                return judgement, unsynced
            self._clock.sleep(0.3)

    def unsynced(self) -> int:
        """Records that lanes have made and the hub has not; unknown counts as one. Raises."""
        summary: Any = self.console.get("/summary")
        counts = {lane["lane"]: lane for lane in summary["lanes"]}
        missing = 0
        for lane in self.traffic:
            known = counts.get(lane, {}).get("unsynced")
            missing += 1 if known is None else known
        return int(missing + summary["missing"] + summary["dead_letters"])

    def violations(self) -> list[str]:
        """What a bystander saw that must never be seen."""
        return [
            f"{lane.lane}: {violation.kind.value}: {violation.detail}"
            for lane, bench in zip(self.places.lanes, self._benches, strict=True)
            for violation in bench.world.violations
        ]

    def problems(self) -> list[str]:
        """What went wrong with the demonstration itself."""
        return [problem for traffic in self.traffic.values() for problem in traffic.problems]

    def stop(self) -> None:
        """End everything that was started, in order; safe to call at any time."""
        if self._supervisor is not None:
            self._supervisor.stop()
        for traffic in self.traffic.values():
            traffic.stop()
        lanes = [process for name, process in self.processes.items() if name != "hub"]
        for group in (lanes, [p for n, p in self.processes.items() if n == "hub"]):
            for process in group:
                process.stop()
            for process in group:
                process.join()
        for bench in self._benches:
            bench.stop()
        self.places.lock.close()

    def _process(self, name: str, module: str, arguments: list[str], log: Path) -> Process:
        return Process(name, module, arguments, log, (self.places.lock.fd,))

    def _make_users(self) -> None:
        """What `gate-central user add` does, twice."""
        at_ms = self._clock.now().wall_ms
        for name, role in (("supervisor", Role.SUPERVISOR), ("admin", Role.ADMINISTRATOR)):
            add_user(self.places.hub_state, name, self.places.passwords[name], role, at_ms)

    def _eyes(self, lane: str) -> str | None:
        traffic = self.traffic.get(lane)
        return traffic.eyes() if traffic is not None else None

    def invites(self, lane: LanePlace) -> bool:
        """Whether the lane's entry lamp is green, as a driver sees it."""
        return self._benches[self.places.lanes.index(lane)].world.lamp(Lamp.ENTRY_GREEN)

    def _all_invite(self) -> bool:
        """Whether every entry lamp is green and every manifest has come."""
        if not all(map(self.invites, self.places.lanes)):
            return False
        try:
            lanes: Any = self.console.get("/lanes")
        except ConsoleError:
            return False
        declared = {lane["lane"] for lane in lanes if (lane["manifest_version"] or 0) > 0}
        return declared >= {lane.lane for lane in self.places.lanes}

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        deadline_s = self._clock.now().mono_s + START_S
        while not is_so():
            self.check()
            if self._clock.now().mono_s > deadline_s:
                logs = "\n".join(f"{p.name}:\n{p.log_end(6)}" for p in self.processes.values())
                raise StartError(f"{what} did not come up within {START_S:.0f} s\n{logs}")
            self._clock.sleep(0.05)
