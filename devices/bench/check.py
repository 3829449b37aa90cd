"""`gate-bench check --open`: every device of a lane, opened by its driver, and what it says.

Nothing is moved. A sign is shown a text, because there is no other way to know that it can.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.addresses import without_password
from devices.bench import bring_up_container_camera, bring_up_plate_camera
from devices.bench.wording import ToldError, said, told_of
from devices.camera.opening import open_camera
from devices.camera.pushed import PushedPlates
from devices.container_camera.pushed import PushedContainers
from devices.errors import DeviceConfigError, DeviceError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import open_card_reader, open_tag_reader, open_weighbridge
from devices.sign.api import SignMessage
from devices.sign.opening import open_sign
from devices.sim.lane_world import SENSORS
from devices.texts import as_is, listed, padded

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import (
        BusConfig,
        CameraConfig,
        CardReaderConfig,
        ContainerCameraConfig,
        DevicesConfig,
        PlateCameraConfig,
        SignConfig,
        TagReaderConfig,
        WeighbridgeConfig,
    )
    from devices.texts import Language, Said

CHECK_S = 3.0  # how long a real device may take to say something
SIGN_TEXT = {"zh": "设备检测", "en": "DEVICE CHECK"}


def check_devices(
    config: DevicesConfig, clock: Clock, say: Callable[[str], None], language: Language
) -> bool:
    """Look at each device that the lane has, one line for each; whether all are in order.

    Raises:
        DeviceConfigError: a table that can never work.
    """
    is_well = True
    for device, look in _looks(config).items():
        try:
            say(_line(device, said("walk.ok"), look(clock), language))
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            is_well = False
            say(_line(device, said("walk.failed"), told_of(exc), language))
    return is_well


def _line(device: str, mark: Said, found: Said, language: Language) -> str:
    return f"{device:12} {padded(mark[language], 7)} {found[language]}"


def _looks(config: DevicesConfig) -> dict[str, Callable[[Clock], Said]]:
    """What the lane has, and how it is looked at."""
    looks: dict[str, Callable[[Clock], Said]] = {
        "bus": partial(_look_at_bus, config.bus),
        "weighbridge": partial(_look_at_weighbridge, config.weighbridge),
        "card_reader": partial(_look_at_card_reader, config.card_reader),
        "camera": partial(_look_at_camera, config.camera),
    }
    if config.lane_camera is not None:
        looks["lane_camera"] = partial(_look_at_camera, config.lane_camera)
    if config.plate_camera is not None:
        looks["plate_camera"] = partial(_look_at_plate_camera, config.plate_camera)
    if config.container_camera is not None:
        looks["container_camera"] = partial(_look_at_container_camera, config.container_camera)
    if config.tag_reader is not None:
        looks["tag_reader"] = partial(_look_at_tag_reader, config.tag_reader)
    if config.sign is not None:
        looks["sign"] = partial(_look_at_sign, config.sign)
    return looks


def _look_at_bus(config: BusConfig, clock: Clock) -> Said:
    bus = ModbusBus(config, clock)
    bus.open()
    try:
        inputs = LaneIo(bus, clock, board_of(config)).read()
    finally:
        bus.close()
    on = [said(f"sensor.{sensor}") for sensor in SENSORS if getattr(inputs, sensor)]
    return said("board.inputs", sensors=listed(on) if on else said("board.no_input"))


def _look_at_weighbridge(config: WeighbridgeConfig, clock: Clock) -> Said:
    scale = open_weighbridge(config, clock)
    scale.open()
    try:
        deadline_s = clock.now().mono_s + CHECK_S
        while (left_s := deadline_s - clock.now().mono_s) > 0:
            if readings := scale.read(left_s):
                newest = readings[-1]
                status = said(f"scale_status.{newest.status}")
                return said("check.weight", gross_kg=newest.gross_kg, status=status)
        raise ToldError(said("check.no_frame", for_s=CHECK_S))
    finally:
        scale.close()


def _look_at_card_reader(config: CardReaderConfig, clock: Clock) -> Said:
    reader = open_card_reader(config, clock)
    reader.open()
    try:
        deadline_s = clock.now().mono_s + CHECK_S
        cards = reader.read(CHECK_S / 10)
        while not reader.is_heard and clock.now().mono_s < deadline_s:
            cards += reader.read(CHECK_S / 10)
        if not reader.is_heard:
            raise ToldError(said("check.no_answer", for_s=CHECK_S))
    finally:
        reader.close()
    fields = [as_is(f"{name} {text}") for card in cards for name, text in card.fields]
    return listed([said("check.card" if cards else "check.no_card"), *fields])


def _look_at_camera(config: CameraConfig, clock: Clock) -> Said:
    camera = open_camera(config, clock)
    camera.open()
    try:
        frame = camera.latest(0, CHECK_S)
    finally:
        camera.close()
    if frame is None:
        place = without_password(config.source)
        raise ToldError(said("check.no_picture", for_s=CHECK_S, place=place))
    height_px, width_px = frame.image.shape[:2]
    return said("check.pictures", width_px=width_px, height_px=height_px)


def _look_at_plate_camera(config: PlateCameraConfig, clock: Clock) -> Said:
    """It cannot be asked: whether the lane can listen, and what is posted meanwhile."""
    camera = PushedPlates(config, clock)
    camera.open()
    try:
        place, posts = camera.place, camera.read(CHECK_S)
        refused = camera.refusals()
    finally:
        camera.close()
    if not posts and refused:
        why = bring_up_plate_camera.advice_on(refused[-1], config)
        return said("check.refused", place=place, peer=refused[-1].peer, why=why)
    if not posts:
        return said("check.nothing_posted", place=place, for_s=CHECK_S)
    texts = (post.recognition.text for post in posts)
    plates = listed(as_is(text) if text else said("check.no_plate") for text in texts)
    return said("check.posted", place=place, what=plates)


def _look_at_container_camera(config: ContainerCameraConfig, clock: Clock) -> Said:
    """It cannot be asked either."""
    camera = PushedContainers(config, clock)
    camera.open()
    try:
        place, posts = camera.place, camera.read(CHECK_S)
        refused = camera.refusals()
    finally:
        camera.close()
    if posts:
        numbers = listed(as_is(number) for post in posts for number in post.numbers)
        return said("check.posted", place=place, what=numbers)
    if refused:
        why = bring_up_container_camera.advice_on(refused[-1], config)
        return said("check.refused", place=place, peer=refused[-1].peer, why=why)
    return said("check.nothing_posted", place=place, for_s=CHECK_S)


def _look_at_tag_reader(config: TagReaderConfig, clock: Clock) -> Said:
    seen = tags_in_view(config, clock)
    if not seen:
        return said("check.no_tag")
    return said("check.tags", tags=listed(as_is(tag) for tag in seen))


def tags_in_view(config: TagReaderConfig, clock: Clock) -> tuple[str, ...]:
    """What it sees; () where it answers and sees none. Raises a `DeviceError` where it does not."""
    reader = open_tag_reader(config, clock)
    reader.open()
    try:
        deadline_s = clock.now().mono_s + CHECK_S
        seen: set[str] = set()
        while not seen and clock.now().mono_s < deadline_s:
            seen |= {reading.tag_id for reading in reader.read(CHECK_S / 10)}
        if not reader.is_heard:
            raise ToldError(said("check.no_answer", for_s=CHECK_S))
    finally:
        reader.close()
    return tuple(sorted(seen))


def _look_at_sign(config: SignConfig, clock: Clock) -> Said:
    """Show a text, silently; the lane shows its own when it starts."""
    sign = open_sign(config, clock)
    message = check_message(config)
    sign.open()
    try:
        sign.show(message)
    finally:
        sign.close()
    return said_of(config, message)


def check_message(config: SignConfig, *, is_spoken: bool = False) -> SignMessage:
    """A text in each of the sign's languages; silent, or spoken in the first."""
    lines = tuple(SIGN_TEXT[language] for language in config.languages)
    return SignMessage(code="check", lines=lines, spoken=lines[0] if is_spoken else "")


def said_of(config: SignConfig, message: SignMessage) -> Said:
    """What is known of a message once a sign has taken it."""
    if config.driver == "http":
        return said("check.shown", place=without_password(config.url), text=message.lines[0])
    return said("check.sent", place=config.port, text=message.lines[0])
