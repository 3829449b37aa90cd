"""A vehicle that nothing felt for a while may have gone, and another one may stand in its place."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.arrival import is_felt
from gate_agent.domain.passing import hold
from gate_agent.domain.reasons import Reason
from gate_agent.domain.state import LaneState, Step
from gate_agent.domain.vocabulary import Instant, Phase

SWAP_S = 1.0  # no vehicle leaves the lane and none takes its place within


def follow_hiding(lane: LaneState, at: Instant) -> Step:
    """Note since when nothing feels the vehicle; found again after long, it is a person's.

    What was read of it before may be another vehicle's.
    """
    passage = lane.passage
    if passage is None or lane.phase not in (Phase.GATHERING, Phase.HELD, Phase.TURNING_BACK):
        return Step(lane)
    since = passage.hidden_since
    if is_hidden(lane):
        hidden = replace(passage, hidden_since=since or at)
        return Step(replace(lane, passage=hidden))
    if since is None:
        return Step(lane)
    is_long = since.age_s(at) >= SWAP_S
    is_news = is_long and not passage.interrupted
    passage = replace(passage, hidden_since=None, interrupted=passage.interrupted or is_long)
    lane = replace(lane, passage=passage)
    if not is_news or lane.phase is Phase.GATHERING:
        return Step(lane)
    return hold(lane, Reason.INTERRUPTED, at)


def is_hidden(lane: LaneState) -> bool:
    """Whether loops and beams cannot be read and no vehicle weighs on the scale either."""
    inputs = lane.inputs
    is_blind = None in (inputs.entry_loop, inputs.rear_beam, inputs.front_beam)
    return is_blind and not is_felt(lane)
