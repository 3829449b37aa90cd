"""Bringing into service the board with loops, beams, lamps and boom."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, good, is_no, is_yes, skipped
from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.readings import Lamp
from devices.sim.lane_world import SENSORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.bench.bring_up import Session
    from devices.readings import LaneInputs

ADDRESSES = range(1, 17)
BAUDS = (4_800, 9_600, 19_200, 38_400, 115_200)
POLL_S = 0.05
BOOM_S = 8.0

_TO_DO = {
    "entry_loop": "put metal on the entry loop",
    "front_beam": "cover the front beam",
    "rear_beam": "cover the rear beam",
    "exit_loop": "put metal on the exit loop",
    "emergency_stop": "press the emergency stop",
}


def board_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for the board."""
    sensors = [
        BringUpStep(name=sensor.replace("_", " "), look=partial(_sees, session, sensor, what))
        for sensor, what in _TO_DO.items()
    ]
    lamps = [
        BringUpStep(name=lamp.value.replace("_", " "), look=partial(_lights, session, lamp))
        for lamp in Lamp
    ]
    return (
        BringUpStep(name="answer", look=partial(_answers, session)),
        BringUpStep(name="at rest", look=partial(_rests, session)),
        *sensors,
        *lamps,
        BringUpStep(name="boom", look=partial(_opens, session)),
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
    try:
        return _with_board(session, lambda _bus, io: good(f"{place}: {_on(io.read())}"))
    except RemoteProtocolError as exc:
        return bad(
            str(exc),
            "exception 2: this board has fewer terminals: set bus.board to its map",
            "exception 1: it is of another kind: set bus.board to its map",
        )
    except LinkDown as exc:
        if bus.transport == "tcp":
            return bad(str(exc), "its address and mask, port 502, the network cable, its supply")
        return bad(str(exc), "the name under /dev/kakou, the converter, the lane that holds it")
    except DeviceTimeout as exc:
        return bad(str(exc), *_why_silent(session))


def _why_silent(session: Session) -> tuple[str, ...]:
    """Try other addresses and baud rates before the wires are blamed."""
    bus = session.config.bus
    for device_id in ADDRESSES:
        if device_id != bus.device_id and _is_heard(session, device_id=device_id):
            return (f"it answers as number {device_id}: set bus.device_id = {device_id}",)
    if bus.transport == "rtu":
        for baud in BAUDS:
            if baud != bus.baud and _is_heard(session, baud=baud):
                return (f"it answers at {baud} baud: set bus.baud = {baud}",)
    return (
        "A and B swapped: exchange the two wires",
        "parity: the board must have 8 data bits, no parity, 1 stop bit",
        "another number than 1 to 16: see its switches; no supply",
    )


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
            return bad(_on(inputs), "both limits are made: one is normally closed, or bridged")
        if inputs.barrier_up:
            return bad(_on(inputs), "the boom is up, or the two limit switches are exchanged")
        if not inputs.barrier_down:
            return bad(
                _on(inputs),
                "the down limit is not made: its wire, or it is normally closed",
                "nothing is on: 24 V is missing, or is on the wrong common of the inputs",
            )
        others = [sensor for sensor in on if sensor != "barrier_down"]
        if len(others) >= 4:  # noqa: PLR2004 - that many at once are one cause
            return bad(_on(inputs), "24 V is on the wrong common: everything reads the other way")
        if others:
            return bad(
                _on(inputs),
                f"{others[0]} is on over an empty lane: a normally closed contact that is not in"
                " bus.normally_closed, or something is in the beam",
            )
        return good(_on(inputs))

    return _with_board(session, look)


def _sees(session: Session, sensor: str, what: str) -> Finding:
    question = f"{what} within {session.wait_s:g} s; Enter starts, or skip: "
    if session.ask(sensor, question) == SKIP:
        return skipped("nobody does it")

    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        clock, first = session.clock, io.read()
        until_s = clock.now().mono_s + session.wait_s
        while clock.now().mono_s < until_s:
            now = io.read()
            changed = [one for one in SENSORS if getattr(now, one) != getattr(first, one)]
            if changed == [sensor]:
                if getattr(now, sensor):
                    return good("on")
                return bad("it goes off", "normally closed: add its terminal to normally_closed")
            if changed:
                return bad(
                    f"{', '.join(changed)} changed",
                    f"its wire is on the terminal of {changed[0]}",
                )
            clock.sleep(POLL_S)
        return bad(
            f"nothing changed in {session.wait_s:g} s",
            "the wire, the detector's supply, its sensitivity, the common of the inputs",
        )

    return _with_board(session, look)


def _lights(session: Session, lamp: Lamp) -> Finding:
    def look(_bus: ModbusBus, io: LaneIo) -> Finding:
        io.set_lamp(lamp, on=True)
        try:
            if lamp not in io.relays().lamps:
                return bad("its relay does not close", "the board's relay supply; a welded relay")
            said = session.ask(lamp.value, f"is {lamp.value} on? y, n or the one that is: ")
        finally:
            io.set_lamp(lamp, on=False)
        if said == SKIP:
            return skipped("its relay closes; nobody looks at the lamp")
        if is_yes(said):
            return good("its relay closes, it is on")
        if is_no(said):
            return bad("its relay closes, it is dark", "the lamp's supply, its common, the lamp")
        return bad(f"{said} is on", f"{lamp.value} and {said} are exchanged at the relays")

    return _with_board(session, look)


def _opens(session: Session) -> Finding:
    question = "THE BOOM WILL RISE. Nobody under it, lane closed off? y or skip: "
    if not is_yes(session.ask("boom", question)):
        return skipped("the boom was not moved")

    def look(bus: ModbusBus, io: LaneIo) -> Finding:
        board = board_of(session.config.bus)
        bus.pulse_coil(board.raise_coil, session.config.barrier.pulse_s)
        up_s = _wait(session, io, lambda inputs: inputs.barrier_up and not inputs.barrier_down)
        if up_s is None:
            inputs = io.read()
            if inputs.barrier_down:
                return bad(
                    "it did not move",
                    "the raise contact is on another relay, or raise and lower are exchanged",
                    "the barrier is set to manual, or its own safety loop is occupied",
                )
            return bad(_on(inputs), "the up limit is not made: its wire or its cam")
        if not is_yes(session.ask("boom_down", "may it come down? y: ")):
            return good(f"up after {up_s:.1f} s, left up")
        bus.pulse_coil(board.lower_coil, session.config.barrier.pulse_s)
        down_s = _wait(session, io, lambda inputs: inputs.barrier_down and not inputs.barrier_up)
        if down_s is None:
            return bad(_on(io.read()), "the lower contact is on another relay, or the loop is on")
        limit_s = session.config.barrier.travel_max_s
        if max(up_s, down_s) > limit_s:
            return bad(
                f"up {up_s:.1f} s, down {down_s:.1f} s",
                f"slower than barrier.travel_max_s = {limit_s:g}: the lane will call it a fault",
            )
        return good(f"up after {up_s:.1f} s, down after {down_s:.1f} s")

    return _with_board(session, look)


def _wait(session: Session, io: LaneIo, is_so: Callable[[LaneInputs], bool]) -> float | None:
    began_s = session.clock.now().mono_s
    while (took_s := session.clock.now().mono_s - began_s) < BOOM_S:
        if is_so(io.read()):
            return took_s
        session.clock.sleep(POLL_S)
    return None


def _on(inputs: LaneInputs) -> str:
    on = [sensor for sensor in SENSORS if getattr(inputs, sensor)]
    return f"inputs on: {', '.join(on) or 'none'}"
