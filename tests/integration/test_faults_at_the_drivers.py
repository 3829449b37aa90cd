"""Faults of the library in a running bench: felt by the real driver, and gone when ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from devices.barrier.driver import Barrier
from devices.camera.pushed import PushedPlates
from devices.clock import SystemClock
from devices.config import (
    BarrierConfig,
    CardReaderConfig,
    ContainerCameraConfig,
    DevicesConfig,
    PlateCameraConfig,
    SignConfig,
    TagReaderConfig,
)
from devices.container_camera.pushed import PushedContainers
from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.readings import CardReading
from devices.registry import open_card_reader, open_tag_reader, open_weighbridge
from devices.sign.api import SignMessage
from devices.sign.opening import open_sign
from devices.sim.bench import Bench
from devices.sim.card_reader import LATE_S
from devices.sim.container_camera import ANOTHER_CONTAINER, misread
from devices.sim.faults.table import FAULTS, FaultSwitches
from devices.sim.faults.turns import EARLIER_CARD
from devices.sim.lane_world import TruckVisit
from devices.sim.plate_camera import ANOTHER_PLATE
from devices.sim.tag_reader import STRAY
from devices.sim.truck import FOLLOWER
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, devices_at, free_ports, quick_truck

if TYPE_CHECKING:
    from devices.card_reader.api import CardReader
    from devices.tag_reader.api import TagReader

CLOCK = SystemClock()
PATIENCE_S = 20.0
TAG, PLATE, BOX = "E2003411B802011383258566", "粤B12345", "CSQU3054383"
TAG_REPEAT_S = 0.5
GROSS_KG, DIVISION_KG = 20_000, 20
VISIT = TruckVisit(
    truck=quick_truck(GROSS_KG),
    picture=b"a truck",
    card_uid=None,
    tag_id=TAG,
    plate=PLATE,
    containers=(BOX,),
)


class Lane:
    """A whole simulated lane and the faults of its bench."""

    def __init__(
        self,
        folder: Path,
        sign: SignConfig | None = None,
        card_reader: CardReaderConfig | None = None,
    ) -> None:
        bus_port, camera_port, sign_port, plates_port, boxes_port = free_ports(5)
        devices = devices_at(folder, bus_port, camera_port)
        self.config: DevicesConfig = msgspec.structs.replace(
            devices,
            card_reader=card_reader or devices.card_reader,
            tag_reader=TagReaderConfig(
                port=str(folder / "tags"),
                baud=115_200,
                poll_s=0.03,
                reply_s=0.2,
                repeat_s=TAG_REPEAT_S,
            ),
            sign=sign or SignConfig(driver="http", url=f"http://{HOST}:{sign_port}/"),
            plate_camera=PlateCameraConfig(
                driver="isapi", listen=HOST, port=plates_port, allow=("127.0.0.1",)
            ),
            container_camera=ContainerCameraConfig(
                listen=HOST, port=boxes_port, allow=("127.0.0.1",)
            ),
        )
        self.bench = Bench(self.config, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
        self.switches = FaultSwitches(self.bench)

    def let_in(self) -> None:
        """Light the entry lamp, as a lane does that invites."""
        board = board_of(self.config.bus)
        self.bench.world.on_coil(board.entry_green_coil, True, 0.0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    lane = Lane(tmp_path_factory.mktemp("lane"))
    with lane.bench:
        lane.let_in()
        lane.bench.world.send(VISIT)
        camera = lane.bench.plate_camera
        assert camera is not None
        until(
            lambda: "Connection refused" in str(camera.last_post), "its plate is posted, to nobody"
        )
        yield lane


@pytest.fixture
def lane(running: Lane) -> Iterator[Lane]:
    yield running
    running.switches.clear()


@pytest.fixture
def lane_of_its_own(tmp_path: Path) -> Iterator[Lane]:
    lane = Lane(tmp_path)
    with lane.bench:
        lane.let_in()
        yield lane


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = CLOCK.now().mono_s + PATIENCE_S
    while not condition():
        assert CLOCK.now().mono_s < deadline_s, f"not in time: {what}"
        CLOCK.sleep(0.02)


def tags_within(reader: TagReader, duration_s: float) -> set[str]:
    until_s = CLOCK.now().mono_s + duration_s
    seen: set[str] = set()
    while CLOCK.now().mono_s < until_s:
        seen |= {reading.tag_id for reading in reader.read(0.1)}
    return seen


@pytest.fixture
def reader(lane: Lane) -> Iterator[TagReader]:
    assert lane.config.tag_reader is not None
    reader = open_tag_reader(lane.config.tag_reader, CLOCK)
    reader.open()
    yield reader
    reader.close()


@pytest.mark.parametrize(
    "name",
    ["tag_unplugged", "tag_silent", "tag_garbled", "tag_half", "tag_late", "tag_wrong_address"],
)
def test_a_tag_reader_that_is_not_understood_is_lost_and_back_when_the_fault_is_over(
    lane: Lane, reader: TagReader, name: str
) -> None:
    until(lambda: tags_within(reader, 0.2) == {TAG}, "the tag in view")
    lane.switches.turn(name, on=True)
    seen: set[str] = set()
    with pytest.raises(LinkDown, match="tag reader: "):
        seen |= tags_within(reader, PATIENCE_S)
    assert seen <= {TAG}
    reader.close()
    lane.switches.turn(name, on=False)
    reader.open()
    until(lambda: tags_within(reader, 0.2) == {TAG}, "the tag in view again")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("tag_missing", set()),
        ("tag_two", {TAG, STRAY}),
        ("tag_of_next_lane", {STRAY}),
        ("tag_noise", {TAG}),
    ],
)
def test_the_tag_reader_names_the_tags_in_view_whosever_they_are(
    lane: Lane, reader: TagReader, name: str, seen: set[str]
) -> None:
    for on, expected in ((True, seen), (False, {TAG})):
        lane.switches.turn(name, on=on)
        tags_within(reader, TAG_REPEAT_S + 0.1)
        assert tags_within(reader, 2 * TAG_REPEAT_S) == expected


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("sign_unplugged", LinkDown),
        ("sign_refuses", RemoteProtocolError),
        ("sign_hangs", DeviceTimeout),
    ],
)
def test_a_sign_that_does_not_show_a_message_says_so_and_shows_the_next(
    lane_of_its_own: Lane, name: str, error: type[DeviceError]
) -> None:
    lane = lane_of_its_own
    assert lane.config.sign is not None
    assert lane.bench.sign is not None
    sign = open_sign(lane.config.sign, CLOCK)
    sign.open()
    sign.show(SignMessage(code="before", lines=("before",)))
    lane.switches.turn(name, on=True)
    with pytest.raises(error, match="sign: "):
        sign.show(SignMessage(code="lost", lines=("lost",)))
    assert lane.bench.sign.code == "before"
    lane.switches.turn(name, on=False)
    sign.open()
    sign.show(SignMessage(code="after", lines=("after",)))
    assert lane.bench.sign.code == "after"
    sign.close()


def test_the_cable_of_a_sign_on_a_serial_line_can_be_pulled(tmp_path: Path) -> None:
    lane = Lane(tmp_path, sign=SignConfig(driver="led-64ff", port=str(tmp_path / "sign")))
    assert lane.config.sign is not None
    sign = open_sign(lane.config.sign, CLOCK)

    def is_shown(text: str) -> bool:
        with suppress(DeviceError):
            sign.open()
            sign.show(SignMessage(code="any", lines=(text,)))
            return lane.bench.sign is not None and lane.bench.sign.lines.get(0) == text
        return False

    with lane.bench:
        until(lambda: is_shown("before"), "shown")
        lane.switches.turn("sign_unplugged", on=True)
        with pytest.raises(LinkDown):
            sign.open()
        lane.switches.turn("sign_unplugged", on=False)
        until(lambda: is_shown("after"), "shown again")
        sign.close()


@pytest.mark.parametrize(
    ("name", "while_there", "after_it_left"),
    [
        ("plate_camera_unplugged", (), ()),
        ("plate_camera_late", (), (PLATE,)),
        ("plate_camera_twice", (PLATE, PLATE), ()),
        ("plate_camera_another", (ANOTHER_PLATE,), ()),
        ("plate_camera_garbled", (), ()),
        ("plate_camera_half", (), ()),
    ],
)
def test_what_a_plate_camera_posts_arrives_as_it_posts_it(
    lane: Lane, name: str, while_there: tuple[str, ...], after_it_left: tuple[str, ...]
) -> None:
    assert lane.config.plate_camera is not None
    assert lane.bench.plate_camera is not None
    camera, listener = lane.bench.plate_camera, PushedPlates(lane.config.plate_camera, CLOCK)
    listener.open()
    try:
        lane.switches.turn(name, on=True)
        camera.look(VISIT)
        assert posts_within(listener, 1.2) == while_there
        camera.look(None)
        assert posts_within(listener, 0.5) == after_it_left
        lane.switches.turn(name, on=False)
        camera.look(VISIT)
        assert posts_within(listener, 1.2) == (PLATE,)
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("name", "while_there", "after_it_left"),
    [
        ("container_camera_unplugged", (), ()),
        ("container_camera_late", (), (BOX,)),
        ("container_camera_twice", (BOX, BOX), ()),
        ("container_camera_another", (ANOTHER_CONTAINER,), ()),
        ("container_camera_misread", (misread(BOX),), ()),
        ("container_camera_garbled", (), ()),
        ("container_camera_half", (), ()),
    ],
)
def test_what_a_container_camera_posts_arrives_as_it_posts_it(
    lane: Lane, name: str, while_there: tuple[str, ...], after_it_left: tuple[str, ...]
) -> None:
    config, camera = lane.config.container_camera, lane.bench.container_camera
    assert config is not None
    assert camera is not None
    listener = PushedContainers(config, CLOCK)
    listener.open()
    try:
        lane.switches.turn(name, on=True)
        camera.look(VISIT)
        assert boxes_within(listener, 1.2) == while_there
        camera.look(None)
        assert boxes_within(listener, 0.5) == after_it_left
        lane.switches.turn(name, on=False)
        camera.look(VISIT)
        assert boxes_within(listener, 1.2) == (BOX,)
    finally:
        listener.close()


def boxes_within(listener: PushedContainers, duration_s: float) -> tuple[str, ...]:
    until_s = CLOCK.now().mono_s + duration_s
    found: tuple[str, ...] = ()
    while (left_s := until_s - CLOCK.now().mono_s) > 0:
        for reading in listener.read(left_s):
            found += reading.numbers
    return found


def posts_within(listener: PushedPlates, duration_s: float) -> tuple[str, ...]:
    until_s = CLOCK.now().mono_s + duration_s
    found: tuple[str, ...] = ()
    while (left_s := until_s - CLOCK.now().mono_s) > 0:
        found += tuple(plate.recognition.text for plate in listener.read(left_s))
    return found


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("card_reversed", lambda uid: [bytes.fromhex(uid)[::-1].hex().upper()]),
        ("card_two_at_once", lambda uid: [uid, EARLIER_CARD]),
    ],
)
def test_a_card_is_read_as_the_reader_sends_it(
    lane: Lane, name: str, read: Callable[[str], list[str]]
) -> None:
    reader = open_card_reader(lane.config.card_reader, CLOCK)
    reader.open()
    for number, (on, expected) in enumerate(((True, read), (False, lambda uid: [uid]))):
        uid = f"04A1B2C{number}"
        lane.switches.turn(name, on=on)
        lane.bench.card_reader.present(uid)
        assert cards_within(reader, 1.0) == expected(uid)
    reader.close()


def cards_within(reader: CardReader, duration_s: float) -> list[str]:
    until_s = CLOCK.now().mono_s + duration_s
    found: list[str] = []
    while CLOCK.now().mono_s < until_s:
        found += [reading.uid for reading in reader.read(0.1)]
    return found


def test_a_card_that_is_told_late_has_the_time_at_which_it_was_told(lane: Lane) -> None:
    reader = open_card_reader(lane.config.card_reader, CLOCK)
    reader.open()
    lane.switches.turn("card_late", on=True)
    lane.bench.card_reader.present("04A1B2D0")
    told_from_s = CLOCK.now().mono_s + LATE_S
    readings: list[CardReading] = []
    until_s = told_from_s + 5.0
    while not readings and CLOCK.now().mono_s < until_s:
        readings = reader.read(0.1)
    assert [reading.uid for reading in readings] == ["04A1B2D0"]
    assert readings[0].received_s >= told_from_s - 0.1
    lane.switches.turn("card_late", on=False)
    lane.bench.card_reader.present("04A1B2D1")
    assert cards_within(reader, LATE_S / 2) == ["04A1B2D1"]
    reader.close()


def test_a_reader_that_is_asked_and_answers_late_gives_no_card(tmp_path: Path) -> None:
    config = CardReaderConfig(
        driver="resident-id", port=str(tmp_path / "card"), baud=115_200, poll_s=0.05
    )
    lane = Lane(tmp_path, card_reader=config)
    reader = open_card_reader(config, CLOCK)
    with lane.bench:
        reader.open()
        lane.switches.turn("card_late", on=True)
        lane.bench.card_reader.present("11010519491231002X")
        assert cards_within(reader, 2.0) == []
        reader.close()


@pytest.mark.parametrize("name", ["raise", "lower"])
def test_a_welded_relay_of_the_boom_is_named_until_there_is_a_new_one(
    lane_of_its_own: Lane, name: str
) -> None:
    lane = lane_of_its_own
    board, bus = board_of(lane.config.bus), ModbusBus(lane.config.bus, CLOCK)
    lane_io, barrier = LaneIo(bus, CLOCK, board), Barrier(bus, CLOCK, BarrierConfig(), board)
    bus.open()
    try:
        assert barrier.wrong_contact(lane_io.relays()) is None
        lane.switches.turn(f"board_{name}_relay_welded", on=True)
        said = f"the {name} contact is closed and no pulse runs"
        assert barrier.wrong_contact(lane_io.relays()) == said
        barrier.close()  # opens all contacts: a welded one stays
        assert barrier.wrong_contact(lane_io.relays()) == said
        is_raised = name == "raise"  # by the contact alone
        until(lambda: lane_io.read().barrier_up is is_raised, "the boom went up, or stayed")
        lane.switches.turn(f"board_{name}_relay_welded", on=False)
        assert barrier.wrong_contact(lane_io.relays()) is None
    finally:
        bus.close()


def test_an_axle_off_the_deck_and_a_second_vehicle_on_it_are_weighed_and_cut_the_beam(
    lane_of_its_own: Lane,
) -> None:
    lane = lane_of_its_own
    bus = ModbusBus(lane.config.bus, CLOCK)
    lane_io = LaneIo(bus, CLOCK, board_of(lane.config.bus))
    scale = open_weighbridge(lane.config.weighbridge, CLOCK)
    assert lane.config.plate_camera is not None
    listener = PushedPlates(lane.config.plate_camera, CLOCK)
    shown: list[int | None] = []

    def is_seen(gross_kg: float, *, rear_beam: bool) -> bool:
        shown.extend(reading.gross_kg for reading in scale.read(0.1))
        last = shown[-10:]  # of 25 a second: it rests
        fits = [kg is not None and abs(kg - gross_kg) <= DIVISION_KG for kg in last]
        return len(fits) == 10 and all(fits) and lane_io.read().rear_beam is rear_beam

    with ExitStack() as opened:
        for each in (bus, scale, listener):
            each.open()
            opened.callback(each.close)
        lane.switches.turn("scale_axle_off", on=True)
        visit = lane.bench.world.send(VISIT)
        assert visit.wait_stopped(PATIENCE_S)
        first_axle_kg = GROSS_KG * VISIT.truck.axles[0].share
        until(lambda: is_seen(first_axle_kg, rear_beam=True), "an axle beside the platform")
        assert posts_within(listener, 0.5) == (PLATE,), "the truck that came was posted"
        lane.switches.turn("scale_axle_off", on=False)
        until(lambda: is_seen(GROSS_KG, rear_beam=False), "the whole truck")
        lane.switches.turn("scale_second_vehicle", on=True)
        both_kg = GROSS_KG + FOLLOWER.gross_kg / 2
        until(lambda: is_seen(both_kg, rear_beam=True), "a second vehicle")
        lane.switches.turn("scale_second_vehicle", on=False)
        until(lambda: is_seen(GROSS_KG, rear_beam=False), "the truck alone")
    assert lane.bench.world.violations == ()


def test_every_fault_that_came_with_these_devices_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    mine = [
        fault.name
        for fault in FAULTS.values()
        if fault.device in ("tag_reader", "sign", "plate_camera", "container_camera")
    ]
    assert [name for name in mine if f'"{name}"' not in text] == []
