"""`make setup` in a copy of the repository, on machines that lack something."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "make", "sed", "env", "uname")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "kakou"
    folder.mkdir()
    for file in ("Makefile", "bootstrap.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, folder)
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, folder)
    return folder


def make_setup(folder: Path, **environ: str) -> tuple[int, list[str]]:
    """Run it with nothing but PATH and what is given; drop the lines that make itself adds."""
    done = subprocess.run(
        ["make", "setup"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent), **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, [line for line in lines if not line.startswith("make")]


def test_without_a_registry_set_up_ends_with_one_line_that_says_what_to_do(copy: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    status, lines = make_setup(copy, **nowhere)
    assert status != 0
    assert [line for line in lines if line.startswith("setup: ")] == [
        "setup: installer: the package registry cannot be reached; check the network or the "
        "proxy, or name a mirror with: pip config set global.index-url ADDRESS, and run the "
        f"command again (details: {copy}/.build/setup.log)"
    ]
    assert not (copy / ".venv" / "kakou-stamp.json").exists()


def test_a_machine_without_python_is_told_what_to_install(copy: Path, tmp_path: Path) -> None:
    """Shims of pyenv exist for every version and work for few: one that fails is no Python."""
    path = tmp_path / "path"
    path.mkdir()
    for name in TOOLS:
        (path / name).symlink_to(shutil.which(name) or "/bin/false")
    shim = path / "python3"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    status, lines = make_setup(copy, PATH=str(path))
    assert status != 0
    assert lines == [
        "setup: kakou needs Python 3.11 or newer; none was found on PATH. On Debian run: "
        "apt-get install python3 python3-venv"
    ]


def test_a_python_that_does_not_run_is_named(copy: Path) -> None:
    status, lines = make_setup(copy, PYTHON="python3.99")
    assert status != 0
    assert lines == ["setup: PYTHON=python3.99 does not run; give a Python 3.11 or newer"]
