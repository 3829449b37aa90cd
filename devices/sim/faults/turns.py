"""How each fault is switched on and off in a running bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devices.lane_io.registers import board_of
from devices.sim.card_reader import CardFault
from devices.sim.faults.line import LineFault
from devices.sim.weighbridge import ScaleFault
from devices.weighbridge.protocols import protocol_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from devices.sim.bench import Bench
    from devices.sim.lane_world import Sensor

    Switch = Callable[[Bench, bool], None]
    WhyNot = Callable[[Bench], str | None]

    class Plug(Protocol):
        """An end that can be pulled."""

        def plug(self) -> None:
            """Put it in."""

        def unplug(self) -> None:
            """Pull it."""


EARLIER_CARD = "0BADC0DE"
"""The card of somebody else: of the driver before, or of whoever walks past the reader."""

MODBUS_ILLEGAL_ADDRESS, MODBUS_DEVICE_FAILURE, MODBUS_BUSY = 2, 4, 6
LATE_S = 0.45  # later than a lane waits for a board
BOUNCE_S = 3_600.0
SLOW_FACTOR = 4.0
MIDWAY = 0.5
FORCED_TO = 0.4


def scale_turn(fault: ScaleFault) -> tuple[Switch, WhyNot]:
    """An indicator that is not well."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        bench.scale.fault = fault if on else ScaleFault.NONE

    def why_not(bench: Bench) -> str | None:
        if bench.scale.can_have(fault):
            return None
        return f"frames of {bench.config.weighbridge.driver} cannot say {fault.value}"

    return turn, why_not


def scale_line_turn(fault: LineFault) -> tuple[Switch, WhyNot]:
    """A line to the scale that is set or wired wrongly."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        bench.scale_line.fault = fault if on else LineFault.NONE

    def why_not(bench: Bench) -> str | None:
        driver = bench.config.weighbridge.driver
        if fault is LineFault.PARITY and driver.startswith("toledo"):
            return f"{driver} takes seven bits with parity as they come"
        if fault is LineFault.DEAF and protocol_named(driver).poll is None:
            return f"{driver} is not asked for anything"
        return None

    return turn, why_not


def card_turn(fault: CardFault) -> Switch:
    """A presentation that goes wrong."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        bench.card_reader.fault = fault if on else CardFault.NONE

    return turn


def card_line_turn(fault: LineFault) -> Switch:
    """A line to the card reader that is set or wired wrongly."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        bench.card_line.fault = fault if on else LineFault.NONE

    return turn


def present_earlier_card(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Hold the card of somebody else to the reader."""
    if on:
        bench.card_reader.present(EARLIER_CARD)


def cable_turn(device: Literal["scale", "card_reader", "board", "camera"]) -> Switch:
    """Pull a cable."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        ends: dict[str, Plug | None] = {
            "scale": bench.scale.host,
            "card_reader": bench.card_reader.host,
            "board": bench.board,
            "camera": bench.camera,
        }
        end = ends[device]
        if end is not None:
            end.unplug() if on else end.plug()

    return turn


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


def bounce_turn(sensor: Sensor) -> Switch:
    """Let a sensor's contact chatter."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        terminal: int = getattr(board_of(bench.config.bus), sensor)
        bench.board.bounce_input(terminal, BOUNCE_S if on else 0.0)

    return turn


def coil_turn(name: str, *, closed: bool) -> Switch:
    """Weld or break a relay."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        terminal: int = getattr(board_of(bench.config.bus), name)
        bench.board.stick_coil(terminal, closed if on else None)

    return turn


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


def put_person_under_boom(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Put a person under the boom."""
    bench.world.obstacle_under_boom = on


def camera_turn(field: Literal["stalled", "frozen", "cut_short"]) -> Switch:
    """Break the stream: a switch of `MjpegServer`."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        if bench.camera is not None:
            setattr(bench.camera, field, on)

    return turn


def cover_lens(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Cover the camera's lens."""
    if bench.camera is not None:
        bench.camera.instead = bench.black_picture if on else None


def no_camera(bench: Bench) -> str | None:
    """Why a camera cannot have a fault."""
    return None if bench.camera is not None else "the camera of this lane needs no simulator"


def answer_late(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Answer later than anybody waits."""
    bench.board.delay_answers(LATE_S if on else 0.0)


def answer_nothing(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Answer nothing."""
    bench.board.silence(on)
