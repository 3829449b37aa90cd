"""Which trucks come, and the truth about each. Seeded; knows nothing of what a lane believes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from models.synth.plate_pictures import random_plate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.lpr.plates import PlateClass


class Kind(StrEnum):
    """What is the matter with a truck."""

    FAULTLESS = "faultless"
    NO_DECLARATION = "no declaration"
    WRONG_WEIGHT = "wrong weight"
    OTHER_CARD = "card of another vehicle"
    UNREADABLE = "unreadable plate"
    HOLD_ORDER = "hold order"


MAY_LEAVE = frozenset({Kind.FAULTLESS, Kind.UNREADABLE})
"""Trucks that may go through the exit; an unreadable plate needs a person to say so."""

_SHARES = {
    Kind.FAULTLESS: 0.72,
    Kind.NO_DECLARATION: 0.07,
    Kind.WRONG_WEIGHT: 0.06,
    Kind.OTHER_CARD: 0.05,
    Kind.UNREADABLE: 0.05,
    Kind.HOLD_ORDER: 0.05,
}
_FAULTLESS_FIRST = 2  # of each lane, so that a newcomer sees a release first
_FIRST_CRUISE_MPS = 5.0  # and its first driver is a brisk one, on a platform that settles soon
SETTLES_S = (1.5, 3.0)
_SPREAD_KG = 150  # an honest truck's fuel and crew


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTrip:
    """One row of the manifest that the port received."""

    declaration_id: str
    plate: str
    card_uid: str
    gross_kg: int
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTruck:
    """One truck as it will come. `declared` are the rows that reach the port before it does."""

    number: int
    lane: str
    kind: Kind
    plate: str
    plate_class: PlateClass
    card_uid: str  # what its driver presents
    gross_kg: float
    settle_s: float
    swing_hz: float
    cruise_mps: float
    seed: int
    declared: tuple[DeclaredTrip, ...]

    @property
    def may_leave(self) -> bool:
        """Whether this truck may go out through the exit."""
        return self.kind in MAY_LEAVE

    @property
    def is_faultless(self) -> bool:
        """Whether the lane itself must release it."""
        return self.kind is Kind.FAULTLESS


def plan(lane: str, seed: int) -> Iterator[PlannedTruck]:
    """The trucks of one lane, for ever. The same lane and seed give the same trucks."""
    lane_number = int.from_bytes(lane.encode(), "big") % (1 << 32)
    rng = np.random.default_rng([seed, lane_number])
    number = 0
    while True:
        number += 1
        truck = _truck(rng, lane, number, seed)
        yield truck if number > 1 else _brisk(truck)


def _brisk(truck: PlannedTruck) -> PlannedTruck:
    return replace(truck, cruise_mps=_FIRST_CRUISE_MPS, settle_s=SETTLES_S[0])


def _truck(rng: np.random.Generator, lane: str, number: int, seed: int) -> PlannedTruck:
    kinds = list(_SHARES)
    drawn = kinds[int(rng.choice(len(kinds), p=list(_SHARES.values())))]
    kind = Kind.FAULTLESS if number <= _FAULTLESS_FIRST else drawn
    plate, plate_class = random_plate(rng)
    card, other_card = _card(rng), _card(rng)
    declared_kg = int(rng.integers(700, 2_451)) * 20
    gross_kg = declared_kg + float(rng.uniform(-_SPREAD_KG, _SPREAD_KG))
    if kind is Kind.WRONG_WEIGHT:
        gross_kg = declared_kg * float(rng.choice([0.86, 0.955, 1.045, 1.2]))
    trip = DeclaredTrip(
        declaration_id=f"{lane}-{seed}-{number:05d}",
        plate=plate,
        card_uid=card,
        gross_kg=declared_kg,
        holds=("customs",) if kind is Kind.HOLD_ORDER else (),
    )
    return PlannedTruck(
        number=number,
        lane=lane,
        kind=kind,
        plate=plate,
        plate_class=plate_class,
        card_uid=other_card if kind is Kind.OTHER_CARD else card,
        gross_kg=gross_kg,
        settle_s=float(rng.uniform(*SETTLES_S)),
        swing_hz=float(rng.uniform(1.2, 2.2)),
        cruise_mps=float(rng.uniform(3.5, 5.0)),
        seed=int(rng.integers(1 << 31)),
        declared=_declared(rng, kind, trip, other_card),
    )


def _declared(
    rng: np.random.Generator, kind: Kind, trip: DeclaredTrip, other_card: str
) -> tuple[DeclaredTrip, ...]:
    if kind is Kind.NO_DECLARATION:
        return ()
    if kind is Kind.OTHER_CARD:
        other_plate, _ = random_plate(rng)
        other = DeclaredTrip(
            declaration_id=f"{trip.declaration_id}-b",
            plate=other_plate,
            card_uid=other_card,
            gross_kg=trip.gross_kg,
        )
        return trip, other
    return (trip,)


def _card(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(1 << 32)):08X}"
