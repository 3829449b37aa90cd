"""What many tests of the lane begin with, and ask in the end."""

from __future__ import annotations

from gate_agent.domain.records import CommandRefused, Refusal
from gate_agent.domain.vocabulary import Phase
from tests.builders import GROSS_KG, LaneStory, a_declaration


def a_released_truck() -> LaneStory:
    story = LaneStory().ready().waits_for_verdict()
    story.passes(0.1).manifest_answers()
    assert story.phase is Phase.RELEASING
    return story


def a_held_truck() -> LaneStory:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers(a_declaration(gross_kg=GROSS_KG + 1_500))
    assert story.phase is Phase.HELD
    return story


def last_refusal(story: LaneStory) -> Refusal:
    return story.records(CommandRefused)[-1].why
