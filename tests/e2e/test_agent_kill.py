"""kill -9 at random moments: nothing lost, nothing doubled, nothing opened without a release."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hil_tests.chaos.kill_agent import Summary

KILLS, POWER_CUTS = 50, 5


@pytest.mark.timeout(1_200)
def test_a_lane_that_is_struck_loses_nothing_and_opens_nothing_twice(tmp_path: Path) -> None:
    report = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "hil_tests.chaos.kill_agent", "--seed", "1"]
    command += ["--cycles", str(KILLS), "--power-cuts", str(POWER_CUTS), "--full-disks", "2"]
    command += ["--partitions", "3", "--clock-jumps", "2"]
    command += ["--json", str(report), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1_180)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = msgspec.json.decode(report.read_bytes(), type=Summary)
    assert summary.blows["kill"] == KILLS
    assert summary.blows["power_cut"] == POWER_CUTS
    assert summary.trucks >= 10
    assert summary.is_good
