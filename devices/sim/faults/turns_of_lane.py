"""How faults are switched on and off in a running bench: board, boom, cameras and sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devices.lane_io.registers import board_of
from devices.sim.faults.turns import set_part
from devices.sim.faults.wording import said
from devices.sim.plate_camera import PlateCameraFault
from devices.sim.posting_camera import PostingFault
from devices.sim.sign import SHOWN, SimHttpSign

if TYPE_CHECKING:
    from devices.sim.bench import Bench
    from devices.sim.faults.turns import Switch
    from devices.sim.lane_world import Sensor
    from devices.texts import Said

MODBUS_ILLEGAL_ADDRESS, MODBUS_DEVICE_FAILURE, MODBUS_BUSY = 2, 4, 6
HTTP_SERVER_ERROR = 500
LATE_S = 0.45  # later than a lane waits for a board
BOUNCE_S = 3_600.0
SLOW_FACTOR = 4.0
MIDWAY = 0.5
DAMAGED_EVERY = 3  # of the packets of a picture
FORCED_TO = 0.4


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
    return set_part(lambda bench: bench.camera, field, broken=True, sound=False)


def video_turn(field: Literal["loses_keys", "flips_bits"]) -> Switch:
    """Damage a stream whose pictures build on one another: a switch of `VideoCamera`."""
    damaged = {"loses_keys": True, "flips_bits": DAMAGED_EVERY}[field]
    return set_part(lambda bench: bench.camera, field, broken=damaged, sound=type(damaged)())


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
    return set_part(lambda bench: bench.plate_camera, "fault", fault, PlateCameraFault.NONE)


def no_plate_camera(bench: Bench) -> Said | None:
    """Why a camera that reads plates cannot have a fault."""
    if bench.plate_camera is not None:
        return None
    return said("why_not.no_plate_camera")


def container_camera_turn(fault: PostingFault) -> Switch:
    """A camera that posts wrong container numbers, or at a wrong time."""
    return set_part(lambda bench: bench.container_camera, "fault", fault, PostingFault.NONE)


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
