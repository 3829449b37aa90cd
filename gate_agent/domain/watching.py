"""What a person must look at now: alarms that change nothing in the lane."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.effects import Record
from gate_agent.domain.evidence import WeightEvidence
from gate_agent.domain.records import Alarm, AlarmRaised
from gate_agent.domain.state import LaneState, Step
from gate_agent.domain.vocabulary import Phase, WeightState


def alarm(lane: LaneState, code: Alarm) -> Step:
    """Report it, with the passage that is open."""
    passage_id = lane.passage.passage_id if lane.passage else None
    return Step(lane, (Record(body=AlarmRaised(code=code, passage_id=passage_id)),))


def watch_weight(lane: LaneState) -> Step:
    """An alarm where the weight changed between the verdict and the boom being up."""
    passage = lane.passage
    if (
        lane.phase is not Phase.RELEASING
        or passage is None
        or passage.weight is None
        or passage.weight.within_kg > 0  # `noticing` follows it
        or passage.timeline.boom_up is not None
        or passage.weight_alarmed
        or not _is_another_weight(lane, passage.weight)
    ):
        return Step(lane)
    lane = replace(lane, passage=replace(passage, weight_alarmed=True))
    return alarm(lane, Alarm.WEIGHT_CHANGED)


def _is_another_weight(lane: LaneState, judged: WeightEvidence) -> bool:
    """Whether the platform is empty, or rests at another weight than the one that was judged."""
    if lane.weight_state is WeightState.EMPTY:
        return True
    if lane.weight_state is not WeightState.SETTLED or lane.weight_kg is None:
        return False
    return abs(lane.weight_kg - judged.gross_kg) > 2 * judged.division_kg


def watch_tailgating(lane: LaneState) -> Step:
    """An alarm at the first sign of a second vehicle behind the released one.

    It is in the rear beam; or, once exit loop and front beam were both clear behind the released
    vehicle, in the front beam or on the exit loop again. The gap between tractor and trailer is
    none: then the trailer still cuts the front beam.
    """
    passage, inputs = lane.passage, lane.inputs
    if lane.phase not in (Phase.RELEASING, Phase.CLEARING) or passage is None:
        return Step(lane)
    follows = passage.rear_beam_passed and inputs.rear_beam is True
    comes_again = inputs.exit_loop is True or inputs.front_beam is True
    if not passage.tailgated and (follows or (passage.way_was_clear and comes_again)):
        lane = replace(lane, passage=replace(passage, tailgated=True))
        return alarm(lane, Alarm.TAILGATING)
    if passage.exit_seen and inputs.exit_loop is False and inputs.front_beam is False:
        lane = replace(lane, passage=replace(passage, way_was_clear=True))
    return Step(lane)
