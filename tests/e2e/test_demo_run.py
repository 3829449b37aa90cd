"""`make run` as a person has it: bounded, interrupted, killed, on a port that is taken."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil_tests.demo.places import HOST, free_port
from tests.demo_summary import SUMMARY_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
# What runs the tests may itself ignore Ctrl-C (nohup, a job in the background), and so would we.
HEARS_CTRL_C = ("env", "--default-signal=INT")


def start(port: int, *words: str) -> subprocess.Popen[str]:
    """A demonstration in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [*HEARS_CTRL_C, sys.executable, "-m", "hil_tests.demo", "--port", str(port), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def processes_of(port: int) -> list[str]:
    """Every process whose command names this demonstration's folder."""
    mark = f"demo-{port}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in command:
            found.append(f"{entry.name} {command.replace(bytes(1), b' ').decode()}")
    return found


def wait_until(is_so: Callable[[], bool], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


def wait_for_line(running: subprocess.Popen[str], mark: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if mark in line:
            return
    pytest.fail(f"{mark!r} was never printed: {running.stderr and running.stderr.read()}")


@pytest.mark.timeout(180)
def test_a_bounded_run_releases_trucks_does_nothing_wrong_and_says_so(tmp_path: Path) -> None:
    port, report = free_port(), tmp_path / "summary.json"
    began_s = time.monotonic()
    running = start(port, "--for", "45", "--lanes", "2", "--seed", "7", "--json", str(report))
    said, complained = running.communicate(timeout=170)
    took_s = time.monotonic() - began_s
    assert running.returncode == 0, said + complained
    summary = json.loads(report.read_text(encoding="utf-8"))
    assert list(summary) == SUMMARY_KEYS
    assert set(summary["decision_ms"]) == {"n", "p50", "p95", "p99"}
    assert set(summary["stopped_to_boom_up_s"]) == {"n", "p50", "p95"}
    assert (summary["lanes"], summary["lost"], summary["unsynced"]) == (2, 0, 0)
    assert summary["released"] >= 2
    assert summary["wrong_releases"] == summary["wrong_holds"] == summary["duplicates"] == 0
    assert took_s < 45 + START_S, "a bounded run ends soon after its time"
    assert "first truck released" in said
    assert processes_of(port) == []


def test_a_port_that_is_taken_gives_one_line_that_says_what_to_do() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        running = start(port)
        said, complained = running.communicate(timeout=30)
    assert (running.returncode, said) == (1, "")
    assert len(complained.splitlines()) == 1
    assert f"port {port}" in complained
    assert f"PORT={port + 1}" in complained


def test_a_bounded_run_does_not_wait_for_a_person_at_the_console() -> None:
    running = start(free_port(), "--for", "20", "--no-supervisor")
    said, complained = running.communicate(timeout=30)
    assert (running.returncode, said) == (2, "")
    assert "FOR= or SUPERVISOR=0" in complained


@pytest.mark.timeout(150)
def test_a_person_can_be_the_supervisor() -> None:
    with start(free_port(), "--no-supervisor", "--lanes", "1") as running:
        wait_for_line(running, "you are the supervisor: held trucks wait 15 minutes")
        os.killpg(running.pid, signal.SIGINT)
        running.communicate(timeout=60)


@pytest.mark.timeout(150)
def test_ctrl_c_ends_everything_that_was_started() -> None:
    port = free_port()
    with start(port) as running:
        wait_for_line(running, "console: http")
        assert len(processes_of(port)) >= 4  # hub, broker, two lanes
        os.killpg(running.pid, signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 130
    assert processes_of(port) == []


@pytest.mark.timeout(150)
def test_a_demonstration_that_is_killed_leaves_nothing_running() -> None:
    port = free_port()
    with start(port) as running:
        wait_for_line(running, "console: http")
        running.kill()
    assert wait_until(lambda: processes_of(port) == [], 30.0), processes_of(port)


@pytest.mark.timeout(60)
def test_a_reader_that_goes_away_ends_the_demonstration() -> None:
    port = free_port()
    with start(port) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(timeout=50) == 130
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()
    assert processes_of(port) == []
