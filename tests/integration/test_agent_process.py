"""`gate-agent` as systemd starts it: ready, watched while it turns, stopped, and its exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.sim.bench import Bench
from gate_agent.runtime.agent import LANE_STALL_S
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, devices_at, free_ports
from tests.agent_rig import wait_until

# The watchdog must starve when the lane's own thread hangs, which a healthy disk never lets
# happen: this process starts the real command with a commit that hangs once a file appears.
_HANGS = """
import sys, time
from pathlib import Path
from gate_agent.cli import main
from gate_agent.store.lane_store import LaneStore
commit = LaneStore.commit
def hang(store, stamped, step):
    while Path(sys.argv[1]).exists():
        if Path(sys.argv[1]).read_text() == "crash":
            raise RuntimeError("nobody thought of this")
        time.sleep(0.1)
    commit(store, stamped, step)
LaneStore.commit = hang
sys.exit(main(sys.argv[2:]))
"""


def write_lane_file(folder: Path, **changes: str) -> tuple[Path, Bench]:
    bus_port, camera_port, hub_port = free_ports(3)
    devices = devices_at(folder, bus_port, camera_port)
    text = f"""
site = "test"
lane = "lane1"
state_dir = "{changes.get("state_dir", folder / "state")}"
{changes.get("top", "")}
[hub]
host = "{HOST}"
port = {hub_port}
[devices.bus]
host = "{HOST}"
tcp_port = {bus_port}
[devices.weighbridge]
port = "{devices.weighbridge.port}"
[devices.card_reader]
port = "{devices.card_reader.port}"
[devices.camera]
source = "{devices.camera.source}"
{changes.get("end", "")}
"""
    path = folder / "lane.toml"
    path.write_text(text, encoding="utf-8")
    bench = Bench(devices, SystemClock(), geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
    return path, bench


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate_agent.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.1)

    def heard(self, for_s: float) -> list[str]:
        until_s, messages = time.monotonic() + for_s, []
        while time.monotonic() < until_s:
            try:
                messages.append(self._socket.recv(4096).decode())
            except TimeoutError:
                continue
        return messages

    def wait_for(self, start: str, within_s: float = 40.0) -> str:
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            for message in self.heard(0.2):
                if message.startswith(start):
                    return message
        raise AssertionError(f"systemd did not hear {start}")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def started(lane_file: Path, systemd: Systemd, hang: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _HANGS, str(hang), "run", "--config", str(lane_file)]
    environment = os.environ | {"NOTIFY_SOCKET": systemd.path}
    log = lane_file.with_name("agent.log").open("wb")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.timeout(120)
def test_systemd_hears_ready_then_a_watchdog_that_starves_with_the_lane(tmp_path: Path) -> None:
    lane_file, bench = write_lane_file(tmp_path)
    systemd, hang = Systemd(tmp_path), tmp_path / "hang"
    with bench, started(lane_file, systemd, hang) as process:
        assert "STATUS=" in systemd.wait_for("READY=1")
        systemd.wait_for("WATCHDOG=1")
        status = wait_for_status(lane_file)
        assert status["lane"] == "lane1"
        assert status["phase"] == "idle"
        assert status["barrier"] == "closed"
        assert int(str(status["records"])) >= 1
        hang.touch()
        bench.scale.host.unplug()  # something happens that the lane must commit
        systemd.heard(LANE_STALL_S + 2.0)
        assert not [m for m in systemd.heard(2.5) if m.startswith("WATCHDOG")]
        hang.unlink()
        systemd.wait_for("WATCHDOG=1")  # and it goes on by itself
        process.send_signal(signal.SIGTERM)
        systemd.wait_for("STOPPING=1")
        assert process.wait(20) == 0
    systemd.close()
    # What a stopped lane says of itself comes from its database.
    stopped = run("status", "--config", str(lane_file), "--json")
    assert stopped.returncode == 0, stopped.stderr
    assert "scale_link" in json.loads(stopped.stdout)["faults"]


@pytest.mark.timeout(60)
def test_a_lane_whose_deciding_thread_crashed_ends_so_that_it_is_started_again(
    tmp_path: Path,
) -> None:
    lane_file, bench = write_lane_file(tmp_path)
    systemd, crash = Systemd(tmp_path), tmp_path / "hang"
    with bench, started(lane_file, systemd, crash) as process:
        systemd.wait_for("WATCHDOG=1")
        crash.write_text("crash")
        bench.scale.host.unplug()  # something happens that the lane must commit
        assert process.wait(20) == 1
    systemd.close()
    log = lane_file.with_name("agent.log").read_text()
    assert "the thread that decides has crashed" in log
    assert "nobody thought of this" in log


def wait_for_status(lane_file: Path) -> dict[str, object]:
    answers: list[dict[str, object]] = []

    def is_idle() -> bool:
        done = run("status", "--config", str(lane_file), "--json")
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
        return answers[-1]["barrier"] == "closed"

    wait_until(is_idle, "the lane's status")
    return answers[-1]


def test_check_config_opens_nothing_and_names_the_key_that_is_wrong(tmp_path: Path) -> None:
    good, _ = write_lane_file(tmp_path)
    done = run("check-config", "--config", str(good))
    assert (done.returncode, done.stdout) == (0, f"{good}: lane lane1 of site test: ok\n")
    assert not (tmp_path / "state").exists()
    bad, _ = write_lane_file(tmp_path, end="buad = 9600")
    done = run("run", "--config", str(bad))
    assert done.returncode == 78
    assert "buad" in done.stderr
    assert "$.devices.camera" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_exit_codes_tell_usage_configuration_and_failure_apart(tmp_path: Path) -> None:
    lane_file, _ = write_lane_file(tmp_path)
    assert run("fly").returncode == 2
    assert run("run", "--config", str(tmp_path / "none.toml")).returncode == 78
    never_ran = run("status", "--config", str(lane_file))
    assert never_ran.returncode == 1
    assert "has not run yet" in never_ran.stderr
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lane.db").write_bytes(b"rubbish " * 1_000)
    for command in ("status", "run"):
        damaged = run(command, "--config", str(lane_file))
        assert damaged.returncode == 1
        assert "lane.db" in damaged.stderr
        assert "Traceback" not in damaged.stderr
