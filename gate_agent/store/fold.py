"""Folding a journal: the state that its events lead to (invariant I7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.lane import step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gate_agent.domain.events import Stamped
    from gate_agent.domain.state import LaneState


def fold(base: LaneState, events: Iterable[Stamped]) -> LaneState:
    """The lane after every event in order, starting from `base`."""
    lane = base
    for stamped in events:
        lane = step(lane, stamped.event, stamped.at).lane
    return lane
