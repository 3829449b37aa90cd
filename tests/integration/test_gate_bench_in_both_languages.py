"""Every command of `gate-bench` speaks the technician's language, and one language only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.bench import check
from devices.bench.control import Request, SimControl, ask, control_path
from devices.bench.trucks import Trucks
from devices.cli import main
from devices.clock import SystemClock
from devices.config import DevicesConfig, SignConfig, load_devices
from devices.sim.bench import Bench, plain_picture
from devices.texts import LANGUAGES, Language
from hil_tests.rig import devices_at, free_ports
from tests.running_bench import RunningBench

CLOCK = SystemClock()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SAME = re.compile("设备检测|粤")  # the sign's own texts, and plates
LANE = """\
[devices.bus]
tcp_port = {bus.tcp_port}
[devices.weighbridge]
port = "{weighbridge.port}"
[devices.card_reader]
port = "{card_reader.port}"
[devices.camera]
source = "{camera.source}"
[devices.lane_camera]
source = "http://127.0.0.1:{ports[0]}/"
[devices.plate_camera]
driver = "isapi"
listen = "127.0.0.1"
port = {ports[1]}
allow = ["127.0.0.1"]
[devices.container_camera]
listen = "127.0.0.1"
port = {ports[2]}
allow = ["127.0.0.1"]
[devices.tag_reader]
port = "{folder}/tags"
[devices.sign]
driver = "led-64ff"
port = "{folder}/sign"
"""


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(check, "CHECK_S", 1.0)
    tables = msgspec.structs.asdict(devices_at(tmp_path, *free_ports(2)))
    path = tmp_path / "lane1.toml"
    path.write_text(LANE.format(**tables, ports=free_ports(3), folder=tmp_path), encoding="utf-8")
    return path


@pytest.fixture
def bench(lane: Path) -> Iterator[Bench]:
    bench = Bench(load_devices(lane), CLOCK)
    trucks = Trucks(bench, [("粤B12345", plain_picture(200))], seed=1)
    with bench, SimControl(control_path(lane), bench, trucks, CLOCK):
        yield bench


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    chosen: Language = request.param
    return chosen


class Terminal:
    """What a command prints, in which every line must be in one language."""

    def __init__(self, capsys: pytest.CaptureFixture[str], language: Language) -> None:
        self._capsys = capsys
        self._language = language

    def runs(self, *arguments: object, status: int = 0) -> str:
        assert main([*map(str, arguments), "--language", self._language]) == status
        shown = self._capsys.readouterr()
        assert "Traceback" not in shown.err
        return shown.out + shown.err

    def speaks(self, *arguments: object, status: int = 0) -> str:
        text = self.runs(*arguments, status=status)
        for line in text.splitlines():
            if not line.strip() or line.endswith("DEVICE CHECK"):  # what the sign shows
                continue
            is_chinese = CHINESE.search(SAME.sub("", line)) is not None
            assert is_chinese is (self._language == "zh"), line
        return text


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], language: Language) -> Terminal:
    return Terminal(capsys, language)


def test_check_and_the_panel(bench: Bench, lane: Path, terminal: Terminal) -> None:
    terminal.speaks("check", lane)
    checked = terminal.speaks("check", "--open", lane)
    assert len(checked.splitlines()) == 9
    terminal.speaks("panel", "--once", "--config", lane)
    for fault in ("scale_frozen", "tag_two", "plate_camera_late", "camera_black", "card_late"):
        assert main(["fault", fault]) == 0
    terminal.runs("fault", "card_unplugged")
    screen = terminal.speaks("panel", "--once", "--config", lane)
    assert screen.count("FAULT") + screen.count("故障：") == 5


def test_a_check_that_fails_says_what_to_do_next(lane: Path, terminal: Terminal) -> None:
    text = terminal.runs("check", "--open", lane, status=1)
    assert text.splitlines()[-1].endswith(f" --config {lane}")
    assert "bring-up" in text
    failed = [
        line for line in text.splitlines() if any(mark in line for mark in (" FAILED ", " 未通过 "))
    ]
    assert len(failed) == 7  # a camera that posts can always be waited for


def test_faults_are_listed_made_refused_and_ended(
    bench: Bench, lane: Path, terminal: Terminal
) -> None:
    terminal.speaks("fault", "--list")
    for status, *arguments in (
        (0, "scale_silent", "--for", "5"),
        (0, "scale_silent", "--off"),
        (1, "scale_net"),
        (1, "scale_frosen"),
        (1, "sign_hangs"),
    ):
        terminal.speaks("fault", *arguments, "--config", lane, status=status)


def test_what_a_running_simulation_answers(bench: Bench, lane: Path, language: Language) -> None:
    for request in (
        Request(do="truck", gross_kg=20_000.0, card="01020304"),
        Request(do="truck", gross_kg=-1.0),
        Request(do="turn_back"),
        Request(do="card", card="01020304"),
    ):
        said = ask(control_path(lane), msgspec.structs.replace(request, language=language)).said
        assert bool(CHINESE.search(SAME.sub("", said))) is (language == "zh"), said


def test_a_tape_is_recorded_and_played(
    bench: Bench, lane: Path, tmp_path: Path, terminal: Terminal
) -> None:
    path = tmp_path / "scale.tape"
    terminal.speaks("swings", path, "--config", lane, status=1)  # not there yet
    shown = terminal.runs("record", "weighbridge", path, "--config", lane, "--for", "0.6")
    assert "sha256" in shown
    terminal.speaks("record", "weighbridge", path, "--config", lane, status=1)  # exists
    terminal.speaks("swings", path, "--config", lane, status=1)
    bench.stop()
    assert str(path) not in terminal.speaks("play", path, "--config", lane)
    path.write_bytes(path.read_bytes()[:-20])  # cut
    terminal.speaks("play", path, "--config", lane)
    path.write_text("{}\n")
    terminal.speaks("play", path, "--config", lane, status=1)


def test_without_a_simulation(lane: Path, terminal: Terminal) -> None:
    for arguments in (["fault", "scale_silent"], ["panel", "--config", lane]):
        assert "gate-bench sim LANE.toml" in terminal.speaks(*arguments, status=1)


def test_what_a_lane_file_or_an_option_cannot_be(
    lane: Path, tmp_path: Path, terminal: Terminal
) -> None:
    terminal.speaks("sim", lane, "--pictures", tmp_path, status=78)
    config: DevicesConfig = load_devices(lane)
    assert config.sign is not None
    text = lane.read_text(encoding="utf-8")
    lane.write_text(text.partition("[devices.sign]")[0], encoding="utf-8")
    terminal.speaks("sim", lane, "--except", "sign", status=78)
    terminal.speaks("record", "sign", tmp_path / "t", "--config", lane, status=78)
    http = SignConfig(driver="http", url="https://127.0.0.1/")
    table = f'[devices.sign]\ndriver = "{http.driver}"\nurl = "{http.url}"\n'
    lane.write_text(lane.read_text(encoding="utf-8") + table, encoding="utf-8")
    terminal.speaks("record", "sign", tmp_path / "t", "--config", lane, status=78)


def test_a_simulation_itself_and_what_becomes_of_its_trucks(lane: Path, language: Language) -> None:
    bench = RunningBench(str(lane), "--language", language, "--truck-every", "0.2")
    try:
        bench.read_until("粤B")
    finally:
        bench.end()
    words = {"en": ("simulated at", "ready", "truck 1:"), "zh": ("仿真于", "就绪", "第 1 辆车")}
    for said in words[language]:
        assert any(said in line for line in bench.lines), bench.lines
    for said in words["zh" if language == "en" else "en"][::2]:
        assert not any(said in line for line in bench.lines)


def test_without_the_option_the_terminals_locale_decides(
    lane: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["check", str(lane)]) == 0
    assert "各设备表正确" in capsys.readouterr().out
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert main(["check", str(lane)]) == 0
    assert "correct" in capsys.readouterr().out
