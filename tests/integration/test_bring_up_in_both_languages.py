"""Every device's walk, at its simulator, in Chinese and in English."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from devices.bench import bare_line, bring_up_cameras, bring_up_tags, check
from devices.bench.answers import QUESTIONS
from devices.bench.cli import STEPS
from devices.cli import main
from devices.clock import SystemClock
from devices.config import (
    CardReaderConfig,
    ContainerCameraConfig,
    DevicesConfig,
    LaneCameraConfig,
    PlateCameraConfig,
    SignConfig,
    TagReaderConfig,
)
from devices.errors import LinkDown
from devices.readings import Recognition
from devices.sim.bench import Bench, plain_picture
from devices.sim.faults.table import FaultSwitches
from devices.texts import LANGUAGES, Language
from hil_tests.rig import devices_at, free_ports
from tests.technician import Technician

if TYPE_CHECKING:
    from tests.technician import Answers

CLOCK = SystemClock()
HERE = "127.0.0.1"
CARD, PLATE, BOX = "04A1B2C3", "粤B12345", "CSQU3054383"
READING = Recognition(text=PLATE, confidence_permille=970, picture=plain_picture())
# What stands in both languages as it is: the sign's own texts and the plate.
SAME = re.compile("设备检测|粤")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LANE = """\
lane = "lane1"

[devices.bus]
tcp_port = {bus.tcp_port}

[devices.weighbridge]
port = "{weighbridge.port}"

[devices.card_reader]
port = "{card_reader.port}"

[devices.camera]
source = "{camera.source}"
"""


def lane_in(folder: Path) -> DevicesConfig:
    """A lane with every device."""
    board, camera, film, plates, boxes = free_ports(5)
    posts = {"listen": HERE, "allow": ["127.0.0.0/8"]}
    return msgspec.structs.replace(
        devices_at(folder, board, camera),
        lane_camera=LaneCameraConfig(source=f"http://{HERE}:{film}/", rate_fps=4),
        plate_camera=msgspec.convert(
            posts | {"driver": "isapi", "port": plates}, PlateCameraConfig
        ),
        container_camera=msgspec.convert(posts | {"port": boxes}, ContainerCameraConfig),
        tag_reader=TagReaderConfig(port=str(folder / "tags")),
        sign=SignConfig(driver="led-64ff", port=str(folder / "sign")),
    )


class Lane:
    """A lane that runs, and hands that do what a question asks."""

    def __init__(self, config: DevicesConfig) -> None:
        self.config = config
        self.bench = Bench(config, CLOCK)
        self.faults = FaultSwitches(self.bench)
        self._hands: list[threading.Timer] = []

    def soon(self, act: Callable[[], object]) -> Callable[[], str]:
        """An answer that does something, often enough to be seen while the step waits."""

        def acts() -> None:
            with contextlib.suppress(LinkDown):
                act()

        def answer() -> str:
            for after_s in (0.3, 0.8, 1.4):
                self._hands.append(threading.Timer(after_s, acts))
                self._hands[-1].start()
            return ""

        return answer

    def answers(self, device: str) -> Answers:
        bench, plates, boxes = self.bench, self.bench.plate_camera, self.bench.container_camera
        assert plates is not None
        assert boxes is not None
        by_device: dict[str, Answers] = {
            "weighbridge": {"empty": ""},
            "card_reader": {
                "present": self.soon(lambda: bench.card_reader.present(CARD)),
                "present_again": self.soon(lambda: bench.card_reader.present(CARD)),
                "card": CARD,
            },
            "bus": {
                "front_beam": self.soon(lambda: bench.world.hold_input("front_beam", state=True)),
                "exit_green": "是",
            },
            "lane_camera": {"picture": "是"},
            "plate_camera": {
                "vehicle": self.soon(lambda: plates.recognize(READING)),
                "plate": "是",
                "picture": "是",
            },
            "container_camera": {
                "vehicle": self.soon(lambda: boxes.read(BOX)),
                "container": "是",
            },
            "tag_reader": {"no_tag": "", "next_lane": ""},
            "sign": {"sign_zh": "是", "sign_en": "是", "listen": "", "voice": "是"},
        }
        return by_device.get(device, {})

    def rests(self) -> None:
        for hand in self._hands:
            hand.cancel()
            hand.join()
        self._hands.clear()
        self.bench.world.hold_input("front_beam", state=None)
        self.until_at_rest()

    def until_at_rest(self) -> None:
        until_s = CLOCK.now().mono_s + 5.0
        while self.bench.sensors_on() != ("barrier_down",) and CLOCK.now().mono_s < until_s:
            CLOCK.sleep(0.02)


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    lane = Lane(lane_in(tmp_path_factory.mktemp("lane")))
    with lane.bench:
        yield lane


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring_up_cameras, "PACE_S", 0.6)
    monkeypatch.setattr(bring_up_cameras, "FRAMES", 3)
    monkeypatch.setattr(bring_up_tags, "NEXT_LANE_S", 0.4)
    monkeypatch.setattr(bring_up_tags, "ANSWER_S", 0.6)
    monkeypatch.setattr(bare_line, "LISTEN_S", 0.8)
    monkeypatch.setattr(check, "CHECK_S", 1.0)


def is_in(language: Language, text: str) -> bool:
    """Whether a line or a question is in this language, and not in the other."""
    is_chinese = CHINESE.search(SAME.sub("", text)) is not None
    return is_chinese is (language == "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("device", list(STEPS))
def test_a_device_is_brought_into_service_in_the_technicians_language(
    lane: Lane, device: str, language: Language
) -> None:
    technician = Technician(language)
    try:
        is_good = technician.brings_up(device, lane.config, lane.answers(device), wait_s=4.0)
    finally:
        lane.rests()
    assert is_good, technician.said
    assert set(technician.asked) <= set(QUESTIONS[device])  # the keys of a file of answers
    for text in (*technician.lines, *technician.asked.values()):
        assert is_in(language, text), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("driver", ["osdp", "resident-id"])
def test_a_reader_that_is_asked_is_brought_into_service_in_it_too(
    tmp_path: Path, driver: str, language: Language
) -> None:
    (tmp_path / "key").write_text("00" * 15 + "01")
    table = CardReaderConfig(
        driver=driver, port=str(tmp_path / "card"), baud=115_200, key_file=str(tmp_path / "key")
    )
    config = msgspec.structs.replace(devices_at(tmp_path, *free_ports(2)), card_reader=table)
    technician = Technician(language)
    with Bench(config, CLOCK, simulated=("card_reader",)):
        assert technician.brings_up("card_reader", config), technician.said
    for text in (*technician.lines, *technician.asked.values()):
        assert is_in(language, text), text


@pytest.mark.parametrize(
    ("device", "fault", "en", "zh"),
    [
        ("weighbridge", "scale_silent", "continuous output is off", "仪表未开连续发送"),
        ("weighbridge", "scale_negative", "below zero: zero the indicator", "低于零点：仪表置零"),
        ("bus", "boom_limits_contradict", "both limits are made", "上下限位同时接通"),
        ("bus", "board_front_beam_stuck", "front beam is on over an", "车道无车而前光束接通"),
        ("camera", "camera_black", "lens cap", "镜头盖"),
        ("tag_reader", "tag_wrong_address", "tag_reader.address = 1", "改 tag_reader.address = 1"),
    ],
)
def test_the_mistake_is_named_in_the_technicians_language(
    lane: Lane, device: str, fault: str, en: str, zh: str
) -> None:
    lane.faults.turn(fault, on=True)
    CLOCK.sleep(0.3)
    try:
        for technician, advice in ((Technician("en"), en), (Technician("zh"), zh)):
            assert not technician.brings_up(device, lane.config)
            assert advice in technician.lines[-1] + technician.lines[-2], technician.said
    finally:
        lane.faults.clear()
        lane.until_at_rest()


def test_the_command_asks_and_tells_in_one_language(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, asked = tmp_path / "lane1.toml", list[str]()
    path.write_text(LANE.format(**msgspec.structs.asdict(lane.config)))
    command = ["bring-up", "weighbridge", "--config", str(path)]

    def types(question: str) -> str:
        asked.append(question.strip())
        return "跳过"

    monkeypatch.setattr("builtins.input", types)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(command) == 1
    end = "weighbridge: 不能投用，未验证：空磅、已知重量、拔线\n"
    assert capsys.readouterr().out.endswith(end)
    assert asked[0] == "地磅是空的吗？回车，或“跳过”："
    assert main([*command, "--language", "en"]) == 1
    end = "weighbridge: NOT in service. NOT PROVED: empty scale, known weight, cable pulled\n"
    assert capsys.readouterr().out.endswith(end)
