"""The panel: what a technician sees of a lane, in his language, and what each key asks for."""

import curses
import re

import msgspec

from devices.bench.control import Look
from devices.bench.panel import NAMES, lines_of, moved, request_for
from devices.sim.faults.table import FAULTS
from devices.texts import cells_of, cut_to

LOOK = Look(
    inputs=("barrier_down", "entry_loop"),
    coils=(3, 5),
    boom=0.5,
    scale_kg=18_240,
    scale_fault="freeze",
    card_fault="none",
    truck="entering",
    front_m=-2.5,
    queued=1,
    faults=("scale_frozen",),
    violations=(),
    unplugged=("card_reader",),
    further={
        "camera": "FAULT: frozen; rtsp://127.0.0.1:8554/plates, watched by 1",
        "lane_camera": "not simulated here: /srv/film.mp4",
        "plate_camera": "in order; 粤B12345 was taken",
        "tag_reader": "in order; no tag in the lane",
        "sign": "请停稳刷卡 | PRESENT CARD",
    },
)


def test_every_device_and_the_truck_are_on_the_screen() -> None:
    screen = "\n".join(lines_of(LOOK, NAMES.index("scale_frozen"), "truck 1: 18240 kg", "en"))
    for shown in (
        "18240 kg   FAULT: freeze",
        "UNPLUGGED: card_reader",
        "camera       FAULT: frozen; rtsp://127.0.0.1:8554/plates, watched by 1",
        "lane_camera  not simulated here: /srv/film.mp4",
        "plate_camera in order; 粤B12345 was taken",
        "tag_reader   in order; no tag in the lane",
        "sign         请停稳刷卡 | PRESENT CARD",
        "on: entry loop, barrier down",
        "closed: 3, 5",
        "[############............]",
        "entering, front at -2.5 m",
        "> ON scale_frozen",
        "truck 1: 18240 kg",
    ):
        assert shown in screen


def test_the_screen_is_in_chinese_for_who_reads_chinese() -> None:
    further = {"camera": "故障：画面冻结；rtsp://127.0.0.1:8554/plates，观看者 1"}
    look = msgspec.structs.replace(LOOK, further=further, violations=("struck",))
    lines = lines_of(look, NAMES.index("scale_frozen"), "第 1 辆车：18240 kg", "zh")
    screen = "\n".join(lines)
    for shown in (
        "车辆         驶入，车头在 -2.5 m；车道内及等候 1 辆",
        "weighbridge    18240 kg   故障：数值冻结",
        "card_reader  正常",
        "已拔线：card_reader",
        "bus          接通：入口地感、下限位",
        "继电器       吸合：3, 5",
        "栏杆         落 [############............] 升",
        "危险动作     车辆撞上栏杆",
        "> 有 scale_frozen                仪表数值冻结",
        "第 1 辆车：18240 kg",
    ):
        assert shown in screen
    # what is left in English: names of the lane file, of faults, and keys
    plain = re.sub(r"[a-z]+_[a-z_]+|weighbridge|camera|bus|rtsp://\S+|space|Ctrl|kg", "", screen)
    assert re.findall(r"[A-Za-z]{3,}", plain) == []


def test_a_line_is_cut_between_two_characters_where_the_terminal_ends() -> None:
    assert cut_to("地磅 ok", 5) == "地磅 "
    assert cut_to("地磅 ok", 3) == "地"
    assert cut_to("地磅 ok", 80) == "地磅 ok"
    assert cells_of("地磅 ok") == 7


def test_a_real_device_is_named_and_nothing_is_said_of_it() -> None:
    look = msgspec.structs.replace(LOOK, real=("weighbridge", "bus"))
    screen = "\n".join(lines_of(look, 0, "", "en"))
    assert "weighbridge  real: not shown here" in screen
    assert "bus          real: not shown here" in screen
    assert "18240 kg" not in screen
    assert "relays" not in screen
    assert "boom         real: not shown here" in screen  # it may be up, whatever the world has
    assert "violations   real: not shown here" in screen
    assert "down [" not in screen


def test_keys_send_trucks_and_turn_the_chosen_fault_on_and_off() -> None:
    chosen = NAMES.index("scale_frozen")
    off, truck = request_for(ord(" "), LOOK, chosen), request_for(ord("t"), LOOK, chosen)
    assert off is not None
    assert (off.do, off.name, off.on) == ("fault", "scale_frozen", False)
    assert truck is not None
    assert truck.do == "truck"
    assert request_for(ord("x"), LOOK, chosen) is None
    assert moved(curses.KEY_UP, 0) == len(FAULTS) - 1
    assert moved(curses.KEY_DOWN, len(FAULTS) - 1) == 0


def test_every_fault_can_be_reached_and_is_seen_when_chosen() -> None:
    for index, name in enumerate(NAMES):
        assert any(
            line.startswith(">") and name in line for line in lines_of(LOOK, index, "", "en")
        )
