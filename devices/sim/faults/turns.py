"""How each fault is switched on and off in a running bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devices.lane_io.registers import board_of
from devices.sim.card_reader import CardFault
from devices.sim.faults.line import LineFault
from devices.sim.faults.wording import said
from devices.sim.plate_camera import PlateCameraFault
from devices.sim.posting_camera import PostingFault
from devices.sim.sign import SHOWN, SimHttpSign
from devices.sim.tag_reader import TagFault
from devices.sim.weighbridge import ScaleFault, misses_garbled
from devices.tag_reader.codecs.uhf_reader18 import BROADCAST
from devices.weighbridge.protocols import protocol_named

Cable = Literal[
    "scale",
    "card_reader",
    "tag_reader",
    "board",
    "camera",
    "lane_camera",
    "plate_camera",
    "container_camera",
    "sign",
]

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from devices.sim.bench import Bench
    from devices.sim.lane_world import Sensor
    from devices.texts import Said

    Switch = Callable[[Bench, bool], None]
    WhyNot = Callable[[Bench], Said | None]

    class Plug(Protocol):
        """An end that can be pulled."""

        def plug(self) -> None:
            """Put it in."""

        def unplug(self) -> None:
            """Pull it."""


EARLIER_CARD = "0BADC0DE"
EARLIER_PERSON = "11010519491231002X"  # of a reader of identity cards
"""The card of somebody else: of the driver before, or of whoever walks past the reader."""

MODBUS_ILLEGAL_ADDRESS, MODBUS_DEVICE_FAILURE, MODBUS_BUSY = 2, 4, 6
HTTP_SERVER_ERROR = 500
LATE_S = 0.45  # later than a lane waits for a board
BOUNCE_S = 3_600.0
SLOW_FACTOR = 4.0
MIDWAY = 0.5
DAMAGED_EVERY = 3  # of the packets of a picture
FORCED_TO = 0.4


def _set(
    part: Callable[[Bench], object | None], field: str, broken: object, sound: object
) -> Switch:
    """Set a field of a part of the bench; where it has no such part, nothing."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        target = part(bench)
        if target is not None:
            setattr(target, field, broken if on else sound)

    return turn


def cable_turn(device: Cable) -> Switch:
    """Pull a cable."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        ends: dict[str, Plug | None] = {
            "scale": bench.scale.host,
            "card_reader": bench.card_reader.host,
            "tag_reader": bench.tag_reader.host if bench.tag_reader is not None else None,
            "board": bench.board,
            "camera": bench.camera,
            "lane_camera": bench.lane_camera,
            "plate_camera": bench.plate_camera,
            "container_camera": bench.container_camera,
            "sign": bench.sign,
        }
        end = ends[device]
        if end is not None:
            end.unplug() if on else end.plug()

    return turn


# --- the scale, and what stands on it -------------------------------------------------------------


def scale_turn(fault: ScaleFault) -> Switch:
    """An indicator that is not well."""
    return _set(lambda bench: bench.scale, "fault", fault, ScaleFault.NONE)


def garbled_is_heard(bench: Bench) -> Said | None:
    """Why garbled frames of an indicator are not simply lost."""
    driver = bench.config.weighbridge.driver
    if not misses_garbled(protocol_named(driver)):
        return None
    return said("why_not.no_checksum", driver=driver)


def garbled_is_missed(bench: Bench) -> Said | None:
    """Why no garbled frame of an indicator can pass."""
    driver = bench.config.weighbridge.driver
    if misses_garbled(protocol_named(driver)):
        return None
    return said("why_not.summed_or_asked", driver=driver)


def scale_line_turn(fault: LineFault) -> Switch:
    """A line to the scale that is set or wired wrongly."""
    return _set(lambda bench: bench.scale_line, "fault", fault, LineFault.NONE)


def cannot_be_felt(fault: LineFault) -> WhyNot:
    """Why a wrong line to the scale makes no difference."""

    def why_not(bench: Bench) -> Said | None:
        driver = bench.config.weighbridge.driver
        if fault is LineFault.PARITY and driver.startswith("toledo"):
            return said("why_not.takes_parity", driver=driver)
        if fault is LineFault.DEAF and protocol_named(driver).poll is None:
            return said("why_not.not_asked", driver=driver)
        return None

    return why_not


def world_turn(field: Literal["stops_short", "is_followed", "obstacle_under_boom"]) -> Switch:
    """Something happens in the lane: a switch of `LaneWorld`."""
    return _set(lambda bench: bench.world, field, broken=True, sound=False)


def no_beams(bench: Bench) -> Said | None:
    """Why no simulated vehicle can stand beside the platform."""
    if "bus" in bench.simulated:
        return None
    return said("why_not.real_lane")


# --- the readers ----------------------------------------------------------------------------------


def card_turn(fault: CardFault) -> Switch:
    """A presentation that goes wrong."""
    return _set(lambda bench: bench.card_reader, "fault", fault, CardFault.NONE)


def card_line_turn(fault: LineFault) -> Switch:
    """A line to the card reader that is set or wired wrongly."""
    return _set(lambda bench: bench.card_line, "fault", fault, LineFault.NONE)


def lay_card_beside(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Hold somebody else's card to the reader together with whichever is presented."""
    bench.card_reader.beside = EARLIER_CARD if on else None


def earlier_card(driver: str) -> str:
    """The card of somebody else, as a reader of this kind reads it."""
    return EARLIER_PERSON if driver == "resident-id" else EARLIER_CARD


def no_osdp(bench: Bench) -> Said | None:
    """Why a reader has no packets of OSDP."""
    driver = bench.config.card_reader.driver
    if driver == "osdp":
        return None
    return said("why_not.no_osdp", driver=driver)


def no_bytes(bench: Bench) -> Said | None:
    """Why the bytes of a card's number cannot come the other way round."""
    config = bench.config.card_reader
    is_text = config.driver in ("qr-line", "resident-id") and config.number_format in (None, "text")
    if is_text or config.number_format == "text":
        return said("why_not.sends_text", driver=config.driver)
    return None


def no_line(bench: Bench) -> Said | None:
    """Why nothing is wrong with the line to a reader: it has none of ours."""
    if bench.config.card_reader.driver == "pcsc":
        return said("why_not.no_line")
    return None


def noise_counts(bench: Bench) -> Said | None:
    """Why noise before a card's number belongs to it: a line begins with no byte of its own."""
    driver = bench.config.card_reader.driver
    if driver in ("qr-line", "acg-ascii"):
        return said("why_not.noise_counts", driver=driver)
    return no_line(bench)


def one_card(bench: Bench) -> Said | None:
    """Why a reader never reads two cards."""
    driver = bench.config.card_reader.driver
    if driver == "resident-id":
        return said("why_not.one_card", driver=driver)
    return None


def present_earlier_card(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Hold the card of somebody else to the reader."""
    if on:
        bench.card_reader.present(earlier_card(bench.config.card_reader.driver))


def tag_turn(fault: TagFault) -> Switch:
    """A tag reader that is not well, or what its antenna sees."""
    return _set(lambda bench: bench.tag_reader, "fault", fault, TagFault.NONE)


def no_tag_reader(bench: Bench) -> Said | None:
    """Why a lane's tag reader cannot have a fault."""
    if bench.tag_reader is not None:
        return None
    return said("why_not.no_tag_reader")


def hears_any(bench: Bench) -> Said | None:
    """Why another number is not noticed."""
    tags = bench.config.tag_reader
    if tags is not None and tags.address == BROADCAST:
        return said("why_not.hears_any", address=BROADCAST)
    return no_tag_reader(bench)


# --- the board and the boom -----------------------------------------------------------------------


def exception_turn(code: int) -> Switch:
    """Answer every request with a Modbus exception."""
    return lambda bench, on: bench.board.answer_exception(code if on else None)


def restart_board(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Cut the board's supply and give it back."""
    if on:
        bench.board.silence()
        bench.board.power_cycle()
    else:
        bench.board.silence(on=False)


def input_turn(sensor: Sensor, *, state: bool) -> Switch:
    """Hold a sensor's wire at one level."""
    return lambda bench, on: bench.world.hold_input(sensor, state if on else None)


def no_key(bench: Bench) -> Said | None:
    """Why nobody can turn a key at the barrier that the lane would know of."""
    if board_of(bench.config.bus).manual_switch is not None:
        return None
    return said("why_not.no_key")


def bounce_turn(sensor: Sensor) -> Switch:
    """Let a sensor's contact chatter."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        terminal: int = getattr(board_of(bench.config.bus), sensor)
        bench.board.bounce_input(terminal, BOUNCE_S if on else 0.0)

    return turn


def coil_turn(name: str, *, closed: bool) -> Switch:
    """Weld or break a relay; a new one in its place is open."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        terminal: int = getattr(board_of(bench.config.bus), name)
        bench.board.stick_coil(terminal, closed if on else False)
        if not on:
            bench.board.stick_coil(terminal, None)

    return turn


def answer_late(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Answer later than anybody waits."""
    bench.board.delay_answers(LATE_S if on else 0.0)


def answer_nothing(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Answer nothing."""
    bench.board.silence(on)


def boom_turn(field: str, broken: object) -> Switch:
    """Break something of the boom: a field of `BoomFaults`."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        faults = bench.world.boom.faults
        sound = type(faults)()
        setattr(faults, field, broken if on else getattr(sound, field))

    return turn


def make_both_limits(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Make both limit switches at once."""
    faults = bench.world.boom.faults
    faults.up_switch = faults.down_switch = True if on else None


def force_boom(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Lift the boom by hand; let it down again."""
    bench.world.boom.push_to(FORCED_TO if on else 0.0)


# --- cameras and sign -----------------------------------------------------------------------------


def camera_turn(field: Literal["stalled", "frozen", "cut_short"]) -> Switch:
    """Break the stream: a switch of `SimCamera`."""
    return _set(lambda bench: bench.camera, field, broken=True, sound=False)


def video_turn(field: Literal["loses_keys", "flips_bits"]) -> Switch:
    """Damage a stream whose pictures build on one another: a switch of `VideoCamera`."""
    damaged = {"loses_keys": True, "flips_bits": DAMAGED_EVERY}[field]
    return _set(lambda bench: bench.camera, field, broken=damaged, sound=type(damaged)())


def no_video(bench: Bench) -> Said | None:
    """Why no picture of a camera builds on another one."""
    if bench.camera is None:
        return no_camera(bench)
    if bench.camera.has_key_pictures:
        return None
    return said("why_not.no_video")


def cover_lens(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Cover the camera's lens."""
    if bench.camera is not None:
        bench.camera.instead = bench.black_picture if on else None


def no_camera(bench: Bench) -> Said | None:
    """Why a camera cannot have a fault."""
    if bench.camera is not None:
        return None
    return said("why_not.no_camera")


def stall_lane_camera(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Keep the lane camera's connection and send nothing."""
    if bench.lane_camera is not None:
        bench.lane_camera.stalled = on


def no_lane_camera(bench: Bench) -> Said | None:
    """Why a lane camera cannot have a fault."""
    if bench.lane_camera is not None:
        return None
    return said("why_not.no_lane_camera")


def plate_camera_turn(fault: PlateCameraFault) -> Switch:
    """A camera that posts something wrong, or at a wrong time."""
    return _set(lambda bench: bench.plate_camera, "fault", fault, PlateCameraFault.NONE)


def no_plate_camera(bench: Bench) -> Said | None:
    """Why a camera that reads plates cannot have a fault."""
    if bench.plate_camera is not None:
        return None
    return said("why_not.no_plate_camera")


def container_camera_turn(fault: PostingFault) -> Switch:
    """A camera that posts wrong container numbers, or at a wrong time."""
    return _set(lambda bench: bench.container_camera, "fault", fault, PostingFault.NONE)


def no_container_camera(bench: Bench) -> Said | None:
    """Why a camera that reads container numbers cannot have a fault."""
    if bench.container_camera is not None:
        return None
    return said("why_not.no_container_camera")


def refuse_messages(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """A sign that answers every message with an error of its own."""
    if isinstance(bench.sign, SimHttpSign):
        bench.sign.status = HTTP_SERVER_ERROR if on else SHOWN


def hang_sign(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """A sign that takes messages and answers none."""
    if isinstance(bench.sign, SimHttpSign):
        bench.sign.hangs = on


def no_sign(bench: Bench) -> Said | None:
    """Why a sign cannot have a fault."""
    if bench.sign is not None:
        return None
    return said("why_not.no_sign")


def answers_nothing(bench: Bench) -> Said | None:
    """Why a sign's answer cannot be wrong."""
    if bench.sign is not None and not isinstance(bench.sign, SimHttpSign):
        return said("why_not.not_waited_for")
    return no_sign(bench)
