"""When the fault of a scenario comes and goes, by what the lane has committed."""

from dataclasses import replace

import pytest

from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.state import LaneState
from gate_agent.domain.vocabulary import Barrier, LaneId
from gate_agent.domain.vocabulary import Phase as LanePhase
from hil_tests.lane_bench.moments import LASTS_S, has_come, is_over
from hil_tests.lane_bench.scenario import UNDECIDED, WITHIN_A_SECOND, Phase

IDLE = LaneState(lane_id=LaneId("lane1"), epoch="e1", policy=ReleasePolicy())


@pytest.mark.parametrize(
    ("phase", "lane", "has_stopped", "comes"),
    [
        (Phase.ROLLING_ON, {"phase": LanePhase.GATHERING}, False, True),
        (Phase.ROLLING_ON, {"phase": LanePhase.GATHERING}, True, False),
        (Phase.ROLLING_ON, {"phase": LanePhase.IDLE}, False, False),
        (Phase.CAPTURING, {"phase": LanePhase.GATHERING}, True, True),
        (Phase.CAPTURING, {"phase": LanePhase.GATHERING}, False, False),
        (Phase.CAPTURING, {"phase": LanePhase.RELEASING}, True, False),
        (Phase.HELD, {"phase": LanePhase.HELD}, True, True),
        (Phase.RISING, {"barrier": Barrier.OPENING}, True, True),
        (Phase.CLOSING, {"barrier": Barrier.CLOSING}, True, True),
        (Phase.PASSING, {"barrier": Barrier.OPEN}, True, False),
        (Phase.BEFORE, {}, False, False),
        (None, {}, False, False),
    ],
)
def test_a_fault_comes_in_its_phase_and_in_no_other(
    phase: Phase | None,
    lane: dict[str, object],
    has_stopped: bool,  # noqa: FBT001 - a row of the table
    comes: bool,  # noqa: FBT001
) -> None:
    state = replace(IDLE, **lane)  # type: ignore[arg-type]
    assert has_come(phase, state, has_stopped=has_stopped) is comes


@pytest.mark.parametrize("phase", sorted(UNDECIDED))
def test_a_fault_before_the_verdict_lasts_until_just_after_it(phase: Phase) -> None:
    def over(lasted_s: float, since_verdict_s: float | None, *, has_passage: bool = True) -> bool:
        return is_over(
            phase,
            lasted_s,
            has_passage=has_passage,
            since_verdict_s=since_verdict_s,
            since_decided_s=None,
            gather_timeout_s=6.0,
        )

    assert not over(9.0, None)
    assert over(10.1, None)
    assert not over(9.0, 0.4)
    assert over(3.0, 0.6)
    assert over(4.3, None, has_passage=False)


def test_no_hand_is_quick_enough_while_a_truck_rolls_on() -> None:
    assert Phase.ROLLING_ON in WITHIN_A_SECOND
    assert Phase.CAPTURING not in WITHIN_A_SECOND
    assert LASTS_S > 2.0
