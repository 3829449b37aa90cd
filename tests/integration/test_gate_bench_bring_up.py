"""`gate-bench bring-up`: each step passes or fails, and the mistake that was made is named."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.bench.bring_up import Session, answers_of, walk
from devices.bench.cli import STEPS
from devices.clock import SystemClock
from devices.config import DevicesConfig
from devices.errors import DeviceConfigError
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.lane_world import Sensor
from devices.texts import Said, as_is
from hil_tests.rig import devices_at, free_ports

CLOCK = SystemClock()


class Desk:
    """A simulated lane and a technician whose answers are given, and may do something."""

    def __init__(self, folder: Path) -> None:
        self.config: DevicesConfig = devices_at(folder, *free_ports(2))
        self.bench = Bench(self.config, CLOCK)
        self.faults = FaultSwitches(self.bench)
        self.answers: dict[str, str] = {}
        self.lines: list[str] = []

    def walk(self, device: str, config: DevicesConfig | None = None) -> bool:
        session = Session(config=config or self.config, clock=CLOCK, ask=self._answer)
        return walk(STEPS[device](session), self.lines.append, "en")

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def _answer(self, key: str, _question: Said) -> str:
        act = {
            "present": lambda: self._soon(lambda: self.bench.card_reader.present("04A1B2C3")),
            "present_again": lambda: self._soon(lambda: self.bench.card_reader.present("04A1B2C3")),
        }.get(key)
        if act is not None and key in self.answers:
            act()
        if key in ("front_beam", "rear_beam", "exit_loop") and key in self.answers:
            sensor: Sensor = key  # type: ignore[assignment]
            self._soon(lambda: self.bench.world.hold_input(sensor, state=True))
        return self.answers.get(key, "skip")

    def _soon(self, act: object) -> None:
        timer = threading.Timer(0.4, act)  # type: ignore[arg-type]
        timer.daemon = True
        timer.start()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with desk.bench:
        yield desk


def test_a_scale_that_is_well_passes_every_step(desk: Desk) -> None:
    desk.answers = {"empty": ""}
    assert desk.walk("weighbridge")
    assert "good frames of yaohua-continuous" in desk.said
    assert "0 kg at rest" in desk.said


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("scale_silent", "continuous output is off"),
        ("scale_line_swapped", "data wires A and B"),
        ("scale_line_slower", "baud = 4800"),
        ("scale_line_faster", "baud = 19200"),
        ("scale_line_parity", "7 bits with parity"),
        ("scale_negative", "zero the indicator"),
        ("scale_unplugged", "the name under /dev/kakou"),
    ],
)
def test_the_classic_mistakes_of_a_scale_are_named(desk: Desk, fault: str, advice: str) -> None:
    desk.faults.turn(fault, on=True)
    assert not desk.walk("weighbridge")
    assert advice in desk.said
    desk.faults.clear()


def test_an_indicator_that_speaks_otherwise_than_the_lane_file_says_is_recognized(
    desk: Desk,
) -> None:

    scale = msgspec.structs.replace(desk.config.weighbridge, driver="toledo-continuous")
    assert not desk.walk("weighbridge", msgspec.structs.replace(desk.config, weighbridge=scale))
    assert 'driver = "yaohua-continuous"' in desk.said


def test_a_weight_that_is_ten_times_off_has_its_likely_cause(desk: Desk) -> None:
    desk.answers = {"load_kg": "1000"}
    assert not desk.walk("weighbridge")
    assert "a load cell is not connected" in desk.said


def test_a_card_reader_is_proved_with_the_card_in_the_hand(desk: Desk) -> None:
    desk.answers = {"present": "", "card": "04 a1 b2 c3", "present_again": ""}
    assert desk.walk("card_reader")
    assert "card 04A1B2C3" in desk.said
    desk.lines.clear()
    desk.answers["card"] = "C3B2A104"
    assert not desk.walk("card_reader")
    assert 'byte_order = "reversed"' in desk.said


def test_a_reader_with_swapped_wires_is_not_blamed_on_the_card(desk: Desk) -> None:
    desk.answers = {"present": ""}
    desk.faults.turn("card_line_swapped", on=True)
    assert not desk.walk("card_reader")
    assert "swapped" in desk.said


def test_a_board_is_proved_contact_by_contact_and_lamp_by_lamp(desk: Desk) -> None:
    desk.answers = {"front_beam": "", "exit_green": "y", "boom": "y", "boom_down": "y"}
    assert desk.walk("bus")
    assert "front beam             ok       on" in desk.said
    assert "up after" in desk.said
    assert "its relay closes, it is on" in desk.said


def test_the_classic_mistakes_of_a_board_are_named(desk: Desk) -> None:

    bus = desk.config.bus
    other = msgspec.structs.replace(desk.config, bus=msgspec.structs.replace(bus, device_id=7))
    assert not desk.walk("bus", other)
    assert "set bus.device_id = 1" in desk.said
    for fault, advice in (
        ("board_exception", "exception 4"),
        ("boom_limits_contradict", "both limits are made"),
        ("board_front_beam_stuck", "normally closed contact"),
        ("board_unplugged", "port 502"),
    ):
        desk.lines.clear()
        desk.faults.turn(fault, on=True)
        CLOCK.sleep(0.1)
        assert not desk.walk("bus")
        assert advice in desk.said
        desk.faults.clear()
        CLOCK.sleep(0.1)


def test_a_camera_that_is_dark_or_away_is_told_from_one_that_shows(desk: Desk) -> None:
    assert desk.walk("camera")
    assert "1280x720" in desk.said
    desk.lines.clear()
    desk.faults.turn("camera_black", on=True)
    CLOCK.sleep(0.3)
    assert not desk.walk("camera")
    assert "lens cap" in desk.said


def test_a_file_of_answers_stands_in_for_the_technician(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text('empty = ""\nload_kg = 1000\n')
    ask = answers_of(path)
    asked = as_is("?")
    assert (ask("empty", asked), ask("load_kg", asked), ask("pull", asked)) == ("", "1000", "skip")
    path.write_text('boom = "跳过"')
    assert ask("boom", asked) == "skip"
    path.write_text("empty = ")
    with pytest.raises(DeviceConfigError, match=r"answers\.toml"):
        answers_of(path)


def test_the_page_names_every_device_that_has_a_walk() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "bring-up-a-device.md"
    text = page.read_text(encoding="utf-8")
    assert [device for device in STEPS if text.count(f"`{device}`") < 2] == []
