"""The import contracts hold something: a line that breaks one is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gate_agent", "devices", "models", "central", "hil_tests")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        skipped = shutil.ignore_patterns("__pycache__", "*.onnx", "static", "templates")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def contracts(folder: Path) -> str:
    """Check a folder's own packages: the copy goes before the ones that are installed."""
    check = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command"
    done = subprocess.run(
        [sys.executable, "-c", f"{check}; lint_imports_command()", "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_line_that_breaks_a_contract_is_found_in_each_place(copy: Path) -> None:
    breaks = {
        "gate_agent/domain/decision.py": "import time",
        "devices/readings.py": "import gate_agent.errors",
        "central/config.py": "import devices.link",
        "devices/weighbridge/driver.py": "import serial",
        "gate_agent/store/__init__.py": "import devices.sim.bench",
        "models/lpr/plates.py": "import models.synth",
    }
    for path, line in breaks.items():
        with (copy / path).open("a") as source:
            source.write(f"\n{line}\n")
    output = contracts(copy)
    for number in ("1", "3", "4", "5", "6", "7b"):
        kept = [line for line in output.splitlines() if line.startswith(f"{number} ")]
        assert "BROKEN" in kept[0], output
    assert "gate_agent.domain.decision -> time" in output
