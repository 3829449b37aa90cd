"""Every row of the lane's table happens as it says, and the table has no row that never does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate_agent.domain.lane import TRANSITIONS
from gate_agent.domain.vocabulary import Barrier, Outcome, Phase
from tests.builders import GROSS_KG, LaneStory, a_declaration

Way = Callable[[], LaneStory]


def _gathering() -> LaneStory:
    return LaneStory().ready().waits_for_verdict()


def _held() -> LaneStory:
    story = _gathering()
    story.manifest_answers(a_declaration(gross_kg=GROSS_KG + 1_500))
    return story


def _turning_back() -> LaneStory:
    story = _gathering()
    story.manifest_answers(a_declaration(used_by="lane1-e-000000"))
    return story


def _releasing() -> LaneStory:
    story = _gathering()
    story.manifest_answers()
    return story


def _clearing() -> LaneStory:
    return _releasing().boom_goes_up().drives_out().passes(1.0)


def _orders(decision: Outcome) -> Callable[[LaneStory], object]:
    return lambda story: story.supervisor(decision)


START: dict[Phase, Way] = {
    Phase.IDLE: lambda: LaneStory().ready(),
    Phase.GATHERING: _gathering,
    Phase.HELD: _held,
    Phase.TURNING_BACK: _turning_back,
    Phase.RELEASING: _releasing,
    Phase.CLEARING: _clearing,
}
HAPPENS: dict[tuple[Phase, str], Callable[[LaneStory], object]] = {
    (Phase.IDLE, "a vehicle comes"): lambda s: s.truck_arrives(),
    (Phase.GATHERING, "verdict Release"): lambda s: s.manifest_answers(),
    (Phase.GATHERING, "verdict Hold or Inspect"): lambda s: s.manifest_answers(
        a_declaration(holds=("customs",))
    ),
    (Phase.GATHERING, "verdict Refuse"): lambda s: s.manifest_answers(
        a_declaration(used_by="lane1-e-000000")
    ),
    (Phase.GATHERING, "left undecided"): lambda s: s.backs_out(),
    (Phase.GATHERING, "the agent restarted"): lambda s: s.starts(),
    (Phase.HELD, "supervisor: Release"): _orders(Outcome.RELEASE),
    (Phase.HELD, "supervisor: Inspect or Refuse"): _orders(Outcome.INSPECT),
    (Phase.HELD, "the vehicle is gone"): lambda s: s.backs_out(),
    (Phase.TURNING_BACK, "supervisor: Release"): _orders(Outcome.RELEASE),
    (Phase.TURNING_BACK, "the vehicle is gone"): lambda s: s.backs_out(),
    (Phase.TURNING_BACK, "the agent restarted"): lambda s: s.starts(),
    (Phase.RELEASING, "past the boom and clear"): lambda s: (
        s.boom_goes_up().drives_out().passes(1.0)
    ),
    (Phase.RELEASING, "the raise failed"): lambda s: s.raise_fails(),
    (Phase.RELEASING, "closed after the vehicle passed"): lambda s: (
        s.boom_goes_up().drives_out().boom(Barrier.CLOSED)
    ),
    (Phase.CLEARING, "something came under the boom"): lambda s: (
        s.boom(Barrier.CLOSING).sees(exit_loop=True).boom(Barrier.OPENING)
    ),
    (Phase.CLEARING, "boom down"): lambda s: s.boom_comes_down(),
    (Phase.CLEARING, "the agent restarted"): lambda s: s.starts(),
}


def test_every_row_has_its_story() -> None:
    assert set(HAPPENS) == {(before, why) for before, why, _ in TRANSITIONS}
    assert len(HAPPENS) == len(TRANSITIONS)


@pytest.mark.parametrize(
    ("before", "why", "after"), TRANSITIONS, ids=[f"{a} {why}" for a, why, _ in TRANSITIONS]
)
def test_a_row_of_the_table_happens_as_it_says(before: Phase, why: str, after: Phase) -> None:
    story = START[before]()
    assert story.phase is before
    HAPPENS[before, why](story)
    assert story.phase is after
