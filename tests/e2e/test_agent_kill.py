"""kill -9 at random moments: nothing lost, nothing doubled, nothing opened without a release."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hil_tests.chaos.kill_agent import Summary


@pytest.mark.timeout(300)
def test_an_agent_that_is_killed_loses_nothing_and_opens_nothing_twice(tmp_path: Path) -> None:
    report = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "hil_tests.chaos.kill_agent", "--cycles", "8", "--seed", "1"]
    command += ["--json", str(report), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = msgspec.json.decode(report.read_bytes(), type=Summary)
    assert summary.cycles == 8
    assert summary.trucks >= 2
    assert summary.is_good
