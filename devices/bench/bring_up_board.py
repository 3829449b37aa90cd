"""Bringing into service the board with loops, beams, lamps and boom."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    good,
    is_no,
    is_yes,
    log_text,
    skipped,
)
from devices.bench.bring_up_boom import BoomWalk, inputs_on, sensor_name
from devices.bench.wording import said
from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of, lamp_coils
from devices.modbus import ModbusBus
from devices.readings import Lamp
from devices.sim.lane_world import SENSORS
from devices.texts import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.bench.bring_up import Session
    from devices.texts import Said

ADDRESSES = range(1, 17)
BAUDS = (4_800, 9_600, 19_200, 38_400, 115_200)
POLL_S = 0.05

BY_HAND = (
    *("entry_loop", "front_beam", "rear_beam", "exit_loop", "emergency_stop"),
    "manual_switch",  # where one is wired
)


def board_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the board."""
    board = board_of(session.config.bus)
    sensors = [
        BringUpStep(name=sensor_name(sensor), look=partial(_sees, session, sensor))
        for sensor in BY_HAND
        if getattr(board, sensor) is not None
    ]
    lamps = [
        BringUpStep(name=said(f"lamp.{lamp}"), look=partial(_lights, session, lamp))
        for lamp in lamp_coils(board)
    ]
    return (
        BringUpStep(name=said("walk.answer"), look=partial(_answers, session)),
        BringUpStep(name=said("board.at_rest"), look=partial(_rests, session)),
        *sensors,
        *lamps,
        BringUpStep(name=said("board.boom"), look=partial(_opens, session)),
    )


def _with_board(session: Session, do: Callable[[ModbusBus, LaneIo], Finding]) -> Finding:
    bus = ModbusBus(session.config.bus, session.clock)
    bus.open()
    try:
        return do(bus, LaneIo(bus, session.clock, board_of(session.config.bus)))
    finally:
        bus.close()


def _answers(session: Session) -> Finding:
    bus = session.config.bus
    place = f"{bus.host}:{bus.tcp_port}" if bus.transport == "tcp" else bus.serial_port

    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        return good(said("board.answers", place=place, inputs=inputs_on(io.read())))

    try:
        return _with_board(session, look)
    except RemoteProtocolError as exc:
        return bad(log_text(exc), said("board.exception_2"), said("board.exception_1"))
    except LinkDown as exc:
        is_network = bus.transport == "tcp"
        return bad(log_text(exc), said("board.network" if is_network else "board.converter"))
    except DeviceTimeout as exc:
        return bad(log_text(exc), *_why_silent(session))


def _why_silent(session: Session) -> tuple[Said, ...]:
    """Try other addresses and baud rates before the wires are blamed."""
    bus = session.config.bus
    for device_id in ADDRESSES:
        if device_id != bus.device_id and _is_heard(session, device_id=device_id):
            return (said("board.another_number", number=device_id),)
    if bus.transport == "rtu":
        for baud in BAUDS:
            if baud != bus.baud and _is_heard(session, baud=baud):
                return (said("board.another_baud", baud=baud),)
    return (said("board.swapped"), said("board.parity"), said("board.number_or_supply"))


def _is_heard(session: Session, *, device_id: int = 0, baud: int = 0) -> bool:
    ours = session.config.bus
    tried = msgspec.structs.replace(
        ours, device_id=device_id or ours.device_id, baud=baud or ours.baud
    )
    bus = ModbusBus(tried, session.clock)
    with contextlib.suppress(DeviceError):
        bus.open()
        try:
            bus.read_inputs(0, 1)
        except RemoteProtocolError:
            return True  # an exception is an answer
        finally:
            bus.close()
        return True
    return False


def _rests(session: Session) -> Finding:
    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        inputs = io.read()
        on = [sensor for sensor in SENSORS if getattr(inputs, sensor)]
        if inputs.barrier_up and inputs.barrier_down:
            return bad(inputs_on(inputs), said("board.both_limits"))
        if inputs.barrier_up:
            return bad(inputs_on(inputs), said("board.limits_exchanged"))
        if not inputs.barrier_down:
            return bad(inputs_on(inputs), said("board.no_down_limit"), said("board.no_24_v"))
        others = [sensor for sensor in on if sensor != "barrier_down"]
        if len(others) >= 4:  # noqa: PLR2004 - that many at once are one cause
            return bad(inputs_on(inputs), said("board.wrong_common"))
        if others:
            return bad(
                inputs_on(inputs), said("board.on_over_nothing", sensor=sensor_name(others[0]))
            )
        return good(inputs_on(inputs))

    return _with_board(session, look)


def _sees(session: Session, sensor: str) -> Finding:
    what, wait_s = said(f"board.do_{sensor}"), session.wait_s
    if session.ask(sensor, said("board.do_within", what=what, wait_s=wait_s)) == SKIP:
        return skipped(said("board.nobody_does"))

    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        clock, first = session.clock, io.read()
        until_s = clock.now().mono_s + wait_s
        while clock.now().mono_s < until_s:
            now = io.read()
            changed = [one for one in SENSORS if getattr(now, one) != getattr(first, one)]
            if changed == [sensor]:
                if getattr(now, sensor):
                    return good(said("board.on"))
                return bad(said("board.goes_off"), said("board.normally_closed"))
            if changed:
                return bad(
                    said("board.changed", sensors=listed(map(sensor_name, changed))),
                    said("board.on_terminal_of", sensor=sensor_name(changed[0])),
                )
            clock.sleep(POLL_S)
        return bad(said("board.nothing_changed", wait_s=wait_s), said("board.contact_is_dead"))

    return _with_board(session, look)


def _lights(session: Session, lamp: Lamp) -> Finding:
    name = said(f"lamp.{lamp}")

    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        try:  # whatever ends it, also within the first exchange, the lamp goes out
            io.set_lamp(lamp, on=True)
            if lamp not in io.relays().lamps:
                return bad(said("board.relay_open"), said("board.relay_supply"))
            answer = session.ask(lamp.value, said("board.is_lamp_on", lamp=name))
        finally:
            io.set_lamp(lamp, on=False)
        if answer == SKIP:
            return skipped(said("board.nobody_looks"))
        if is_yes(answer):
            return good(said("board.lamp_on"))
        if is_no(answer):
            return bad(said("board.lamp_dark"), said("board.lamp_supply"))
        return bad(
            said("board.another_lamp", other=answer),
            said("board.lamps_exchanged", lamp=name, other=answer),
        )

    return _with_board(session, look)


def _opens(session: Session) -> Finding:
    if not is_yes(session.ask("boom", said("board.boom_will_rise"))):
        return skipped(said("board.boom_not_moved"))
    return _with_board(session, lambda bus, io: BoomWalk(session, bus, io).opens_and_closes())
