"""A hub and quick lanes as processes of their own, to be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from devices.config import load_devices
from devices.sim.bench import Bench
from hil_tests.demo.console_client import ConsoleClient, ConsoleError
from hil_tests.demo.places import HOST, LanePlace, prepare
from hil_tests.demo.processes import Process, run_once
from hil_tests.rig import BOOM_TRAVEL_S, SHORT_LANE, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from devices.clock import Clock
    from hil_tests.rig import Papers

START_S = 60.0
HUB = "central.cli"
AGENT = "gate_agent.cli"
COLUMNS = "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,documents,holds"


class SiteError(Exception):
    """The site did not do in time what it should; the message shows the logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One row of the manifest, valid for some hours."""

    declaration_id: str
    papers: Papers


class Site:
    """One hub and its lanes. `start` and `stop` from one thread, the rest from any."""

    hub_host = HOST
    hub_prefix: tuple[str, ...] = ()  # a command that brings the hub to where it shall run

    def __init__(
        self,
        root: Path,
        lane_count: int,
        clock: Clock,
        *,
        lane_file: Callable[[LanePlace, str], str] | None = None,
    ) -> None:
        """Choose ports and write the files under `root`. Raises `PlaceError`.

        `lane_file` may change the text of each lane's file before anything reads it.
        """
        self._clock = clock
        self.places = prepare(root, free_ports(1)[0], lane_count, clock)
        self.lanes: dict[str, LanePlace] = {lane.lane: lane for lane in self.places.lanes}
        if lane_file is not None:
            for lane in self.places.lanes:
                text = lane.config.read_text(encoding="utf-8")
                lane.config.write_text(lane_file(lane, text), encoding="utf-8")
        self.benches: dict[str, Bench] = {}
        self.processes: dict[str, Process] = {}
        self.console = ConsoleClient(self.hub_host, self.places.console_port)
        for name, lane in self.lanes.items():
            self.benches[name] = self.new_bench(lane)

    def new_bench(self, lane: LanePlace) -> Bench:
        """The simulated devices of one lane."""
        return Bench(
            load_devices(lane.config),
            self._clock,
            geometry=SHORT_LANE,
            boom_travel_s=BOOM_TRAVEL_S,
        )

    def start(self, *, declared: Iterable[Declared] = ()) -> None:
        """Devices, hub, declarations, lanes; returns when all lanes invite. Raises `SiteError`."""
        for bench in self.benches.values():
            bench.start()
        for name, role in (("supervisor", "supervisor"), ("admin", "administrator")):
            arguments = ["user", "add", name, "--role", role, "--password-stdin"]
            arguments += ["--state", str(self.places.hub_state)]
            run_once(HUB, arguments, self.places.passwords[name] + "\n")
        self.start_hub()
        self.console = self.client("admin")
        if declared := list(declared):
            self.declare(declared)
        for name in self.lanes:
            self.start_lane(name)
        self.wait(self.all_invite, "the lanes")

    def start_hub(self) -> None:
        """Start the hub and wait until it answers."""
        log = self.places.folder / "hub.log"
        arguments = ["run", "--config", str(self.places.hub_config)]
        self.processes["hub"] = Process("hub", HUB, arguments, log, prefix=self.hub_prefix)
        self.wait(ConsoleClient(self.hub_host, self.places.console_port).is_up, "the hub")

    def start_lane(self, name: str) -> None:
        """Start one lane's process; does not wait."""
        log = self.places.folder / f"{name}.log"
        arguments = ["run", "--config", str(self.lanes[name].config)]
        self.processes[name] = Process(name, AGENT, arguments, log)

    def end(self, name: str) -> None:
        """End one process in order and wait for it."""
        process = self.processes.pop(name)
        process.stop()
        process.join()

    def kill(self, name: str) -> None:
        """End one process as a power cut would."""
        self.processes.pop(name).kill()

    def stop(self) -> None:
        """End everything; may be called at any time."""
        for name in [*(name for name in self.processes if name != "hub"), "hub"]:
            if name in self.processes:
                self.end(name)
        for bench in self.benches.values():
            bench.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def client(self, name: str) -> ConsoleClient:
        """A session of its own at the console, for one thread."""
        client = ConsoleClient(self.hub_host, self.places.console_port)
        client.sign_in(name, self.places.passwords[name])
        return client

    def declare(self, rows: Iterable[Declared]) -> None:
        """Bring rows in through the console, as port IT would."""
        now = datetime.now(UTC)
        since = (now - timedelta(hours=1)).isoformat(timespec="seconds")
        until = (now + timedelta(hours=12)).isoformat(timespec="seconds")
        lines = [COLUMNS]
        for row in rows:
            papers = row.papers
            lines.append(
                f"{row.declaration_id},{papers.plate},{papers.card_uid},{papers.gross_kg},"
                f"{since},{until},released,"
            )
        self.console.import_csv(("\n".join(lines) + "\n").encode())

    def lane_states(self) -> dict[str, Any]:
        """The lanes as the console shows them; {} while it does not answer."""
        with contextlib.suppress(ConsoleError):
            lanes: Any = self.console.get("/lanes")
            return {lane["lane"]: lane for lane in lanes}
        return {}

    def all_invite(self) -> bool:
        """Whether every lane shows its welcome with the hub's newest manifest."""
        head: Any = self.console.get("/summary")
        states = self.lane_states()
        return all(
            states.get(name, {}).get("showing") == "welcome"
            and states[name]["manifest_version"] == head["manifest_version"]
            for name in self.lanes
        )

    def unsynced(self) -> int:
        """Records of the lanes' databases that the hub's database does not have."""
        return sum(len(self.missing(name)) for name in self.lanes)

    def missing(self, name: str) -> list[int]:
        """The numbers of one lane's records that the hub has not stored."""
        epoch, last_seq = self.query(
            self.state_dir(name) / "lane.db",
            "SELECT (SELECT epoch FROM identity), record_seq FROM snapshot",
        )[0]
        stored = {seq for seq, *_ in self.hub_records(name, epoch)}
        return [seq for seq in range(1, last_seq + 1) if seq not in stored]

    def hub_records(self, name: str, epoch: str | None = None) -> list[tuple[Any, ...]]:
        """What the hub stored of a lane: (seq, at_ms, type, passage_id, body), in order."""
        sql = (
            "SELECT seq, at_ms, type, passage_id, body FROM records"
            " WHERE lane = ? AND (? IS NULL OR epoch = ?) ORDER BY seq"
        )
        return self.query(self.places.hub_state / "hub.db", sql, [name, epoch, epoch])

    def state_dir(self, name: str) -> Path:
        """Where a lane keeps its databases."""
        return self.lanes[name].folder / "state"

    def query(self, path: Path, sql: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a database that somebody else writes."""
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
        with contextlib.closing(connection):
            return connection.execute(sql, list(values)).fetchall()

    def wait(self, is_so: Callable[[], bool], what: str, within_s: float = START_S) -> None:
        """Wait for something. Raises `SiteError`, or `ProcessDied` for a process of ours."""
        deadline_s = self._clock.now().mono_s + within_s
        while not is_so():
            for process in list(self.processes.values()):
                process.check()
            if self._clock.now().mono_s > deadline_s:
                logs = "\n".join(f"{p.name}:\n{p.log_end(6)}" for p in self.processes.values())
                raise SiteError(f"{what}: not within {within_s:.0f} s\n{logs}")
            self._clock.sleep(0.1)
