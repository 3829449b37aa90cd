"""The lane file of our own examples, with an RTSP camera and serial ports, run at a desk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.bench.control import Request, ask, control_path
from hil_tests.rig import Papers, picture_of_plate
from tests.agent_rig import declaration_row, hold_manifest, wait_until

LANE = Path(__file__).parents[2] / "docs" / "examples" / "lane1.toml"
OWN_PORTS = Path("/dev/kakou")
PAPERS = Papers(plate="粤B52245", card_uid="04A1B2C7", gross_kg=21_400)


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def lines_until(process: subprocess.Popen[str], text: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        line = process.stdout.readline()
        assert line, f"ended without {text!r}: {lines}"
        lines.append(line)
    return lines


def status_of(lane: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "gate_agent.cli", "status", "--config", str(lane), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found: dict[str, object] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


@pytest.mark.timeout(300)
def test_the_example_lane_is_simulated_from_its_file_and_releases_a_declared_truck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if OWN_PORTS.exists():
        pytest.skip(f"{OWN_PORTS} exists: a lane's own machine, or this test a second time")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / f"{PAPERS.plate}.jpg").write_bytes(picture_of_plate(PAPERS.plate))
    try:
        with running("devices.cli", "sim", str(LANE), "--pictures", str(pictures)) as sim:
            told = "".join(lines_until(sim, "ready"))
            assert "instead of rtsp://10.20.1.11/plates: 10.20.1.11 is no address of" in told
            desk = Path(told.partition("gate-agent run --config ")[2].partition("\n")[0])
            assert desk.is_relative_to(tmp_path)
            if os.geteuid() == 0:
                assert "simulated at /dev/kakou/lane1-scale" in told
            state_dir = desk.parent / "state"
            hold_manifest(state_dir, [declaration_row(PAPERS)])
            with running("gate_agent.cli", "run", "--config", str(desk)):
                wait_until(lambda: status_of(desk).get("phase") == "idle", "the lane", 120)
                ask(
                    control_path(LANE),
                    Request(do="truck", gross_kg=float(PAPERS.gross_kg), card=PAPERS.card_uid),
                )
                (*_, story) = lines_until(sim, "truck 1: left")
        assert "left by the exit" in story
        assert "boom up" in story
    finally:
        if OWN_PORTS.is_dir() and not any(OWN_PORTS.iterdir()):
            shutil.rmtree(OWN_PORTS)
