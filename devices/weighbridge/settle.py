"""When a weight is a weight: the rule that turns an indicator's stream into a settled value. Pure.

Settled means: over at least `settle_s` seconds and five frames the values lay within one scale
division of each other, did not drift faster than one division per second, and no frame had its
motion bit set. The value is then the last one shown. It stays settled until a value lies more
than one division outside the range it settled in, or a frame says motion.

Before it has settled, `SwingBracket` may name an interval in which it must settle; a lane file may
forbid that (`judge_swing`), until a tape of its scale has shown that it holds there.

Everything else is stricter: a gap between frames longer than `stale_s` starts afresh; a frame
that the indicator or the limits declare unusable makes the state INVALID and starts afresh.

An indicator that is frozen repeats a perfect value. In mid swing it is known by that: no swing
stops dead, and what did is no weight until the value changes again. The caller compares
`judged_since_s` with the moment at which the vehicle's tail was on: a weight, or a swing, that
began before then is not its own. What this cannot see is an indicator that freezes where the swing
turns about, or once it has all but died.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import linear_regression
from typing import TYPE_CHECKING

from devices.readings import WeighbridgeReading, WeightStatus
from devices.weighbridge.swing import SwingBracket

if TYPE_CHECKING:
    from devices.config import WeighbridgeConfig

MIN_FRAMES = 5
MAX_FRAMES = 2048  # bounds the window whatever the rate; more frames than this never settle
ZERO_DIVISIONS = 2  # this near to zero the platform counts as empty; further below is an error


class WeightPhase(StrEnum):
    """What the stream says at one moment."""

    EMPTY = "empty"  # settled within two divisions of zero
    MOVING = "moving"
    SETTLED = "settled"
    STALE = "stale"  # no good frame for longer than `stale_s`, or none yet
    INVALID = "invalid"  # `status` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightState:
    """The weighbridge at one moment.

    `gross_kg` is a number in EMPTY and SETTLED only; there it is the last value shown.
    `shown_kg` is the last value shown for a display, None when stale or invalid: never a weight.
    `judged_since_s` is when the oldest reading came that the settled value rests on, in EMPTY and
    SETTLED, or the bracket, in MOVING; how long it has stood there since does not make it younger.
    `bracket_kg` is, while MOVING, the (low, high) in which the load that is on the platform now
    will settle, proved by its swing; None: not proved.
    `since_s` is the monotonic second at which this phase began. `spread_kg` and `span_s` are the
    largest difference of values and the time over `readings`, the frames that were judged, oldest
    first. `status` is OK, or why the state is INVALID.
    """

    phase: WeightPhase
    gross_kg: int | None
    shown_kg: int | None
    spread_kg: int
    span_s: float
    since_s: float
    status: WeightStatus
    readings: tuple[WeighbridgeReading, ...]
    bracket_kg: tuple[int, int] | None = None
    judged_since_s: float = 0.0


class SettleFilter:
    """Judges one indicator's stream. Fed in order of arrival by one thread; reads no clock."""

    def __init__(self, config: WeighbridgeConfig) -> None:
        self._division_kg = config.division_kg
        self._max_kg = config.max_kg
        self._settle_s = config.settle_s
        self._stale_s = config.stale_s
        self._window: deque[WeighbridgeReading] = deque(maxlen=MAX_FRAMES)
        self._settled_range_kg: tuple[int, int] | None = None
        self._settled_since_s = 0.0
        self._swing = SwingBracket(config.division_kg)
        self._judges_swing = config.judge_swing
        self._state: WeightState | None = None
        self._asked_first_s: float | None = None
        self._dead_kg: int | None = None  # where a swing stopped as no swing does

    def feed(self, reading: WeighbridgeReading) -> WeightState:
        """Take the next reading and return the state as of its arrival."""
        if self._window and not 0 <= reading.received_s - self._window[-1].received_s <= (
            self._stale_s
        ):
            self._start_afresh()
        status = self._judge(reading)
        if status is not WeightStatus.OK:
            self._start_afresh()
        self._window.append(reading)
        self._forget_old()
        self._state = self._next_state(reading, status)
        if status is not WeightStatus.OK:
            self._start_afresh()
        return self._state

    def at(self, now_s: float) -> WeightState:
        """The state at `now_s` (monotonic): the last one, or STALE when that is too old."""
        if self._state is None:
            if self._asked_first_s is None:
                self._asked_first_s = now_s
            return _stale((), self._asked_first_s)
        stale_from_s = self._state.readings[-1].received_s + self._stale_s
        if now_s > stale_from_s:
            return _stale(self._state.readings, stale_from_s)
        return self._state

    def _judge(self, reading: WeighbridgeReading) -> WeightStatus:
        if reading.status is not WeightStatus.OK:
            return reading.status
        if reading.gross_kg > self._max_kg:
            return WeightStatus.OVERLOAD
        if reading.gross_kg < -ZERO_DIVISIONS * self._division_kg:
            return WeightStatus.UNDERLOAD
        return WeightStatus.OK

    def _start_afresh(self) -> None:
        self._swing.clear()
        self._window.clear()
        self._settled_range_kg = None
        self._dead_kg = None

    def _forget_old(self) -> None:
        """Keep the shortest tail that still spans `settle_s` and has enough frames."""
        newest_s = self._window[-1].received_s
        while (
            len(self._window) > MIN_FRAMES
            and newest_s - self._window[1].received_s >= self._settle_s
        ):
            self._window.popleft()

    def _next_state(self, reading: WeighbridgeReading, status: WeightStatus) -> WeightState:
        values_kg = [seen.gross_kg for seen in self._window]
        phase = self._phase(reading, status, values_kg)
        bracket_kg = self._swing.feed(reading.gross_kg, reading.received_s)
        previous = self._state
        usable = phase in (WeightPhase.EMPTY, WeightPhase.SETTLED)
        unbroken = (
            previous is not None
            and previous.phase is phase
            and previous.status is status
            and 0 <= reading.received_s - previous.readings[-1].received_s <= self._stale_s
        )
        return WeightState(
            phase=phase,
            gross_kg=reading.gross_kg if usable else None,
            shown_kg=None if phase is WeightPhase.INVALID else reading.gross_kg,
            spread_kg=max(values_kg) - min(values_kg),
            span_s=reading.received_s - self._window[0].received_s,
            since_s=previous.since_s if previous is not None and unbroken else reading.received_s,
            status=status,
            readings=tuple(self._window),
            bracket_kg=bracket_kg if phase is WeightPhase.MOVING and self._judges_swing else None,
            judged_since_s=self._settled_since_s if usable else self._swing.since_s,
        )

    def _phase(
        self, reading: WeighbridgeReading, status: WeightStatus, values_kg: list[int]
    ) -> WeightPhase:
        if status is not WeightStatus.OK:
            return WeightPhase.INVALID
        if self._left_settled_range(reading):
            self._settled_range_kg = None
            return WeightPhase.MOVING
        if self._settled_range_kg is None:
            if not self._is_settled(values_kg) or self._is_dead(reading):
                return WeightPhase.MOVING
            self._settled_range_kg = (min(values_kg), max(values_kg))
            self._settled_since_s = self._window[0].received_s
        near_zero = reading.gross_kg <= ZERO_DIVISIONS * self._division_kg
        return WeightPhase.EMPTY if near_zero else WeightPhase.SETTLED

    def _is_dead(self, reading: WeighbridgeReading) -> bool:
        """Whether a swing stopped as no swing does, and nothing has moved since."""
        if self._dead_kg is None and self._swing.stopped_dead(self._window[0].received_s):
            self._dead_kg = reading.gross_kg
        if self._dead_kg is not None and reading.gross_kg != self._dead_kg:
            self._dead_kg = None
        return self._dead_kg is not None

    def _left_settled_range(self, reading: WeighbridgeReading) -> bool:
        if self._settled_range_kg is None:
            return False
        low_kg, high_kg = self._settled_range_kg
        inside = low_kg - self._division_kg <= reading.gross_kg <= high_kg + self._division_kg
        return reading.motion is True or not inside

    def _is_settled(self, values_kg: list[int]) -> bool:
        times_s = [seen.received_s for seen in self._window]
        if len(times_s) < MIN_FRAMES or times_s[-1] - times_s[0] < self._settle_s:
            return False
        if any(seen.motion is True for seen in self._window):
            return False
        if max(values_kg) - min(values_kg) > self._division_kg:
            return False
        slope_kg_per_s = linear_regression(times_s, values_kg).slope
        return abs(slope_kg_per_s) <= self._division_kg


def _stale(readings: tuple[WeighbridgeReading, ...], since_s: float) -> WeightState:
    return replace(_NOTHING, readings=readings, since_s=since_s)


_NOTHING = WeightState(
    phase=WeightPhase.STALE,
    gross_kg=None,
    shown_kg=None,
    spread_kg=0,
    span_s=0.0,
    since_s=0.0,
    status=WeightStatus.OK,
    readings=(),
)
