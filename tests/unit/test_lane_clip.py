"""Which clip belongs to which passage, as the lane sees it."""

from gate_agent.domain.effects import KeepClip
from gate_agent.domain.events import ClipKept
from gate_agent.domain.records import PictureTaken, PictureView
from gate_agent.domain.vocabulary import Barrier, PassageId, Phase, WeightState
from gate_agent.domain.way_out import CLIPS_MAX
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


def test_a_boom_that_its_own_controller_lowers_at_once_leaves_time_for_the_clip() -> None:
    story = a_released_truck().boom_goes_up().drives_out()
    story.boom(Barrier.CLOSING)
    assert story.last(KeepClip).passage_id == story.passage.passage_id
    clip_is_kept(story, story.passage.passage_id)
    story.passes(1.5).boom(Barrier.CLOSED)
    assert [closed.clip_id for closed in story.closed()] == [CLIP]


def test_a_boom_that_sinks_before_the_exit_loop_is_clear_leaves_time_for_it_too() -> None:
    story = a_released_truck().boom_goes_up()
    story.sees(front_beam=True).passes(1.0).sees(exit_loop=True).sees(front_beam=False)
    assert not story.all(KeepClip)
    story.boom(Barrier.UNKNOWN)
    assert len(story.all(KeepClip)) == 1


def test_a_vehicle_whose_boom_a_person_lowers_has_its_clip() -> None:
    story = a_released_truck().boom_goes_up().weighs(WeightState.EMPTY, 0).passes(15.0)
    story.orders_boom_down()
    assert story.phase is Phase.CLEARING
    assert len(story.all(KeepClip)) == 1


def test_a_vehicle_that_seems_to_leave_without_end_fills_no_disk() -> None:
    story = a_released_truck().boom_goes_up().drives_out()
    for _ in range(50):
        story.sees(front_beam=True).passes(0.2).sees(front_beam=False).passes(0.2)
    assert len(story.all(KeepClip)) == CLIPS_MAX


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
