"""What the scale says of the vehicle in the lane: a settled weight, or where it must settle."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate_agent.domain.events import WeightObserved
from gate_agent.domain.evidence import WeightEvidence, since_arrival_ms
from gate_agent.domain.state import LaneState, Passage
from gate_agent.domain.vocabulary import Instant, WeightState

LOAD_DIVISIONS: Final = 10  # more than an approaching vehicle makes an empty platform shake


def note_zero(lane: LaneState, passage: Passage, event: WeightObserved) -> Passage:
    """Keep whether the scale was at zero before this vehicle came onto it.

    Zero after it had felt the vehicle, or after a while in which nobody could read it, is a zero
    that was set under the vehicle: what it shows from then on is too little.
    """
    if event.state is WeightState.EMPTY:
        return replace(passage, scale_zeroed=not passage.scale_loaded)
    load_kg = min(lane.policy.min_vehicle_kg, LOAD_DIVISIONS * event.division_kg)
    is_load = event.gross_kg is not None and event.gross_kg >= load_kg
    if passage.rear_beam_cut and (is_load or event.state is WeightState.UNAVAILABLE):
        return replace(passage, scale_loaded=True)
    return passage


def is_wholly_on(lane: LaneState) -> bool:
    """Whether both beams are known to be clear: no axle stands beside the platform."""
    return lane.inputs.front_beam is False and lane.inputs.rear_beam is False


def is_of_the_whole(passage: Passage, event: WeightObserved, at: Instant) -> bool:
    """Whether every reading that was judged came after the vehicle's tail had passed the rear beam.

    A stream that froze while the vehicle rolled on repeats the weight of the axles that were on by
    then, and their swing: it is no weight of this vehicle, however long it stands still. Nor is it
    one where the rear beam saw no tail: one that fails clear would hide an axle beside the scale.
    """
    if passage.tail_at is None:
        return False
    return since_arrival_ms(passage.tail_at, at) >= event.judged_ms


def settled_weight(
    lane: LaneState, passage: Passage, event: WeightObserved, at: Instant
) -> WeightEvidence | None:
    """Settled, a vehicle's weight, moved since the arrival, of all its axles (I6)."""
    if (
        event.state is not WeightState.SETTLED
        or event.gross_kg is None
        or event.gross_kg < lane.policy.min_vehicle_kg
        or not passage.weight_moved
        or not is_wholly_on(lane)
        or not is_of_the_whole(passage, event, at)
    ):
        return None
    return WeightEvidence(
        gross_kg=event.gross_kg,
        division_kg=event.division_kg,
        spread_kg=event.spread_kg,
        window_kg=event.window_kg,
        since_arrival_ms=since_arrival_ms(passage.arrived_at, at),
    )


def swinging_weight(
    lane: LaneState, passage: Passage, event: WeightObserved, at: Instant
) -> WeightEvidence | None:
    """The middle of the interval in which the whole vehicle's weight must settle, and how wide."""
    if (
        event.state is not WeightState.MOVING
        or event.low_kg is None
        or event.high_kg is None
        or not lane.policy.min_vehicle_kg <= event.low_kg < event.high_kg
        or not is_wholly_on(lane)
        or not is_of_the_whole(passage, event, at)
    ):
        return None
    return WeightEvidence(
        gross_kg=(event.low_kg + event.high_kg) // 2,
        division_kg=event.division_kg,
        spread_kg=event.spread_kg,
        window_kg=event.window_kg,
        within_kg=-((event.low_kg - event.high_kg) // 2),
        since_arrival_ms=since_arrival_ms(passage.arrived_at, at),
    )
