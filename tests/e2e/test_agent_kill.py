"""kill -9 at random moments: nothing lost, nothing doubled, nothing opened without a release."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hil_tests.chaos.account import Summary

# A share that leaves time for the other tests; `make chaos` strikes more.
KILLS, POWER_CUTS, LANES = 50, 5, 4


@pytest.mark.timeout(1_200)
def test_a_lane_that_is_struck_loses_nothing_and_opens_nothing_twice(tmp_path: Path) -> None:
    report = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "hil_tests.chaos.kill_agent", "--seed", "1"]
    command += ["--lanes", str(LANES)]
    command += ["--cycles", str(KILLS), "--power-cuts", str(POWER_CUTS), "--full-disks", "1"]
    command += ["--partitions", "1", "--clock-jumps", "1"]
    command += ["--json", str(report), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1_180)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = msgspec.json.decode(report.read_bytes(), type=Summary)
    assert summary.blows["kill"] == KILLS
    assert summary.blows["power_cut"] == POWER_CUTS
    assert summary.trucks >= 3
    assert summary.is_good
