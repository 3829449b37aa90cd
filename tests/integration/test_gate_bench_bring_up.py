"""`gate-bench bring-up`: each step passes or fails, and the mistake that was made is named."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from devices.bench.answers import QUESTIONS, answers_of
from devices.bench.bring_up import BringUpStep, Session, Walked, good, walk
from devices.bench.cli import STEPS
from devices.clock import SystemClock
from devices.config import DevicesConfig
from devices.errors import DeviceConfigError
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.lane_world import Sensor
from devices.sim.line_host import line_host
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
        self.when_asked: dict[str, Callable[[], object]] = {}
        self.lines: list[str] = []

    def walk(self, device: str, config: DevicesConfig | None = None) -> bool:
        return not self.walked(device, config).has_failed

    def walked(self, device: str, config: DevicesConfig | None = None) -> Walked:
        session = Session(config=config or self.config, clock=CLOCK, ask=self._answer)
        return walk(STEPS[device](session), self.lines.append, "en")

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def _answer(self, key: str, _question: Said) -> str:
        self.when_asked.get(key, lambda: None)()
        act = {
            "present": lambda: self._soon(lambda: self.bench.card_reader.present("04A1B2C3")),
            "present_again": lambda: self._soon(lambda: self.bench.card_reader.present("04A1B2C3")),
        }.get(key)
        if act is not None and key in self.answers:
            act()
        if key in ("front_beam", "rear_beam", "exit_loop") and key in self.answers:
            sensor: Sensor = key  # type: ignore[assignment]
            self._soon(lambda: self._cover(sensor))
        return self.answers.get(key, "skip")

    def _cover(self, sensor: Sensor) -> None:
        self.bench.world.hold_input(sensor, state=True)
        CLOCK.sleep(0.3)
        self.bench.world.hold_input(sensor, state=None)

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


def test_a_serial_server_is_told_from_a_port_of_this_computer(desk: Desk) -> None:
    port = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    scale = msgspec.structs.replace(desk.config.weighbridge, port=port)
    config = msgspec.structs.replace(desk.config, weighbridge=scale)
    assert not desk.walk("weighbridge", config)
    assert "the serial server: its address and mask" in desk.said
    assert "udev" not in desk.said
    desk.lines.clear()
    server, ended = line_host("weighbridge", port, baud=9_600, clock=CLOCK), threading.Event()

    def sends_what_another_baud_rate_makes_of_frames() -> None:
        while not ended.is_set():
            server.write(b"\x00\x80\xf8\x06\x98\x60")

    sender = threading.Thread(target=sends_what_another_baud_rate_makes_of_frames)
    server.plug()
    sender.start()
    try:
        assert not desk.walk("weighbridge", config)
    finally:
        ended.set()
        sender.join()
        server.unplug()
    assert f"{port}: connected; its serial server must be set to 9600 baud" in desk.said
    assert "the serial server is set otherwise: it must have 9600 baud" in desk.said


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
    assert desk.bench.world.boom.down_limit


IN_THE_WAY: tuple[tuple[Sensor, str], ...] = (
    ("exit_loop", "exit loop"),
    ("front_beam", "front beam"),
    ("emergency_stop", "emergency stop"),
)


@pytest.mark.parametrize(("sensor", "name"), IN_THE_WAY)
def test_bring_up_does_not_lower_over_a_cut_beam_or_an_occupied_loop(
    desk: Desk, sensor: Sensor, name: str
) -> None:
    def comes_while_the_technician_answers() -> None:
        desk.bench.world.hold_input(sensor, state=True)
        CLOCK.sleep(0.2)

    desk.answers = {"boom": "y", "boom_down": "y"}
    desk.when_asked = {"boom_down": comes_while_the_technician_answers}
    assert not desk.walk("bus")
    assert f"not lowered: {name} is on" in desk.said
    assert "it stands open" in desk.said
    assert desk.bench.world.boom.lower_count == 0
    assert desk.bench.world.boom.up_limit


@pytest.mark.parametrize(("sensor", "name"), IN_THE_WAY)
def test_bring_up_raises_the_boom_again_when_something_comes_under_it(
    desk: Desk, sensor: Sensor, name: str
) -> None:
    world = desk.bench.world
    world.boom.travel_s = 2.0

    def comes_while_it_comes_down() -> None:
        while not world.boom.is_falling:
            CLOCK.sleep(0.01)
        CLOCK.sleep(0.3)
        world.hold_input(sensor, state=True)

    desk.answers = {"boom": "y", "boom_down": "y"}
    desk.when_asked = {"boom_down": lambda: desk._soon(comes_while_it_comes_down)}
    assert not desk.walk("bus")
    assert f"{name} came on while it came down" in desk.said
    assert "it was raised again" in desk.said
    assert world.boom.lower_count == 1
    assert world.boom.up_limit


def test_bring_up_raises_the_boom_again_when_the_board_answers_no_more(desk: Desk) -> None:
    world = desk.bench.world
    world.boom.travel_s = 2.0

    def fails_while_it_comes_down() -> None:
        while not world.boom.is_falling:
            CLOCK.sleep(0.01)
        desk.faults.turn("board_unplugged", on=True)
        CLOCK.sleep(0.3)
        desk.faults.clear()

    desk.answers = {"boom": "y", "boom_down": "y"}
    desk.when_asked = {"boom_down": lambda: desk._soon(fails_while_it_comes_down)}
    assert not desk.walk("bus")
    assert "it was raised again" in desk.said
    assert world.boom.lower_count == 1
    assert world.boom.up_limit


def test_a_technician_who_breaks_off_has_the_boom_raised_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = desk.bench.world
    sleep = SystemClock.sleep

    def breaks_off(clock: SystemClock, duration_s: float) -> None:
        if world.boom.is_falling and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        sleep(clock, duration_s)

    desk.answers = {"boom": "y", "boom_down": "y"}
    monkeypatch.setattr(SystemClock, "sleep", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        desk.walk("bus")
    monkeypatch.undo()
    until_s = CLOCK.now().mono_s + 5.0
    while not world.boom.up_limit and CLOCK.now().mono_s < until_s:
        CLOCK.sleep(0.02)
    assert world.boom.up_limit


@pytest.mark.parametrize("answer", ["n", "skip"])
def test_a_board_whose_boom_was_left_up_is_not_in_service(desk: Desk, answer: str) -> None:
    desk.answers = {"boom": "y", "boom_down": answer}
    assert not desk.walk("bus")
    assert "left up" in desk.said
    assert "it stands open" in desk.said
    assert desk.bench.world.boom.lower_count == 0


def test_a_walk_of_skipped_steps_is_not_in_service(desk: Desk) -> None:
    walked = desk.walked("bus")
    assert not walked.has_failed
    assert not walked.is_in_service
    names = [name.en for name in walked.not_proved]
    assert {"entry loop", "front beam", "exit green", "boom"} <= set(names)
    assert "answer" not in names


def test_a_device_whose_every_step_passed_is_in_service() -> None:
    step = BringUpStep(name=as_is("answer"), look=lambda: good(as_is("192.0.2.1:502")))
    assert walk((step,), lambda _line: None, "en").is_in_service


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
    asked = as_is("?")

    def at_the_terminal(key: str, _question: Said) -> str:
        return f"{key} was asked"

    ask = answers_of(path, at_the_terminal)
    assert (ask("empty", asked), ask("load_kg", asked), ask("pull", asked)) == ("", "1000", "skip")
    assert ask("boom", asked) == "boom was asked"
    assert ask("boom_down", asked) == "boom_down was asked"
    path.write_text('pull = "跳过"')
    assert answers_of(path, at_the_terminal)("pull", asked) == "skip"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("empty = ", r"answers\.toml"),
        ('fornt_beam = ""', "fornt_beam: no step asks this; front_beam is one that is asked"),
        ('zzz = ""', "zzz: no step asks this"),
        ('boom_down = "y"', "boom_down: who sees the boom answers this, no file"),
        ("load_kg = [1]", "load_kg: a text or a number is an answer"),
    ],
)
def test_a_file_of_answers_that_answers_nothing_asked_is_refused(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(DeviceConfigError, match=why):
        answers_of(path, lambda _key, _question: "")


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bring-up-a-device.md"


def test_the_page_names_every_device_that_has_a_walk() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [device for device in STEPS if text.count(f"`{device}`") < 2] == []


def test_the_page_and_the_files_of_answers_know_every_question() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| device | keys |")[2].partition("\n\n")[0]
    of_page = {row.split("|")[1].strip(" `"): row.split("|")[2] for row in table.splitlines()[2:]}
    assert {device: re.findall(r"`(\w+)`", keys) for device, keys in of_page.items()} == {
        device: list(keys) for device, keys in QUESTIONS.items()
    }
    assert list(QUESTIONS) == list(STEPS)
