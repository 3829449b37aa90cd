"""What a lane may have beside, at a technician's desk: tag reader, sign, two more cameras."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.bench.control import Look, Request, ask, control_path
from devices.cli import main
from devices.clock import SystemClock
from devices.config import load_devices
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.lane_world import TruckVisit
from devices.sim.truck import TruckSpec
from hil_tests.rig import free_ports

CLOCK = SystemClock()
LANE = """\
[devices.bus]
tcp_port = {ports[0]}
[devices.weighbridge]
port = "{folder}/scale"
[devices.card_reader]
port = "{folder}/card"
[devices.camera]
source = "http://127.0.0.1:{ports[1]}/lane.mjpg"
[devices.lane_camera]
source = "http://127.0.0.1:{ports[2]}/film.mjpg"
[devices.plate_camera]
driver = "isapi"
listen = "127.0.0.1"
port = {ports[3]}
allow = ["127.0.0.1"]
[devices.tag_reader]
port = "{folder}/tags"
reply_s = 0.2
[devices.sign]
{sign}
"""
HTTP_SIGN = 'driver = "http"\nurl = "http://127.0.0.1:{port}/"'
VISIT = TruckVisit(truck=TruckSpec(gross_kg=20_000.0), picture=b"", card_uid=None, plate="粤B12345")


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    return lane_with(tmp_path, HTTP_SIGN.format(port=free_ports(1)[0]))


def lane_with(folder: Path, sign: str) -> Path:
    path = folder / "lane1.toml"
    path.write_text(LANE.format(folder=folder, ports=free_ports(4), sign=sign), encoding="utf-8")
    return path


@pytest.fixture
def bench(lane: Path) -> Iterator[Bench]:
    with Bench(load_devices(lane), CLOCK) as bench:
        yield bench


def checked(lane: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """The exit status of a check, and its line for each device."""
    status = main(["check", "--open", str(lane)])
    lines = capsys.readouterr().out.splitlines()
    return status, {line.split()[0]: line for line in lines if not line.startswith("->")}


def test_check_says_of_each_device_what_was_reached(
    bench: Bench, lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = checked(lane, capsys)
    assert status == 0
    assert "1280x720 pictures" in lines["lane_camera"]
    assert "/plates, nothing posted in 3 s" in lines["plate_camera"]
    assert "answers, no tag in view" in lines["tag_reader"]
    assert "has shown 设备检测" in lines["sign"]
    assert bench.sign is not None
    assert (bench.sign.code, bench.sign.spoken) == ("check", [])
    assert bench.sign.lines == {0: "设备检测", 1: "DEVICE CHECK"}


def test_check_names_what_a_plate_camera_posts_meanwhile(
    bench: Bench, lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.plate_camera is not None
    camera, is_over = bench.plate_camera, threading.Event()

    def keep_coming() -> None:
        while not is_over.wait(0.3):
            camera.look(VISIT)

    traffic = threading.Thread(target=keep_coming)
    traffic.start()
    try:
        _, lines = checked(lane, capsys)
    finally:
        is_over.set()
        traffic.join()
    assert "posted: 粤B12345" in lines["plate_camera"]


def test_check_names_each_failure(
    bench: Bench, lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    switches = FaultSwitches(bench)
    switches.turn("sign_refuses", on=True)
    switches.turn("tag_silent", on=True)
    assert bench.lane_camera is not None
    bench.lane_camera.unplug()
    status, lines = checked(lane, capsys)
    assert status == 1
    assert "FAILED  sign: http" in lines["sign"]
    assert "answered 500" in lines["sign"]
    assert "FAILED  tag reader: no answer for" in lines["tag_reader"]
    assert "FAILED" in lines["lane_camera"]
    assert "ok" in lines["camera"]


def test_without_devices_each_fails_by_name_and_a_taken_port_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lane = lane_with(tmp_path, f'driver = "led-64ff"\nport = "{tmp_path}/sign"')
    config = load_devices(lane)
    assert config.plate_camera is not None
    place = ("127.0.0.1", config.plate_camera.port)
    with socket.create_server(place):
        status, lines = checked(lane, capsys)
    assert status == 1
    assert list(lines) == [
        "bus",
        "weighbridge",
        "card_reader",
        "camera",
        "lane_camera",
        "plate_camera",
        "tag_reader",
        "sign",
    ]
    assert all(" FAILED " in line for line in lines.values())
    assert f"127.0.0.1:{place[1]}/plates: Address already in use" in lines["plate_camera"]
    assert "No such file" in lines["sign"]


def test_a_running_simulation_shows_tags_plates_and_the_signs_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lane = lane_with(tmp_path, f'driver = "led-64ff"\nport = "{tmp_path}/sign"\nbaud = 115200')
    command = [sys.executable, "-m", "devices.cli", "sim", str(lane)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        served = []
        while "ready" not in (line := process.stdout.readline()):
            assert line
            served.append(line.split()[:2])
        for device in ("lane_camera", "plate_camera", "tag_reader", "sign"):
            assert [device, "simulated"] in served
        assert main(["check", "--open", str(lane)]) == 0
        assert "look, such a sign answers nothing" in capsys.readouterr().out
        said = ask(control_path(lane), Request(do="truck", gross_kg=20_000.0)).said
        tag, plate = (said.partition(f"{what} ")[2][:length] for what, length in WHAT)
        assert tag.startswith("E200")
        assert plate.startswith("粤B")
        wait_for(lane, "tag_reader", f"in order; {tag} in the lane")
        wait_for(lane, "sign", "设备检测 | DEVICE CHECK")
        assert main(["fault", "tag_of_next_lane"]) == 0
        assert main(["fault", "sign_unplugged"]) == 0
        capsys.readouterr()
        assert main(["panel", "--once"]) == 0
        screen = capsys.readouterr().out
        assert "tag_reader   FAULT: next_lane" in screen
        assert "plate_camera in order; nothing posted yet" in screen
        assert "camera       in order; http://127.0.0.1:" in screen
        assert "lane_camera  in order; http://127.0.0.1:" in screen
        assert "UNPLUGGED: sign" in screen
        process.terminate()


WHAT = (("tag", 24), ("plate", 7))


def wait_for(lane: Path, device: str, state: str) -> None:
    deadline_s = time.monotonic() + 20
    while look_at(lane).further[device] != state:
        assert time.monotonic() < deadline_s, look_at(lane).further
        time.sleep(0.05)


def look_at(lane: Path) -> Look:
    look = ask(control_path(lane), Request(do="look")).look
    assert look is not None
    return look
