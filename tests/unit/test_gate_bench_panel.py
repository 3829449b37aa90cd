"""The panel: what a technician sees of a lane, and what each key asks for."""

import curses

import msgspec

from devices.bench.control import Look
from devices.bench.panel import NAMES, lines_of, moved, request_for
from devices.sim.faults.table import FAULTS

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
    screen = "\n".join(lines_of(LOOK, NAMES.index("scale_frozen"), "truck 1: 18240 kg"))
    for shown in (
        "18240 kg   FAULT: freeze",
        "UNPLUGGED: card_reader",
        "camera       FAULT: frozen; rtsp://127.0.0.1:8554/plates, watched by 1",
        "lane_camera  not simulated here: /srv/film.mp4",
        "plate_camera in order; 粤B12345 was taken",
        "tag_reader   in order; no tag in the lane",
        "sign         请停稳刷卡 | PRESENT CARD",
        "on: entry_loop, barrier_down",
        "closed: 3, 5",
        "[############............]",
        "entering, front at -2.5 m",
        "> ON scale_frozen",
        "truck 1: 18240 kg",
    ):
        assert shown in screen


def test_a_real_device_is_named_and_nothing_is_said_of_it() -> None:
    look = msgspec.structs.replace(LOOK, real=("weighbridge", "bus"))
    screen = "\n".join(lines_of(look, 0, ""))
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
        assert any(line.startswith(">") and name in line for line in lines_of(LOOK, index, ""))
