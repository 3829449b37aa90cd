"""When the fault of a scenario comes and goes, by what the lane has committed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.vocabulary import Barrier
from gate_agent.domain.vocabulary import Phase as LanePhase
from hil_tests.lane_bench.scenario import UNDECIDED, Phase

if TYPE_CHECKING:
    from gate_agent.domain.state import LaneState

LASTS_S = 2.6  # a fault of the boom's phases
AFTER_VERDICT_S = 0.5
TOLD_S = 1.2  # a fault before the truck lasts at least so long
NOT_LET_IN_S = 3.0


def has_come(
    phase: Phase | None, state: LaneState, *, has_stopped: bool, under_load: bool = False
) -> bool:
    """Whether the moment for the fault is there. BEFORE is not seen here: it comes by itself.

    `under_load`: not before the scale has felt a vehicle's weight.
    """
    match phase:
        case Phase.ROLLING_ON:
            is_felt = state.passage is not None and state.passage.scale_loaded
            is_rolling = state.phase is LanePhase.GATHERING and not has_stopped
            return is_rolling and (is_felt or not under_load)
        case Phase.CAPTURING:
            return state.phase is LanePhase.GATHERING and has_stopped
        case Phase.HELD:
            return state.phase is LanePhase.HELD
        case Phase.RISING:
            return state.barrier in (Barrier.OPENING, Barrier.OPEN)
        case Phase.PASSING:
            return state.barrier is Barrier.OPEN and state.inputs.exit_loop is True
        case Phase.CLOSING:
            return state.barrier is Barrier.CLOSING
        case _:
            return False


def is_over(
    phase: Phase | None,
    lasted_s: float,
    *,
    has_passage: bool,
    since_verdict_s: float | None,
    since_decided_s: float | None,
    gather_timeout_s: float,
) -> bool:
    """Whether a harmful fault has lasted as long as its phase asks for."""
    if phase in UNDECIDED:
        if since_verdict_s is not None:
            return since_verdict_s > AFTER_VERDICT_S
        is_outside = not has_passage and lasted_s > TOLD_S + NOT_LET_IN_S
        return is_outside or lasted_s > gather_timeout_s + 4.0
    if phase is Phase.HELD:
        return since_decided_s is not None and since_decided_s > LASTS_S
    return lasted_s > LASTS_S
