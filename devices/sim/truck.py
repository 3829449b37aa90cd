"""The physics of one truck on one axis, and what its driver does. Pure: time is an argument.

The axis is in meters along the lane, growing in the direction of travel. From left to right:
entry loop, rear beam, platform, front beam, exit loop with the boom above its middle::

     entry loop   rear                  platform                  front   boom
     -4 ===== -2    0 |0.2 ------------------------------- 18.2|   18.4    20
                                                stop line 17.7 ^       19 ==|== 21.5
                                                                        exit loop

Weight. Each axle brings its share of the mass onto the platform as its tire patch rolls over the
edge. A loaded platform swings: 2 % of the load while the truck moves and when it stops, then
dying away exponentially, so that `settle_s` after the wheels came to rest swing and noise
together stay within one division of the scale, peak to peak. An empty platform weighs exactly 0.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum

Span = tuple[float, float]

TIRE_PATCH_M = 0.3
SWING_SHARE = 0.02
REST_SWING_DIVISIONS = 0.6  # peak to peak, settle_s after the stop; with the noise below one
NOISE_DIVISIONS = 0.2  # either side
ARRIVED_M = 1e-3
CRAWL_MPS = 0.4
HARD_BRAKING = 2.5  # times the acceleration
CARD_AFTER_S = 0.3  # from wheels at rest to the card on the reader
BOOM_GAP_M = 0.5  # where a driver stops before a boom that comes down in front of him
FOLLOWS_M = 0.2  # how close a second vehicle drives up
FOLLOWER_ON_M = 1.4  # of its front over the rear beam: its first axle is on the platform
MAX_STEP_S = 0.02  # at 8 m/s 16 cm: a loop of 2 m cannot be stepped over


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneGeometry:
    """Where things are, in meters. Loops and the platform are spans, beams and lines points."""

    waiting_line_m: float = -5.0
    entry_loop: Span = (-4.0, -2.0)
    rear_beam_m: float = 0.0
    platform: Span = (0.2, 18.2)
    stop_line_m: float = 17.7
    front_beam_m: float = 18.4
    exit_loop: Span = (19.0, 21.5)
    boom_m: float = 20.0
    camera_view: Span = (-5.5, 18.9)  # the camera shows the plate while the truck's front is here

    @property
    def longest_m(self) -> float:
        """The longest truck that stands wholly between the two beams."""
        return self.stop_line_m - max(self.rear_beam_m, self.platform[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Axle:
    """One axle: meters behind the front bumper, and its share of the gross weight (0..1)."""

    behind_front_m: float
    share: float


FIVE_AXLES = (
    Axle(behind_front_m=1.4, share=0.14),
    Axle(behind_front_m=4.9, share=0.26),
    Axle(behind_front_m=11.6, share=0.20),
    Axle(behind_front_m=12.9, share=0.20),
    Axle(behind_front_m=14.2, share=0.20),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TruckSpec:
    """One truck and its driver's habits.

    `card_after_s` is the time from wheels at rest to the card on the reader. `patience_s` is how
    long the driver stands at the stop line before backing out by himself; infinite by default.
    The same spec and seed give the same run to the digit.
    """

    gross_kg: float
    length_m: float = 16.0
    axles: tuple[Axle, ...] = FIVE_AXLES
    cruise_mps: float = 4.0
    accel_mps2: float = 1.4
    settle_s: float = 2.0
    swing_hz: float = 1.6
    division_kg: float = 20.0
    card_after_s: float = CARD_AFTER_S
    patience_s: float = math.inf
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.axles or abs(sum(axle.share for axle in self.axles) - 1.0) > 1e-6:
            raise ValueError("truck: the axle shares must add up to 1")
        if any(not 0.0 <= axle.behind_front_m <= self.length_m for axle in self.axles):
            raise ValueError(f"truck: an axle lies outside the {self.length_m} m of the truck")
        if min(self.gross_kg, self.cruise_mps, self.accel_mps2, self.settle_s) <= 0:
            raise ValueError("truck: weight, speed, acceleration and settling must be positive")


FOLLOWER = TruckSpec(
    gross_kg=900.0,
    length_m=2.4,
    axles=(Axle(behind_front_m=0.3, share=0.5), Axle(behind_front_m=1.8, share=0.5)),
)
"""A light vehicle that comes in close behind a truck."""


class TruckPhase(StrEnum):
    """What the driver is doing."""

    WAITING = "waiting"  # at the line before the entry loop, for the entry lamp
    ENTERING = "entering"
    STOPPED = "stopped"  # at the stop line, wheels at rest
    LEAVING = "leaving"
    REVERSING = "reversing"
    GONE_BY_EXIT = "gone_by_exit"
    GONE_BY_ENTRY = "gone_by_entry"


GONE = (TruckPhase.GONE_BY_EXIT, TruckPhase.GONE_BY_ENTRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the driver can see from the cab."""

    entry_green: bool
    exit_green: bool
    boom_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Which of the lane's loops and beams a truck occupies or cuts."""

    entry_loop: bool = False
    rear_beam: bool = False
    front_beam: bool = False
    exit_loop: bool = False


class Truck:
    """One truck in one lane, moved by `advance`. Used by one thread.

    While it `stops_short` its driver halts with the last axle before the platform; later he rolls
    on to the line.
    """

    def __init__(self, spec: TruckSpec, geometry: LaneGeometry) -> None:
        if spec.length_m > geometry.longest_m:
            raise ValueError(
                f"truck: {spec.length_m} m do not fit between the beams ({geometry.longest_m} m)"
            )
        self.spec = spec
        self.geometry = geometry
        self.phase = TruckPhase.WAITING
        self.stops_short = False
        self.front_m = geometry.waiting_line_m
        self.speed_mps = 0.0  # signed: negative when reversing
        self.standing_s = 0.0  # since the wheels came to rest at the stop line
        self._random = random.Random(spec.seed)
        self._swing_s = 0.0
        self._still_s = math.inf
        self._sight = Sight(entry_green=False, exit_green=False, boom_up=False)
        self._noise = 0.0

    @property
    def rear_m(self) -> float:
        """Where the rear bumper is."""
        return self.front_m - self.spec.length_m

    @property
    def is_gone(self) -> bool:
        """True once the truck has left the lane at either end."""
        return self.phase in GONE

    @property
    def _halt_m(self) -> float:
        """Where the driver means to stop."""
        lane = self.geometry
        if not self.stops_short:
            return lane.stop_line_m
        last = max(axle.behind_front_m for axle in self.spec.axles)
        return min(lane.stop_line_m, lane.platform[0] - TIRE_PATCH_M + last)

    def follow(self, other: Truck) -> None:
        """Stand or roll close behind `other`, no further than with the first axle weighed."""
        furthest_m = self.geometry.rear_beam_m + FOLLOWER_ON_M
        self.front_m = min(other.rear_m - FOLLOWS_M, furthest_m)

    def covers(self, start_m: float, end_m: float) -> bool:
        """Whether any part of the truck is over `start_m`..`end_m`."""
        return self.front_m >= start_m and self.rear_m <= end_m

    def occupancy(self) -> Occupancy:
        """The loops and beams this truck occupies now."""
        if self.is_gone:
            return Occupancy()
        lane = self.geometry
        return Occupancy(
            entry_loop=self.covers(*lane.entry_loop),
            rear_beam=self.covers(lane.rear_beam_m, lane.rear_beam_m),
            front_beam=self.covers(lane.front_beam_m, lane.front_beam_m),
            exit_loop=self.covers(*lane.exit_loop),
        )

    def load_kg(self) -> float:
        """The weight of the axles on the platform, without swing or noise."""
        start_m, end_m = self.geometry.platform
        share = 0.0
        for axle in self.spec.axles:
            at_m = self.front_m - axle.behind_front_m
            inside_m = min(at_m - start_m, end_m - at_m) + TIRE_PATCH_M / 2
            share += axle.share * min(1.0, max(0.0, inside_m / TIRE_PATCH_M))
        return self.spec.gross_kg * share

    def weight_kg(self) -> float:
        """What the platform feels now, with swing and noise; exactly 0 when nothing is on it."""
        load_kg = self.load_kg()
        if load_kg == 0.0:
            return 0.0
        swing_kg = self._swing_envelope_kg(load_kg) * math.sin(
            2 * math.pi * self.spec.swing_hz * self._swing_s
        )
        return load_kg + swing_kg + self._noise * self.spec.division_kg

    def turn_back(self) -> None:
        """Tell the driver to back out through the entry. Ignored once he is driving out."""
        match self.phase:
            case TruckPhase.WAITING | TruckPhase.ENTERING | TruckPhase.STOPPED:
                self.phase = TruckPhase.REVERSING
            case _:
                return

    def advance(self, duration_s: float, sight: Sight) -> None:
        """Let `duration_s` seconds pass while the driver sees `sight`."""
        self._sight = sight
        while duration_s > 0 and not self.is_gone:
            step_s = min(MAX_STEP_S, duration_s)
            duration_s -= step_s
            self._decide(step_s)
            self._move(step_s)
            self._swing(step_s)

    def _decide(self, step_s: float) -> None:
        sight = self._sight
        match self.phase:
            case TruckPhase.WAITING if sight.entry_green:
                self.phase = TruckPhase.ENTERING
            case TruckPhase.STOPPED:
                self.standing_s += step_s
                if sight.boom_up and sight.exit_green:
                    self.phase = TruckPhase.LEAVING
                elif self.standing_s > self.spec.patience_s:
                    self.phase = TruckPhase.REVERSING
                elif self._halt_m > self.front_m + ARRIVED_M:
                    self.phase, self.standing_s = TruckPhase.ENTERING, 0.0
            case _:
                return

    def _move(self, step_s: float) -> None:
        lane = self.geometry
        match self.phase:
            case TruckPhase.ENTERING:
                halt_m = self._halt_m
                self._drive(halt_m - self.front_m, step_s, stop_there=True)
                if abs(halt_m - self.front_m) < ARRIVED_M:
                    self.front_m, self.speed_mps = halt_m, 0.0
                    self.phase = TruckPhase.STOPPED
            case TruckPhase.LEAVING:
                to_boom_m = lane.boom_m - BOOM_GAP_M - self.front_m
                must_brake = not self._sight.boom_up and to_boom_m > -BOOM_GAP_M
                self._drive(
                    max(0.0, to_boom_m) if must_brake else math.inf, step_s, stop_there=must_brake
                )
                if self.rear_m > lane.exit_loop[1] + 1.0:
                    self.phase = TruckPhase.GONE_BY_EXIT
            case TruckPhase.REVERSING:
                self._drive(-math.inf, step_s, stop_there=False)
                if self.front_m < lane.entry_loop[0] - 0.5:
                    self.phase = TruckPhase.GONE_BY_ENTRY
            case _:
                self.speed_mps = 0.0

    def _drive(self, distance_m: float, step_s: float, *, stop_there: bool) -> None:
        """Accelerate towards `distance_m` ahead (negative: backwards), braking in time for it."""
        accel = self.spec.accel_mps2
        top_mps = self.spec.cruise_mps if distance_m > 0 else self.spec.cruise_mps / 2
        if stop_there:
            top_mps = min(top_mps, math.sqrt(2 * accel * abs(distance_m)))
        wanted_mps = math.copysign(top_mps, distance_m)
        slows = abs(wanted_mps) < abs(self.speed_mps) or wanted_mps * self.speed_mps < 0
        most_mps = accel * step_s * (HARD_BRAKING if slows else 1.0)
        self.speed_mps += max(-most_mps, min(most_mps, wanted_mps - self.speed_mps))
        moved_m = self.speed_mps * step_s
        if stop_there and abs(self.speed_mps) < CRAWL_MPS and abs(moved_m) > abs(distance_m):
            self.speed_mps, moved_m = 0.0, distance_m
        self.front_m += moved_m

    def _swing(self, step_s: float) -> None:
        self._swing_s += step_s
        self._still_s = 0.0 if self.speed_mps else self._still_s + step_s
        self._noise = self._random.uniform(-NOISE_DIVISIONS, NOISE_DIVISIONS)

    def _swing_envelope_kg(self, load_kg: float) -> float:
        """Half the swing, peak to peak: full while rolling, `settle_s` after it at rest."""
        full_kg = SWING_SHARE * load_kg
        rest_kg = REST_SWING_DIVISIONS * self.spec.division_kg / 2
        if full_kg <= rest_kg:
            return full_kg
        decay = math.log(full_kg / rest_kg) / self.spec.settle_s
        return full_kg * math.exp(-decay * self._still_s)
