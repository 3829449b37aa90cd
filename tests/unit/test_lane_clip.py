"""Which clip belongs to which passage, as the lane sees it."""

from gate_agent.domain.effects import KeepClip
from gate_agent.domain.events import ClipKept
from gate_agent.domain.records import PictureTaken, PictureView
from gate_agent.domain.vocabulary import PassageId, Phase
from tests.builders import LaneStory
from tests.lane_stories import a_held_truck, a_released_truck

CLIP = "c" * 64


def clip_is_kept(story: LaneStory, passage_id: PassageId) -> None:
    story.happens(ClipKept(passage_id=passage_id, clip_id=CLIP, frames=60, picture_ids=("d" * 64,)))


def test_a_released_vehicles_clip_is_asked_for_when_it_is_out_and_named_in_its_closing() -> None:
    story = a_released_truck().boom_goes_up()
    passage_id = story.passage.passage_id
    assert not story.all(KeepClip)
    story.drives_out().passes(0.6)
    assert story.phase is Phase.CLEARING
    assert story.last(KeepClip).passage_id == passage_id
    clip_is_kept(story, passage_id)
    story.boom_comes_down()
    assert [closed.clip_id for closed in story.closed()] == [CLIP]
    shown = [record for record in story.records(PictureTaken) if record.view is PictureView.LANE]
    assert [record.picture_id for record in shown] == ["d" * 64]


def test_a_vehicle_that_backs_out_has_its_clip_too() -> None:
    story = a_held_truck()
    passage_id = story.passage.passage_id
    for _ in range(3):
        if story.all(KeepClip):
            break
        story.backs_out()
    assert passage_id == story.last(KeepClip).passage_id


def test_a_lane_that_films_nothing_closes_its_passages_without_waiting() -> None:
    story = a_released_truck().boom_goes_up().drives_out().passes(0.6).boom_comes_down()
    assert [closed.clip_id for closed in story.closed()] == [""]


def test_a_clip_that_comes_after_the_closing_changes_nothing() -> None:
    story = a_released_truck().boom_goes_up()
    passage_id = story.passage.passage_id
    story.drives_out().passes(0.6).boom_comes_down()
    records = len(story.records(PictureTaken))
    clip_is_kept(story, passage_id)
    assert len(story.records(PictureTaken)) == records
    assert "clip of a passage that is closed" in story.ignored()
