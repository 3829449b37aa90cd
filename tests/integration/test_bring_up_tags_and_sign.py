"""Tag reader and sign are brought into service; what was wired or set wrongly is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from devices.bench import bring_up_sign, bring_up_tags, check
from devices.clock import SystemClock
from devices.config import DevicesConfig, SignConfig, TagReaderConfig
from devices.errors import DeviceConfigError
from devices.sign import http
from devices.sim.faults.line import FaultyLine, LineFault
from devices.sim.line_host import line_host
from devices.sim.sign import SimHttpSign, SimLedBoard
from devices.sim.tag_reader import STRAY, SimTagReader, TagFault
from devices.tag_reader import driver as tag_driver
from hil_tests.rig import devices_at, free_ports
from tests.technician import Technician, seen_within

CLOCK = SystemClock()
TAG = "E2003411B802011383258566"
NUMBER = 3
TEXT = "设备检测"


# --- the tag reader -------------------------------------------------------------------------------


class Mast:
    """A simulated reader, its line, and the lane's table of it."""

    def __init__(self, folder: Path, port: str, *, baud: int = 57_600) -> None:
        config = TagReaderConfig(port=port, address=NUMBER, poll_s=0.03, reply_s=0.2, repeat_s=0.3)
        self.lane = msgspec.structs.replace(devices_at(folder, 1, 2), tag_reader=config)
        self.line = FaultyLine(line_host("tag_reader", port, baud=baud, clock=CLOCK), baud=baud)
        self.tags = frozenset({TAG})
        self.sim = SimTagReader(self.line, lambda: self.tags, address=NUMBER)

    def with_keys(self, **keys: object) -> DevicesConfig:
        assert self.lane.tag_reader is not None
        table = msgspec.structs.replace(self.lane.tag_reader, **keys)
        return msgspec.structs.replace(self.lane, tag_reader=table)

    def holds(self, *tags: str) -> Callable[[], str]:
        """The technician moves tags about, and presses Enter."""

        def act() -> str:
            self.tags = frozenset(tags)
            return ""

        return act


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_driver, "SILENT_S", 0.4)
    for name, short_s in {
        "ANSWER_S": 0.4,
        "QUIET_S": 0.2,
        "TRY_S": 0.2,
        "NEXT_LANE_S": 0.4,
        "GLIMPSE_S": 1.5,
    }.items():
        monkeypatch.setattr(bring_up_tags, name, short_s)
    monkeypatch.setattr(check, "CHECK_S", 0.7)
    monkeypatch.setattr(bring_up_sign, "BAUDS", (9_600, 19_200, 38_400))
    monkeypatch.setattr(bring_up_sign, "ADDRESSES", range(6))


@pytest.fixture
def mast(tmp_path: Path) -> Iterator[Mast]:
    mast = Mast(tmp_path, str(tmp_path / "tags"))
    mast.sim.start()
    yield mast
    mast.sim.stop()


def test_a_tag_reader_is_proved_with_a_tag_in_the_hand(mast: Mast) -> None:
    technician = Technician()
    assert technician.brings_up(
        "tag_reader",
        mast.lane,
        {
            "no_tag": mast.holds(),
            "tag": "e200 3411 b802 0113 8325 8566",
            "hold_tag": mast.holds(TAG),
            "tag_away": mast.holds(),
            "next_lane": "",
        },
    )
    assert "no tag in view for" in technician.said
    assert f"{TAG}, by 2 answers" in technician.said
    assert "not named for" in technician.said
    assert "not named there" in technician.said


def test_a_tag_reader_is_back_after_its_cable_within_3_s(mast: Mast) -> None:
    technician, timers = Technician(), list[threading.Timer]()

    def pulls() -> str:
        timers.append(threading.Timer(0.4, mast.line.unplug))
        timers[-1].start()
        return ""

    def plugs() -> str:
        mast.line.plug()
        return ""

    assert technician.brings_up("tag_reader", mast.lane, {"pull": pulls, "plug": plugs})
    assert technician.lines[-1].startswith(" 7 cable pulled           ok       back after")
    for timer in timers:
        timer.join()


def test_a_tag_reader_that_sees_too_far_or_another_tag_is_not_passed(mast: Mast) -> None:
    technician, held = Technician(), {"tag": "", "hold_tag": ""}
    assert not technician.brings_up("tag_reader", mast.lane, {"no_tag": ""})
    assert f"in view: {TAG}" in technician.said
    assert not technician.brings_up("tag_reader", mast.lane, held | {"tag": STRAY})
    assert "another tag" in technician.said
    assert not technician.brings_up("tag_reader", mast.lane, held | {"tag_away": ""})
    assert "is still in view" in technician.said
    assert not technician.brings_up("tag_reader", mast.lane, {"next_lane": mast.holds(STRAY)})
    assert f"in view there: {STRAY}" in technician.said
    mast.sim.fault = TagFault.TWO_TAGS
    mast.tags = frozenset({TAG})
    assert not technician.brings_up("tag_reader", mast.lane, held)
    assert "two tags" in technician.said


def test_a_tag_at_the_edge_of_the_field_is_told_from_one_that_is_not_seen(mast: Mast) -> None:
    technician, lane = Technician(), mast.with_keys(reads_min=8)
    mast.tags = frozenset()
    mast.sim.fault = TagFault.STRAY_ONCE
    held = {"tag": "", "hold_tag": ""}
    assert not technician.brings_up("tag_reader", lane, held, wait_s=0.3)
    assert "is seen, but not 8 times in 0.3 s" in technician.said


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (TagFault.WRONG_ADDRESS, f"it answers as number {NUMBER + 1}"),
        (TagFault.GARBLE, "every answer is damaged"),
        (TagFault.LATE, "later than tag_reader.reply_s = 0.2"),
    ],
)
def test_a_tag_reader_that_answers_wrongly_is_told_how(
    mast: Mast, fault: TagFault, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    technician = Technician()
    monkeypatch.setattr(bring_up_tags, "ANSWER_S", 1.2 if fault is TagFault.LATE else 0.4)
    mast.sim.fault = fault
    assert not technician.brings_up("tag_reader", mast.lane)
    assert advice in technician.said


def test_a_tag_reader_at_another_baud_rate_is_found(tmp_path: Path) -> None:
    technician, mast = Technician(), Mast(tmp_path, str(tmp_path / "tags"), baud=115_200)
    mast.sim.start()
    assert not technician.brings_up("tag_reader", mast.lane)
    mast.sim.stop()
    assert "tag_reader.baud = 115200" in technician.said


def test_a_tag_reader_with_swapped_wires_is_not_blamed_on_its_settings(
    tmp_path: Path,
) -> None:
    mast = Mast(tmp_path, f"tcp://127.0.0.1:{free_ports(1)[0]}")
    mast.line.fault = LineFault.SWAPPED
    technician = Technician()
    mast.sim.start()
    assert not technician.brings_up("tag_reader", mast.lane)
    mast.sim.stop()
    assert "-> A and B (or + and -) swapped" in technician.said
    assert not technician.brings_up("tag_reader", mast.lane)
    assert "Connection refused" in technician.said


def test_a_tag_reader_in_active_mode_is_recognized(tmp_path: Path) -> None:
    technician, mast, is_over = Technician(), Mast(tmp_path, str(tmp_path / "tags")), False

    def pushes() -> None:
        while not is_over:
            mast.line.write(bytes.fromhex("0d00ee0000112233445566778899"))
            CLOCK.sleep(0.05)

    mast.line.plug()
    reader = threading.Thread(target=pushes)
    reader.start()
    try:
        assert not technician.brings_up("tag_reader", mast.lane)
    finally:
        is_over = True
        reader.join()
        mast.line.unplug()
    assert "it is in active mode" in technician.said


# --- the sign -------------------------------------------------------------------------------------


class Board:
    """A simulated LED board with settings of its own, and the lane's table of it."""

    def __init__(self, folder: Path, **own: object) -> None:
        table = SignConfig(driver="led-64ff", port=str(folder / "sign"))
        self.lane = msgspec.structs.replace(devices_at(folder, 1, 2), sign=table)
        real = msgspec.structs.replace(table, **own)
        inner = line_host("sign", real.port, baud=real.baud, clock=CLOCK)
        self.line = FaultyLine(inner, baud=real.baud)
        self.sim = SimLedBoard(self.line, real)

    def __enter__(self) -> Board:
        self.sim.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.sim.stop()

    def reads(self, line: int, within_s: float = 5.0) -> Callable[[], str]:
        return lambda: seen_within(lambda: self.sim.lines.get(line), within_s)

    def shows_number(self) -> str:
        def look() -> str | None:
            text = self.sim.lines.get(0, "")
            return text if text.removeprefix("NO ").isdigit() else None

        return seen_within(look, 1.0)


def test_a_sign_is_proved_line_by_line_and_by_ear(tmp_path: Path) -> None:
    technician = Technician()
    with Board(tmp_path) as board:
        assert technician.brings_up(
            "sign",
            board.lane,
            {
                "sign_zh": board.reads(0),
                "sign_en": board.reads(1),
                "listen": "",
                "voice": lambda: seen_within(lambda: next(iter(board.sim.spoken), None)),
            },
        )
    assert f"line 1 zh              ok       {TEXT}" in technician.said
    assert "line 2 en              ok       DEVICE CHECK" in technician.said
    assert f"{TEXT} was heard" in technician.said


def test_a_board_with_another_encoding_is_known_by_what_stands_on_it(tmp_path: Path) -> None:
    technician = Technician()
    with Board(tmp_path, encoding="utf-8") as board:
        assert not technician.brings_up("sign", board.lane, {"sign_zh": board.reads(0)})
    assert 'sign.encoding = "utf-8"' in technician.said


@pytest.mark.parametrize(
    ("own", "advice"),
    [({"baud": 19_200}, "sign.baud = 19200"), ({"address": 3}, "sign.address = 3")],
)
def test_a_board_that_stays_dark_says_itself_how_it_is_set(
    tmp_path: Path, own: dict[str, object], advice: str
) -> None:
    technician = Technician()
    with Board(tmp_path, **own) as board:
        looks = {"sign_zh": board.reads(0, 0.2), "sign_search": board.shows_number}
        assert not technician.brings_up("sign", board.lane, looks)
    assert advice in technician.said


def test_a_board_that_nothing_wakes_is_a_matter_of_wires(tmp_path: Path) -> None:
    technician = Technician()
    with Board(tmp_path) as board:
        board.line.fault = LineFault.SWAPPED
        assert not technician.brings_up("sign", board.lane, {"sign_zh": "n", "sign_search": ""})
        assert not board.sim.lines
    assert "A and B (or + and -) swapped" in technician.said
    assert not technician.brings_up("sign", board.lane)
    assert "missing: the name under /dev/kakou" in technician.said


@pytest.mark.parametrize(
    ("answers", "advice"),
    [
        ({"sign_zh": "DEVICE CHECK"}, "the lines are exchanged"),
        ({"sign_zh": "设备"}, "too short"),
        ({"sign_zh": "y", "sign_en": ""}, "fewer lines"),
        ({"sign_zh": "y", "sign_en": "D?V#CE"}, "damaged bytes"),
        ({"listen": "", "voice": "n"}, "its volume"),
        ({"listen": "", "voice": "beep"}, "recorded phrases"),
    ],
)
def test_what_a_person_sees_or_hears_instead_has_its_likely_cause(
    tmp_path: Path, answers: dict[str, str], advice: str
) -> None:
    technician = Technician()
    with Board(tmp_path) as board:
        assert not technician.brings_up("sign", board.lane, answers)
    assert advice in technician.said


def test_a_sign_over_http_says_what_it_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.3)
    table = SignConfig(driver="http", url=f"http://127.0.0.1:{free_ports(1)[0]}/", voice=False)
    lane = msgspec.structs.replace(devices_at(tmp_path, 1, 2), sign=table)
    technician, sign = Technician(), SimHttpSign(table)
    assert not technician.brings_up("sign", lane)
    assert "the sign's program does not run" in technician.said
    sign.start()
    try:
        looks = {"sign_zh": lambda: sign.lines[0], "sign_en": lambda: sign.lines[1]}
        assert technician.brings_up("sign", lane, looks)
        assert "answered 204" in technician.said
        assert "voice" not in technician.asked
        for status, advice in ((404, "another path"), (401, "password"), (500, "its log")):
            sign.status = status
            assert not technician.brings_up("sign", lane)
            assert f"answered {status}" in technician.said
            assert advice in technician.said
        sign.hangs = True
        assert not technician.brings_up("sign", lane)
        assert "restart the sign's program" in technician.said
    finally:
        sign.hangs = False
        sign.stop()


@pytest.mark.parametrize("device", ["tag_reader", "sign", "plate_camera", "lane_camera"])
def test_a_device_that_the_lane_has_not_is_refused_by_its_table(
    tmp_path: Path, device: str
) -> None:
    with pytest.raises(DeviceConfigError, match=rf"no \[devices\.{device}\] table"):
        Technician().brings_up(device, devices_at(tmp_path, 1, 2))
