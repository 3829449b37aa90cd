"""`gate-bench fault`: faults in a simulation that runs, made and ended by a second terminal."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.bench.control import Request, ask, control_path
from devices.cli import main
from devices.errors import LinkDown
from hil_tests.rig import free_ports

LANE = """\
[devices.bus]
tcp_port = {bus_port}
[devices.weighbridge]
port = "{folder}/scale"
[devices.card_reader]
port = "{folder}/card"
[devices.camera]
source = "http://127.0.0.1:{camera_port}/lane.mjpg"
"""


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    bus_port, camera_port = free_ports(2)
    path = tmp_path / "lane1.toml"
    path.write_text(LANE.format(folder=tmp_path, bus_port=bus_port, camera_port=camera_port))
    command = [sys.executable, "-m", "devices.cli", "sim", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "ready" not in process.stdout.readline():
            assert process.poll() is None
        yield path
        process.terminate()
    assert not control_path(path).exists()


def looked_at(lane: Path) -> tuple[str, ...]:
    look = ask(control_path(lane), Request(do="look")).look
    assert look is not None
    return look.faults


def test_a_fault_is_made_ended_and_ends_by_itself(
    lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fault", "scale_silent"]) == 0  # the only simulation that runs
    assert "scale_silent: on: the indicator sends nothing" in capsys.readouterr().out
    assert main(["check", "--open", str(lane)]) == 1
    assert "weighbridge  FAILED" in capsys.readouterr().out
    assert main(["fault", "scale_silent", "--off", "--config", str(lane)]) == 0
    capsys.readouterr()
    assert main(["check", "--open", str(lane)]) == 0
    assert main(["fault", "board_silent", "--for", "0.5"]) == 0
    assert looked_at(lane) == ("board_silent",)
    until_s = time.monotonic() + 20
    while looked_at(lane):
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_a_pulled_cable_and_a_wrong_baud_rate_are_felt_by_the_real_driver(
    lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in (
        ("scale_unplugged", "No such file"),
        ("scale_line_slower", "no good frame"),
        ("board_exception", "exception 4"),
    ):
        assert main(["fault", name]) == 0
        assert main(["check", "--open", str(lane)]) == 1
        assert said in capsys.readouterr().out, name
        assert main(["fault", name, "--off"]) == 0
    assert main(["check", "--open", str(lane)]) == 0


def test_what_cannot_be_is_one_clear_line(lane: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "scale_on_fire"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("gate-bench: no fault 'scale_on_fire'")
    assert main(["fault", "scale_net"]) == 1
    assert "cannot say net" in capsys.readouterr().err
    assert main(["sim", str(lane)]) == 1
    assert "Address already in use" in capsys.readouterr().err


def test_a_truck_drives_in_when_the_control_says_so(lane: Path) -> None:
    path = control_path(lane)
    answer = ask(path, Request(do="truck", gross_kg=20_000.0, card="01020304"))
    assert (answer.ok, answer.said) == (True, "truck 1: 20000 kg, card 01020304")
    assert not ask(path, Request(do="truck", gross_kg=-1.0)).ok
    assert ask(path, Request(do="turn_back")).ok


def test_without_a_simulation_the_client_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert main(["fault", "scale_silent"]) == 1
    assert "none run" in capsys.readouterr().err
    with pytest.raises(LinkDown, match="no simulation answers"):
        ask(tmp_path / "nobody.sock", Request(do="look"))
    assert main(["fault", "--list"]) == 0
    assert "camera_black" in capsys.readouterr().out
