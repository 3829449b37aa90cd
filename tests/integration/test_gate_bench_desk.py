"""A lane file whose places are not this machine's, simulated at a desk; some devices left real."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from devices.bench import desk as desk_module
from devices.bench.control import Request, ask, control_path
from devices.bench.desk import desk_of, reports_elsewhere, why_not_listen, write_desk
from devices.cli import main
from devices.clock import SystemClock
from devices.config import CardReaderConfig, load_devices
from devices.registry import check
from devices.sim.bench import DEVICES, Bench
from gate_agent.config import load
from hil_tests.rig import free_ports
from tests.running_bench import RunningBench

CLOCK = SystemClock()
FAR = "192.0.2.7"  # an address for documents: nobody has it
LANE = f"""
site = "north"
lane = "lane1"
state_dir = "/var/lib/gate-agent/lane1"
[hub]
host = "10.20.0.5"
username = "lane1"
password_file = "/run/credentials/none"
[policy]
gather_timeout_s = 45.0
[devices.bus]
host = "{FAR}"
tcp_port = 502
normally_closed = [1, 2]
[devices.weighbridge]
driver = "mt-sics"
port = "tcp://{FAR}:4001"
[devices.card_reader]
driver = "osdp"
port = "FOLDER/card"
key_file = "/run/credentials/none"
[devices.camera]
source = "rtsps://admin:secret@{FAR}/Streaming/Channels?id=1"
[devices.lane_camera]
source = "v4l2:///dev/video0"
driver = "v4l2"
rate_fps = 5
[devices.plate_camera]
driver = "isapi"
listen = "{FAR}"
allow = ["192.0.2.0/24"]
username = "camera"
password_file = "/run/credentials/none"
[devices.container_camera]
listen = "{FAR}"
allow = ["192.0.2.0/24"]
[devices.tag_reader]
port = "tcp://{FAR}:4002"
[devices.sign]
driver = "http"
url = "https://{FAR}/show?sign=1"
"""


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    path = tmp_path / "lane1.toml"
    path.write_text(LANE.replace("FOLDER", str(tmp_path)), encoding="utf-8")
    return path


def test_whatever_cannot_be_served_here_gets_a_place_of_its_own_and_runs(
    lane: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = load_devices(lane)
    desk = desk_of(own, DEVICES, tmp_path)
    check(desk.config)
    assert set(desk.moved) == set(DEVICES)
    assert str(desk.moved["bus"]) == f"{FAR} is no address of this machine"
    assert str(desk.moved["camera"]) == "the simulators have no TLS"
    assert desk.moved["lane_camera"].en.startswith("a video device cannot be simulated")
    assert "cannot be read: it has a key of its own" in desk.moved["card_reader"].en
    assert desk.config.card_reader.port == own.card_reader.port
    assert desk.config.camera.source.startswith("rtsp://127.0.0.1:")
    assert desk.config.camera.source.endswith("/Streaming/Channels?id=1")
    folder = tmp_path / "desk"
    folder.mkdir()
    path = write_desk(lane, own, desk, folder)
    with Bench(desk.config, CLOCK):
        assert main(["check", "--open", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.count(" ok ") == len(DEVICES)


def test_a_desks_lane_file_keeps_what_is_not_a_place_and_reports_to_no_port(
    lane: Path, tmp_path: Path
) -> None:
    own = load_devices(lane)
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = desk_of(own, DEVICES, folder)
    config = load(write_desk(lane, own, desk, folder))
    assert config.devices == desk.config
    assert config.devices.weighbridge.driver == "mt-sics"
    assert config.devices.bus.normally_closed == (1, 2)
    assert config.devices.lane_camera is not None
    assert config.devices.lane_camera.rate_fps == 5
    assert config.policy == {"gather_timeout_s": 45.0}
    assert (config.hub.host, config.hub.password_file) == ("127.0.0.1", "")
    assert config.state_dir == str(folder / "state")


def test_a_lane_whose_places_are_this_machines_is_left_as_it_is(lane: Path, tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "docs" / "examples" / "lane-simulated.toml"
    assert reports_elsewhere(lane)
    assert not reports_elsewhere(path)
    own = load_devices(path)
    desk = desk_of(own, DEVICES, tmp_path)
    assert (desk.config, desk.moved) == (own, {})


def test_a_camera_that_is_named_twice_is_moved_once(lane: Path, tmp_path: Path) -> None:
    own = load_devices(lane)
    assert own.lane_camera is not None
    film = msgspec.structs.replace(own.lane_camera, source=own.camera.source, driver="auto")
    desk = desk_of(msgspec.structs.replace(own, lane_camera=film), DEVICES, tmp_path)
    assert desk.config.lane_camera is not None
    assert desk.config.lane_camera.source == desk.config.camera.source


def test_a_pcsc_reader_is_the_virtual_one_and_a_file_needs_no_place(
    lane: Path, tmp_path: Path
) -> None:
    own = load_devices(lane)
    card = CardReaderConfig(driver="pcsc", port="ACS ACR122U")
    camera = msgspec.structs.replace(own.camera, source=str(tmp_path / "film.mp4"))
    desk = desk_of(msgspec.structs.replace(own, card_reader=card, camera=camera), DEVICES, tmp_path)
    assert desk.config.card_reader.port == "Virtual PCD 00 00"
    assert "camera" not in desk.moved


def test_why_a_place_is_not_this_machines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not_listen("127.0.0.1", free_ports(1)[0]) is None
    assert why_not_listen("no-such-host.invalid", 80) is not None
    monkeypatch.setattr(os, "access", lambda *_args: False)
    assert str(desk_module._why_not_link("/dev/none/scale")) == "/dev cannot be written to"


def test_a_device_that_is_left_real_is_not_touched_and_has_no_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lane = lane_at(tmp_path)
    real = tmp_path / "scale"
    real.write_text("a real port")
    bench = RunningBench(str(lane), "--except", "weighbridge", "--except", "card_reader")
    try:
        bench.read_until("ready")
        told = "".join(bench.lines)
        assert f"weighbridge  REAL, left alone, at {real}" in told
        assert "bus          simulated at" in told
        assert real.read_text() == "a real port"
        assert not (tmp_path / "card").exists()
        assert main(["fault", "scale_frozen"]) == 1
        assert "the weighbridge is not simulated" in capsys.readouterr().err
        answer = ask(control_path(lane), Request(do="card", card="04A1B2C3"))
        assert (answer.ok, answer.said) == (False, "the card reader is real: hold a card to it")
        assert main(["panel", "--once"]) == 0
        screen = capsys.readouterr().out
        assert "weighbridge  real: not shown here" in screen
        assert "card_reader  real: not shown here" in screen
    finally:
        bench.process.kill()
        bench.process.communicate()


def test_a_device_that_the_lane_has_not_cannot_be_left_real(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", str(lane_at(tmp_path)), "--except", "sign"]) == 78
    assert "--except sign: this lane has none" in capsys.readouterr().err


def lane_at(folder: Path) -> Path:
    bus_port, camera_port = free_ports(2)
    path = folder / "lane2.toml"
    path.write_text(
        f'''
[devices.bus]
tcp_port = {bus_port}
[devices.weighbridge]
port = "{folder}/scale"
[devices.card_reader]
port = "{folder}/card"
[devices.camera]
source = "rtsp://127.0.0.1:{camera_port}/lane"
''',
        encoding="utf-8",
    )
    return path
