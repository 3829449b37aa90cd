"""The whole demonstration: start everything, let trucks come, look at what the hub has, stop."""

from __future__ import annotations

import contextlib
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from devices.config import DevicesConfig
from devices.sim.bench import Bench
from hil_tests.demo.console_client import ConsoleClient, ConsoleError
from hil_tests.demo.judge import HubPassage, Judgement, judge
from hil_tests.demo.lane_traffic import LaneTraffic, as_csv
from hil_tests.demo.pictures import empty_lane
from hil_tests.demo.places import HOST
from hil_tests.demo.processes import Process, run_once
from hil_tests.demo.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.places import LanePlace, Places

START_S = 60.0
HUB = "central.cli"
AGENT = "gate_agent.cli"


class StartError(Exception):
    """Something did not come up in time; the message names it and shows its log."""


class Port:
    """A hub, its lanes and their traffic, as child processes and simulators."""

    def __init__(self, places: Places, seed: int, clock: Clock) -> None:
        self.places = places
        self._seed = seed
        self._clock = clock
        self._benches: list[Bench] = []
        self.processes: dict[str, Process] = {}
        self.traffic: dict[str, LaneTraffic] = {}
        self._token = ""
        self._supervisor: Supervisor | None = None
        self.console = ConsoleClient(HOST, places.console_port)

    def start(self, progress: Callable[[str], None]) -> None:
        """Start hub, devices and lanes; return when every lane invites. Raises `StartError`."""
        progress("devices")
        for lane in self.places.lanes:
            bench = Bench(_devices(lane), self._clock, empty_picture=empty_lane())
            bench.start()
            self._benches.append(bench)
        progress("logins")
        self._make_users()
        progress("hub, broker and console")
        self.start_hub()
        self._wait(self.console.is_up, "the hub")
        self.console.sign_in("admin", self.places.passwords["admin"])
        for lane, bench in zip(self.places.lanes, self._benches, strict=True):
            console = self._client("admin")
            self.traffic[lane.lane] = LaneTraffic(
                lane.lane, self._seed, bench, console, self._clock
            )
        progress("lanes")
        for lane in self.places.lanes:
            self.start_lane(lane)
        progress("declarations")
        rows = [truck for one in self.traffic.values() for truck in one.first_declarations()]
        self.console.import_csv(as_csv(rows, datetime.now(UTC)))
        progress("lanes loading the plate reader and the manifest")
        self._wait(self._all_invite, "the lanes")

    def start_hub(self) -> None:
        """Start the hub's process."""
        log = self.places.folder / "hub.log"
        arguments = ["run", "--config", str(self.places.hub_config)]
        self.processes["hub"] = Process("hub", HUB, arguments, log)

    def start_lane(self, lane: LanePlace) -> None:
        """Start one lane's process."""
        log = self.places.folder / f"{lane.lane}.log"
        arguments = ["run", "--config", str(lane.config)]
        self.processes[lane.lane] = Process(lane.lane, AGENT, arguments, log)

    def let_trucks_come(self) -> None:
        """Begin the traffic and seat the supervisor."""
        self._supervisor = Supervisor(self._client("supervisor"), self._eyes, self._clock)
        self._supervisor.start()
        for traffic in self.traffic.values():
            traffic.start()

    def show_signs(self) -> None:
        """Let the drivers see their signs. Call it about once a second."""
        with contextlib.suppress(ConsoleError):
            lanes: Any = self.console.get("/lanes")
            for lane in lanes:
                if lane["lane"] in self.traffic:
                    self.traffic[lane["lane"]].show(lane["showing"])

    def check(self) -> None:
        """Raise `ProcessDied` if a process of ours has ended by itself."""
        for process in self.processes.values():
            process.check()

    def passages(self) -> list[HubPassage]:
        """Every closed passage that the hub has. Raises `ConsoleError`."""
        rows: Any = self.console.get("/passages", limit=1_000)
        return [self._passage(row) for row in rows if row["outcome"] is not None]

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

    def judge(self) -> Judgement:
        """What the hub has against what the traffic knows. Raises `ConsoleError`."""
        visits = [visit for traffic in self.traffic.values() for visit in traffic.visits]
        return judge(visits, self.passages())

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

    def _make_users(self) -> None:
        for name, role in (("supervisor", "supervisor"), ("admin", "administrator")):
            arguments = ["user", "add", name, "--role", role, "--password-stdin"]
            arguments += ["--state", str(self.places.hub_state)]
            run_once(HUB, arguments, self.places.passwords[name] + "\n")

    def _client(self, name: str) -> ConsoleClient:
        client = ConsoleClient(HOST, self.places.console_port)
        client.sign_in(name, self.places.passwords[name])
        return client

    def _eyes(self, lane: str) -> str | None:
        traffic = self.traffic.get(lane)
        return traffic.eyes() if traffic is not None else None

    def _all_invite(self) -> bool:
        try:
            lanes: Any = self.console.get("/lanes")
        except ConsoleError:
            return False
        inviting = {
            lane["lane"]
            for lane in lanes
            if lane["showing"] == "welcome" and (lane["manifest_version"] or 0) > 0
        }
        return inviting >= {lane.lane for lane in self.places.lanes}

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        deadline_s = self._clock.now().mono_s + START_S
        while not is_so():
            self.check()
            if self._clock.now().mono_s > deadline_s:
                logs = "\n".join(f"{p.name}:\n{p.log_end(6)}" for p in self.processes.values())
                raise StartError(f"{what} did not come up within {START_S:.0f} s\n{logs}")
            self._clock.sleep(0.1)


def _devices(lane: LanePlace) -> DevicesConfig:
    table = tomllib.loads(lane.config.read_text(encoding="utf-8"))
    return msgspec.convert(table["devices"], DevicesConfig)
