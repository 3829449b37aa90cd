"""Tags and container numbers: nobody asks for them, they are kept as they come."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.containers import is_container_number, normalize_container
from gate_agent.domain.effects import Ignored
from gate_agent.domain.events import ContainersRead, TagRead
from gate_agent.domain.evidence import ContainerEvidence, TagEvidence, since_arrival_ms
from gate_agent.domain.state import LaneState, Step
from gate_agent.domain.vocabulary import Instant, Phase

CONTAINERS_MAX = 8
"""More than fit on a truck: a camera that goes on naming others does not fill the record."""


def take_tag(lane: LaneState, event: TagRead, at: Instant) -> Step:
    """Keep every tag that is seen while a vehicle's evidence is being gathered."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane, (Ignored(why="no vehicle is being checked"),))
    if at.mono_s < passage.arrived_at.mono_s:
        return Step(lane, (Ignored(why="tag seen before the vehicle arrived"),))
    known = passage.tag
    if known is None:
        tag = TagEvidence(
            tag_id=event.tag_id, since_arrival_ms=since_arrival_ms(passage.arrived_at, at)
        )
    elif event.tag_id in (known.tag_id, *known.others):
        return Step(lane)
    else:
        tag = replace(known, others=(*known.others, event.tag_id))
    return Step(replace(lane, passage=replace(passage, tag=tag)))


def take_containers(lane: LaneState, event: ContainersRead, at: Instant) -> Step:
    """Keep every container number that is read while evidence is gathered, if it is one."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane, (Ignored(why="no vehicle is being checked"),))
    if at.mono_s < passage.arrived_at.mono_s:
        return Step(lane, (Ignored(why="container read before the vehicle arrived"),))
    known = passage.containers
    before = known.numbers if known else ()
    read = [normalize_container(text) for text in event.numbers]
    numbers = tuple(dict.fromkeys((*before, *filter(is_container_number, read))))[:CONTAINERS_MAX]
    if numbers == before:
        return Step(lane)
    seen = ContainerEvidence(
        numbers=numbers,
        since_arrival_ms=known.since_arrival_ms
        if known
        else since_arrival_ms(passage.arrived_at, at),
    )
    return Step(replace(lane, passage=replace(passage, containers=seen)))
