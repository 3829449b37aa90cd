"""The boom's step of the board's walk: up, and down again where a person says so.

The lane's own driver moves it, with its interlock. Before it comes down and while it does, the loop
under it, the beam before it and the emergency stop are looked at besides: whatever comes on, and an
input that cannot be read, raises it again. Where it is left up the board is not in service.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from devices.barrier.driver import Barrier
from devices.bench.bring_up import Finding, bad, good, is_yes, log_text
from devices.bench.wording import said
from devices.errors import CommandRefused, DeviceError
from devices.lane_io.registers import board_of
from devices.readings import BarrierPosition
from devices.sim.lane_world import SENSORS
from devices.texts import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.bench.bring_up import Session
    from devices.lane_io.driver import LaneIo
    from devices.modbus import ModbusBus
    from devices.readings import LaneInputs
    from devices.texts import Said

POLL_S = 0.05
BOOM_S = 8.0
RAISE_AGAIN_S = 5.0  # how long raising is tried at a board that does not answer
IN_THE_WAY = ("exit_loop", "front_beam", "emergency_stop", "manual_switch")
ALWAYS_S = float("inf")


class BoomWalk:
    """The boom, up and down once. A person has said that it may rise."""

    def __init__(self, session: Session, bus: ModbusBus, io: LaneIo) -> None:
        """Look at the inputs. Raises `DeviceError`."""
        config = session.config
        self._session = session
        self._clock = session.clock
        self._bus = bus
        self._io = io
        self._barrier = Barrier(bus, session.clock, config.barrier, board_of(config.bus))
        self._seen = self._look()

    def opens_and_closes(self) -> Finding:
        """Whether it does both, as fast as the lane will want it."""
        self._barrier.raise_boom("up", ALWAYS_S)
        up_s = self._until(self._is_up)
        if up_s is None:
            return self._did_not_rise()
        if not is_yes(self._session.ask("boom_down", said("board.may_come_down"))):
            return bad(said("board.left_up", up_s=up_s), said("board.stands_open"))
        down_s = self._comes_down()
        if isinstance(down_s, Finding):
            return down_s
        limit_s = self._session.config.barrier.travel_max_s
        if max(up_s, down_s) > limit_s:
            return bad(
                said("board.took", up_s=up_s, down_s=down_s),
                said("board.too_slow", limit_s=limit_s),
            )
        return good(said("board.up_and_down", up_s=up_s, down_s=down_s))

    def _did_not_rise(self) -> Finding:
        if self._seen.barrier_down:
            advice = said("board.raise_relay"), said("board.barrier_refuses")
            return bad(said("board.did_not_move"), *advice)
        return bad(inputs_on(self._seen), said("board.no_up_limit"))

    def _comes_down(self) -> float | Finding:
        """How long it took; or why it did not come down."""
        try:
            if on := _in_the_way(self._look()):  # read anew: a person's answer takes a while
                sensors = listed(map(sensor_name, on))
                return bad(said("board.not_lowered", sensors=sensors), said("board.stands_open"))
        except DeviceError as exc:
            return bad(log_text(exc), said("board.stands_open"))
        try:
            self._barrier.lower_boom("down", self._seen)
            took_s = self._until(lambda now: self._is_down(now) or bool(_in_the_way(now)))
        except CommandRefused as exc:
            return bad(log_text(exc), said("board.stands_open"))
        except DeviceError as exc:
            return bad(log_text(exc), self._raised_again())
        except BaseException:  # whoever breaks off has seen something, too
            self._raised_again()
            raise
        if took_s is None:
            return bad(inputs_on(self._seen), said("board.lower_relay"))
        if self._is_down(self._seen):
            return took_s
        sensors = listed(map(sensor_name, _in_the_way(self._seen)))
        return bad(said("board.came_on", sensors=sensors), self._raised_again())

    def _raised_again(self) -> Said:
        """Raise it, also at a board that is away for a moment; where it stands then."""
        until_s = self._clock.now().mono_s + RAISE_AGAIN_S
        while self._clock.now().mono_s < until_s:
            try:
                self._barrier.raise_boom("again", ALWAYS_S)
                if self._until(self._is_up) is not None:
                    return said("board.raised_again")
            except DeviceError:
                self._clock.sleep(POLL_S)
                with contextlib.suppress(DeviceError):
                    self._bus.open()
        return said("board.stands_anywhere")

    def _until(self, is_so: Callable[[LaneInputs], bool]) -> float | None:
        """After how many seconds it was so; None: not within `BOOM_S`."""
        began_s = self._clock.now().mono_s
        while (took_s := self._clock.now().mono_s - began_s) < BOOM_S:
            if is_so(self._look()):
                return took_s
            self._clock.sleep(POLL_S)
        return None

    def _is_up(self, inputs: LaneInputs) -> bool:
        """A limit counts once it has held: so long the driver calls the boom opening."""
        return inputs.barrier_up and self._barrier.position is BarrierPosition.OPEN

    def _is_down(self, inputs: LaneInputs) -> bool:
        return inputs.barrier_down and self._barrier.position is BarrierPosition.CLOSED

    def _look(self) -> LaneInputs:
        self._seen = self._io.read()
        self._barrier.observe(self._seen)
        return self._seen


def _in_the_way(inputs: LaneInputs) -> tuple[str, ...]:
    return tuple(sensor for sensor in IN_THE_WAY if getattr(inputs, sensor))


def inputs_on(inputs: LaneInputs) -> Said:
    """Which inputs are on, in a person's words."""
    on = listed(sensor_name(sensor) for sensor in SENSORS if getattr(inputs, sensor))
    return said("board.inputs", sensors=on if on.en else said("board.no_input"))


def sensor_name(sensor: str) -> Said:
    """What a person calls it."""
    return said(f"sensor.{sensor}")
