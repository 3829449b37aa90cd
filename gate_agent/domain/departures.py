"""Who left this lane lately: for a lane that is alone, the only memory of a plate."""

from __future__ import annotations

from dataclasses import replace
from statistics import median_low

from gate_agent.domain.evidence import KnownEmpty, Sighting, present_ms
from gate_agent.domain.identity import named_plate
from gate_agent.domain.manifest import Kind
from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.state import Departure, LaneState, Passage
from gate_agent.domain.vocabulary import Instant

KEPT = 64
LATELY_MS = 600_000
"""A plate that left longer ago than this says nothing about one that comes."""


def note_departure(lane: LaneState, passage: Passage, at: Instant) -> LaneState:
    """Remember a vehicle that has left by the exit."""
    plate = named_plate(passage.plate, lane.pack) if passage.plate else None
    if plate is None:
        return lane
    departure = Departure(
        passage_id=passage.passage_id,
        plate=normalize_plate(plate),
        at=at,
        empty_kg=_empty_kg(passage),
    )
    return replace(lane, departures=(*lane.departures, departure)[-KEPT:])


def _empty_kg(passage: Passage) -> int | None:
    declaration = passage.verdict.declaration if passage.verdict else None
    weight = passage.weight
    if declaration is None or declaration.kind is not Kind.EMPTY or weight is None:
        return None
    return weight.gross_kg if weight.within_kg == 0 else None


def seen_here(lane: LaneState, passage: Passage) -> tuple[Sighting, ...]:
    """When this plate left this lane lately."""
    found = [
        Sighting(
            lane=lane.lane_id,
            passage_id=each.passage_id,
            gap_ms=present_ms(each.at, passage.arrived_at),
        )
        for each in _of_this_plate(lane, passage)
    ]
    return tuple(each for each in found if each.gap_ms is None or each.gap_ms <= LATELY_MS)


def known_empty(lane: LaneState, passage: Passage) -> KnownEmpty | None:
    """What this plate weighed here when it was empty."""
    weighed = [each.empty_kg for each in _of_this_plate(lane, passage) if each.empty_kg is not None]
    return KnownEmpty(kg=median_low(weighed), times=len(weighed)) if weighed else None


def _of_this_plate(lane: LaneState, passage: Passage) -> list[Departure]:
    plate = named_plate(passage.plate, lane.pack) if passage.plate else None
    if plate is None:
        return []
    wanted = normalize_plate(plate)
    return [each for each in lane.departures if each.plate == wanted]
