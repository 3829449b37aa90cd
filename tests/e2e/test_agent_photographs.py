"""Real photographs at a whole lane, where a folder of them is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hil_tests.photographs import AT_LEAST, Report


@pytest.mark.needs("photographs")
@pytest.mark.timeout(600)
def test_a_lane_releases_real_photographs_and_none_declared_with_another_plate(
    tmp_path: Path,
) -> None:
    folder = Path(os.environ["KAKOU_PHOTOGRAPHS"])
    report_path = tmp_path / "report.json"
    command = [sys.executable, "-m", "hil_tests.photographs", "--crops", "0"]
    command += ["--labels", str(folder / "labels.csv"), "--folder", str(folder)]
    command += ["--json", str(report_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    report = msgspec.json.decode(report_path.read_bytes(), type=Report)
    assert report.frames_released >= AT_LEAST
    assert report.wrongly_released == 0
