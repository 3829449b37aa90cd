"""A full disk: nothing opens, the lamps say stop, and nothing recorded is lost."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.readings import Lamp
from gate_agent.wire import v1
from hil_tests.rig import Papers, visit_of
from tests.agent_rig import declaration_row, hold_manifest, records_in, wait_until
from tests.integration.test_agent_process import write_lane_file

PAPERS = [
    Papers(plate=f"粤B{n}24{n}5", card_uid=f"04A1B2C{n}", gross_kg=20_000 + 2_000 * n)
    for n in range(2)
]
DISK_MB = 6


@pytest.mark.needs("tmpfs-mounts")
@pytest.mark.timeout(180)
def test_a_full_disk_stops_the_lane_and_loses_nothing(tmp_path: Path) -> None:
    clock = SystemClock()
    state, seed, log_path = tmp_path / "state", tmp_path / "seed", tmp_path / "agent.log"
    lane_file, bench = write_lane_file(tmp_path)
    hold_manifest(seed, [declaration_row(one) for one in PAPERS])
    state.mkdir()
    script = (
        f"mount -t tmpfs -o size={DISK_MB}m tmpfs {state} && cp -r {seed}/. {state}/ &&"
        f" exec {sys.executable} -m gate_agent.cli run --config {lane_file}"
    )
    with (
        bench,
        log_path.open("wb") as log,
        subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdout=log, stderr=log) as agent,
    ):
        try:
            # The mount is the agent's own; its files are reached through the process.
            inside = Path(f"/proc/{agent.pid}/root{state}")
            world = bench.world
            wait_until(lambda: world.lamp(Lamp.ENTRY_GREEN), "the lane invites")
            handle = world.send(visit_of(PAPERS[0], seed=0))
            wait_until(lambda: handle.entered_s is not None, "the truck arrives")
            _fill(inside / "filler")
            assert handle.wait_stopped(20)
            wait_until(lambda: b"store_failed" in log_path.read_bytes(), "the lane says so")
            clock.sleep(3.0)  # longer than a verdict takes
            assert world.boom.raise_count == 0
            assert world.boom.position == 0.0
            assert world.lamp(Lamp.EXIT_RED)
            assert not world.lamp(Lamp.EXIT_GREEN)
            assert not world.lamp(Lamp.ENTRY_GREEN)
            assert log_path.read_bytes().count(b"store_failed") == 1
            (inside / "filler").unlink()
            assert handle.wait_gone(60), log_path.read_text()[-2000:]
            assert handle.left_by == "exit"
            after = world.send(visit_of(PAPERS[1], seed=1))
            assert after.wait_gone(60)
            assert after.left_by == "exit"
            wait_until(lambda: world.lamp(Lamp.ENTRY_GREEN), "the lane invites again")
            bodies = records_in(
                _copy(inside, tmp_path / "copy")
            )  # numbered without a gap, or it fails
            kinds = [type(body).__name__ for body in bodies]
            assert kinds.count("PassageOpened") == kinds.count("PassageClosed") == 2
            changes = [
                (body.code, body.raised) for body in bodies if isinstance(body, v1.FaultChanged)
            ]
            assert changes.count(("store", True)) == changes.count(("store", False)) == 1
            assert not world.violations
        finally:
            agent.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                agent.wait(15)
            agent.kill()


def _copy(state: Path, to: Path) -> Path:
    """SQLite finds no file through another process's root; its copy it finds."""
    to.mkdir()
    for name in ("lane.db", "lane.db-wal"):
        shutil.copy(state / name, to / name)
    return to


def _fill(path: Path) -> None:
    """Write until nothing more fits, not even into the holes that are left."""
    with contextlib.suppress(OSError), path.open("wb") as filler:
        while True:
            filler.write(os.urandom(65_536))
            filler.flush()
    for number in range(64):
        with contextlib.suppress(OSError), path.open("ab") as filler:
            filler.write(b"x" * 4096)
            filler.flush()
            os.fsync(filler.fileno())
            _ = number
