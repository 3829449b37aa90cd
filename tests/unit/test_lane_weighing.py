"""What a supervisor may rely on where the lane decides before the scale has come to rest."""

from __future__ import annotations

import pytest

from gate_agent.domain.events import WeightObserved
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import Barrier, Outcome, Phase, WeightState
from tests.builders import GROSS_KG, LaneStory, a_declaration

TOLERANCE_KG = GROSS_KG * 30 // 1000


def on_the_platform(story: LaneStory | None = None) -> LaneStory:
    """Plate read, card presented, answered by the manifest; on the platform, still swinging."""
    story = (story or LaneStory()).ready().truck_arrives().plate_is_read().card()
    story.manifest_answers()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(3.0)
    return story.sees(entry_loop=False, rear_beam=False).weighs(WeightState.MOVING, GROSS_KG)


def test_the_manifest_is_asked_for_the_plate_for_plate_and_card_and_again_for_the_verdict() -> None:
    story = on_the_platform()
    assert len(story.questions()) == 2
    assert story.phase is Phase.GATHERING
    story.swings_between(GROSS_KG - 500, GROSS_KG + 500)
    assert len(story.questions()) == 3
    assert story.records(PassageDecided) == []
    story.manifest_answers()
    assert story.phase is Phase.RELEASING


def test_an_early_verdict_says_within_what_the_weight_was_known() -> None:
    story = on_the_platform().swings_between(GROSS_KG - 600, GROSS_KG + 401)
    story.manifest_answers()
    weight = story.records(PassageDecided)[-1].evidence.weight
    assert weight is not None
    assert weight.within_kg > 0
    assert weight.low_kg <= GROSS_KG - 600
    assert weight.high_kg >= GROSS_KG + 401


@pytest.mark.parametrize("beyond_kg", [-1, 1])
def test_an_interval_that_reaches_beyond_the_tolerance_waits_for_the_settled_weight(
    beyond_kg: int,
) -> None:
    story = on_the_platform()
    middle_kg = GROSS_KG + beyond_kg * 500
    story.swings_between(
        middle_kg - (TOLERANCE_KG - 500 + (beyond_kg < 0)),
        middle_kg + (TOLERANCE_KG - 500 + (beyond_kg > 0)),
    )
    assert len(story.questions()) == 2
    assert story.phase is Phase.GATHERING
    story.weighs(WeightState.SETTLED, GROSS_KG).manifest_answers()
    assert story.phase is Phase.RELEASING
    weight = story.records(PassageDecided)[-1].evidence.weight
    assert weight is not None
    assert weight.within_kg == 0


def test_nothing_but_a_release_is_decided_early() -> None:
    """A wrong weight goes to inspection on the settled weight, never on where it may settle."""
    story = on_the_platform().swings_between(GROSS_KG + 5_000, GROSS_KG + 5_500)
    assert story.phase is Phase.GATHERING
    story.weighs(WeightState.SETTLED, GROSS_KG + 5_200).manifest_answers()
    assert story.verdict == (Outcome.INSPECT, ("weight_far_off",))


def test_a_hold_order_that_came_after_the_first_look_up_keeps_the_boom_down() -> None:
    story = on_the_platform().swings_between(GROSS_KG - 200, GROSS_KG + 200)
    story.manifest_answers(a_declaration(holds=("customs",)))
    assert story.raises() == 0
    assert story.phase is Phase.GATHERING
    story.weighs(WeightState.SETTLED, GROSS_KG).manifest_answers(a_declaration(holds=("customs",)))
    assert story.verdict[0] is Outcome.INSPECT


@pytest.mark.parametrize("beam", ["front_beam", "rear_beam"])
@pytest.mark.parametrize("state", [True, None])
def test_an_axle_beside_the_platform_or_a_blind_beam_spoils_the_interval(
    beam: str, *, state: bool | None
) -> None:
    story = on_the_platform().sees(**{beam: state}).swings_between(GROSS_KG - 200, GROSS_KG + 200)
    assert story.phase is Phase.GATHERING
    assert len(story.questions()) == 2
    story.sees(**{beam: False})
    assert len(story.questions()) == 2, "an interval of before must not count after"


def test_an_interval_that_the_scale_takes_back_is_gone() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(3.0)
    story.sees(entry_loop=False, rear_beam=False)
    story.swings_between(GROSS_KG - 200, GROSS_KG + 200).weighs(WeightState.MOVING, GROSS_KG)
    story.card().manifest_answers()
    assert story.phase is Phase.GATHERING


def test_a_fault_keeps_an_early_release_from_happening() -> None:
    story = on_the_platform()
    story.boom(Barrier.OPEN).swings_between(GROSS_KG - 200, GROSS_KG + 200)
    assert story.phase is Phase.GATHERING


def test_a_first_look_up_without_an_answer_is_asked_again_and_judges_nobody() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().card().passes(3.0)
    assert story.records(PassageDecided) == []
    story.drives_on().manifest_answers()
    assert story.phase is Phase.RELEASING


@pytest.mark.parametrize("state", [WeightState.SETTLED, WeightState.MOVING])
def test_a_scale_that_froze_while_the_vehicle_rolled_on_weighs_nothing(state: WeightState) -> None:
    """Three of its five axles make up the declared weight; the readings began before its tail."""
    story = LaneStory().ready().truck_arrives().plate_is_read().card()
    story.manifest_answers()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG).passes(3.0)
    story.sees(entry_loop=False, rear_beam=False)
    is_swing = state is WeightState.MOVING
    for second in range(1, 6):
        story.passes(1.0)
        story.happens(
            WeightObserved(
                state=state,
                gross_kg=GROSS_KG,
                division_kg=20,
                low_kg=GROSS_KG - 100 if is_swing else None,
                high_kg=GROSS_KG + 100 if is_swing else None,
                judged_ms=second * 1000 + 1,
            )
        )
    assert story.phase is Phase.GATHERING
    assert (story.passage.weight, story.passage.swing) == (None, None)
    story.passes(60.0)
    assert story.verdict[0] is Outcome.HOLD
    assert "weight_missing" in story.verdict[1]


def test_a_scale_zeroed_under_the_front_axles_was_not_at_zero_before_this_vehicle() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, 7_000).weighs(WeightState.SETTLED, 7_000)
    story.weighs(WeightState.EMPTY, 0).drives_on().card().passes(0.1)
    story.manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("scale_not_zero",))


def test_nor_was_one_whose_tare_was_pressed_when_the_first_wheel_was_on() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.sees(rear_beam=True).weighs(WeightState.MOVING, 300).weighs(WeightState.EMPTY, 0)
    story.drives_on().card().passes(0.1).manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("scale_not_zero",))


def test_nor_was_one_that_could_not_be_read_and_came_back_at_zero_under_the_axles() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read().sees(rear_beam=True)
    story.weighs(WeightState.UNAVAILABLE).weighs(WeightState.EMPTY, 0)
    story.drives_on().card().passes(0.1).manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("scale_not_zero",))


def test_a_nose_in_the_beam_before_the_scale_felt_anything_is_no_load() -> None:
    story = LaneStory().ready().weighs(WeightState.MOVING, 40).truck_arrives().plate_is_read()
    story.sees(rear_beam=True).weighs(WeightState.EMPTY, 0)
    story.drives_on().card().passes(0.1).manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())
