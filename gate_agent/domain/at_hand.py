"""What a lane has at hand of a passage: the evidence as a verdict takes it."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.departures import known_empty, seen_here
from gate_agent.domain.evidence import (
    Evidence,
    ManifestEvidence,
    Piece,
    PlateEvidence,
    age_ms,
    present_ms,
)
from gate_agent.domain.state import LaneState, Passage
from gate_agent.domain.vocabulary import Instant


def evidence_of(lane: LaneState, passage: Passage, at: Instant) -> Evidence:
    """The evidence of a passage as a verdict takes it at the moment `at`: in integers."""
    now_ms = present_ms(passage.arrived_at, at)
    confirmed_at = lane.manifest.confirmed_at
    return Evidence(
        passage_id=passage.passage_id,
        lane_id=lane.lane_id,
        arrived_at_ms=passage.arrived_at.wall_ms,
        plate=_aged(passage.plate or _unsure(passage.camera_plate), now_ms),
        camera_plate=_aged(passage.camera_plate, now_ms),
        card=_aged(passage.card, now_ms),
        tag=_aged(passage.tag, now_ms),
        containers=_aged(passage.containers, now_ms),
        weight=_aged(passage.weight, now_ms),
        manifest=ManifestEvidence(
            version=lane.manifest.version,
            age_ms=None if confirmed_at is None else age_ms(confirmed_at, at),
        ),
        faults=lane.faults,
        barrier=lane.barrier,
        mode=lane.mode,
        interrupted=passage.interrupted,
        evacuated=passage.evacuated,
        unexpected=passage.unexpected,
        scale_zeroed=passage.scale_zeroed,
        alone=passage.alone,
        claim=passage.claim.said if passage.claim else None,
        sightings=seen_here(lane, passage),
        known_empty=known_empty(lane, passage),
    )


def _unsure(plate: PlateEvidence | None) -> PlateEvidence | None:
    """What a camera of its own reading says, where the lane read nothing.

    It agrees in none of the lane's frames, so that no policy can take it for sure.
    """
    return plate and replace(plate, frames_agreed=0, frames_seen=0)


def _aged(piece: Piece | None, now_ms: int) -> Piece | None:
    return None if piece is None else replace(piece, age_ms=now_ms - piece.since_arrival_ms)
