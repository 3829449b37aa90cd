"""The pure modules are pure in fact: importing one loads no clock, wire, database or picture code.

import-linter follows import statements but not the `__init__.py` of a parent package, which runs
all the same. So each pure module is imported here in a fresh interpreter.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = (
    "gate_agent/domain",
    "gate_agent/wire",
    "devices/*/codecs",
    "devices/*/registers.py",
    "devices/readings.py",
    "models/lpr/alphabet.py",
    "models/lpr/plates.py",
    "models/lpr/vote.py",
)
FORBIDDEN = frozenset(
    {"asyncio", "cv2", "onnxruntime", "paho", "pymodbus", "serial", "socket", "sqlite3"}
)
LOADED = "import sys, json, {module}; print(json.dumps([*sys.modules]))"


def _modules() -> list[str]:
    files = []
    for pattern in PURE:
        for found in ROOT.glob(pattern):
            files += sorted(found.rglob("*.py")) if found.is_dir() else [found]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    return [name.removesuffix(".__init__") for name in names]


def _statements(path: Path) -> list[ast.stmt]:
    body = ast.parse(path.read_text()).body
    return body[1:] if body and isinstance(body[0], ast.Expr) else body


@pytest.fixture(scope="module")
def loaded_with() -> dict[str, set[str]]:
    """What each pure module brings into a fresh interpreter; two run side by side."""
    running: dict[str, subprocess.Popen[str]] = {}
    found: dict[str, set[str]] = {}
    names = _modules()
    while names or running:
        while names and len(running) < 2:
            name = names.pop()
            running[name] = subprocess.Popen(
                [sys.executable, "-c", LOADED.format(module=name)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        name = next(iter(running))
        output, _ = running.pop(name).communicate(timeout=60)
        found[name] = set(json.loads(output))
    return found


@pytest.mark.parametrize("module", _modules())
def test_a_pure_module_loads_nothing_that_touches_the_world(
    module: str, loaded_with: dict[str, set[str]]
) -> None:
    roots = {name.partition(".")[0] for name in loaded_with[module]}
    assert not roots & FORBIDDEN


@pytest.mark.parametrize("package", ["gate_agent", "devices", "models", "central", "hil_tests"])
def test_an_init_file_is_empty_or_a_docstring(package: str) -> None:
    full = [path for path in (ROOT / package).rglob("__init__.py") if _statements(path)]
    assert not full


def test_only_two_files_read_a_clock() -> None:
    reading = []
    for package in ("gate_agent", "devices", "models", "central"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            if any(call in text for call in ("time.monotonic(", "time.time(", "datetime.now(")):
                reading.append(str(path.relative_to(ROOT)))
    assert set(reading) <= {"devices/clock.py", "central/clock.py"}
