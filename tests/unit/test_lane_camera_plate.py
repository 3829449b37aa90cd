"""A camera that reads plates itself may contradict the lane's reading; it never opens a boom."""

from dataclasses import replace

import pytest

from gate_agent.domain.at_hand import evidence_of
from gate_agent.domain.events import PlateRead, PlateSource
from gate_agent.domain.gathering import EARLIER_MAX
from gate_agent.domain.records import PictureTaken
from gate_agent.domain.vocabulary import Outcome, Phase
from gate_agent.wire.convert import evidence_facts
from tests.builders import PLATE, POLICY, LaneStory, a_declaration


def camera_says(story: LaneStory, text: str, *, permille: int = 990) -> LaneStory:
    story.happens(
        PlateRead(
            passage_id=story.passage.passage_id,
            attempt=0,
            text=text,
            plate_class="",
            confidence_permille=permille,
            frames_agreed=1 if text else 0,
            frames_seen=1,
            picture_id="a" * 64,
            source=PlateSource.CAMERA,
        )
    )
    return story


def arrived() -> LaneStory:
    return LaneStory().ready().truck_arrives()


def judged(story: LaneStory) -> tuple[Outcome, tuple[str, ...]]:
    return story.card().passes(0.1).manifest_answers().verdict


@pytest.mark.parametrize("first", ["camera", "lane"])
def test_two_readings_that_agree_release(first: str) -> None:
    story = arrived()
    if first == "camera":
        camera_says(story, PLATE).plate_is_read()
    else:
        camera_says(story.plate_is_read(), PLATE)
    assert judged(story.drives_on()) == (Outcome.RELEASE, ())


@pytest.mark.parametrize("first", ["camera", "lane"])
def test_two_readings_that_differ_hold(first: str) -> None:
    story = arrived()
    if first == "camera":
        camera_says(story, "粤A99999").plate_is_read()
    else:
        camera_says(story.plate_is_read(), "粤A99999")
    outcome, reasons = judged(story.drives_on())
    assert (outcome, reasons) == (Outcome.HOLD, ("plate_doubtful",))


def test_a_camera_that_corrects_itself_has_contradicted_all_the_same() -> None:
    story = camera_says(camera_says(arrived().plate_is_read(), "粤A99999"), PLATE)
    assert judged(story.drives_on()) == (Outcome.HOLD, ("plate_doubtful",))


def test_a_camera_may_post_both_plates_of_a_vehicle_again_and_again() -> None:
    story = arrived().plate_is_read()
    for text in (PLATE, "FV1234", "粤B·12345", "FV1234"):
        camera_says(story, text)
    camera = story.passage.camera_plate
    assert camera is not None
    assert (camera.text, camera.earlier) == ("FV1234", ("粤B·12345",))
    story.drives_on().card().passes(0.1)
    story.manifest_answers(a_declaration(plates=(PLATE, "FV1234")))
    assert story.verdict == (Outcome.RELEASE, ())


def test_a_camera_that_posts_without_end_fills_no_memory() -> None:
    story = arrived().plate_is_read()
    for number in range(50):
        camera_says(story, f"粤A{number:05}")
    camera = story.passage.camera_plate
    assert camera is not None
    assert len(camera.earlier) == EARLIER_MAX
    assert judged(story.drives_on()) == (Outcome.HOLD, ("plate_doubtful",))


def test_the_supervisor_sees_what_the_camera_posted_beside_what_the_lane_read() -> None:
    story = camera_says(camera_says(arrived().plate_is_read(), "粤A99999"), "粤A99998")
    judged(story.drives_on())
    facts = evidence_facts(evidence_of(story.lane, story.passage, story.at))
    assert facts.plate is not None
    assert facts.camera_plate is not None
    assert (facts.plate.text, facts.camera_plate.text) == (PLATE, "粤A99998")
    assert facts.camera_plate.earlier == ("粤A99999",)


def test_the_vehicles_other_declared_plate_is_no_contradiction() -> None:
    story = camera_says(arrived().plate_is_read(), "FV1234").drives_on().card().passes(0.1)
    story.manifest_answers(a_declaration(plates=(PLATE, "FV1234")))
    assert story.verdict == (Outcome.RELEASE, ())


@pytest.mark.parametrize("frames", [1, 2])
def test_the_cameras_reading_alone_never_releases_however_sure_it_is(frames: int) -> None:
    story = LaneStory(policy=replace(POLICY, min_plate_frames=frames)).ready().truck_arrives()
    camera_says(story, PLATE, permille=1000)
    story.plate_is_read("", 0)
    while story.plate_requests()[-1].attempt > story.passage.plate_attempt - 1:
        before = story.passage.plate_attempt
        story.plate_is_read("", 0)
        if story.passage.plate_attempt == before:
            break
    outcome, reasons = judged(story.drives_on())
    assert outcome is Outcome.HOLD
    assert "plate_doubtful" in reasons
    assert "plate_missing" not in reasons  # the supervisor sees what the camera saw


def test_a_camera_that_found_no_plate_says_nothing_against_the_lane() -> None:
    story = camera_says(arrived().plate_is_read(), "").drives_on()
    assert judged(story) == (Outcome.RELEASE, ())


def test_its_pictures_are_kept_with_the_passage() -> None:
    story = camera_says(arrived(), PLATE)
    assert [record.picture_id for record in story.records(PictureTaken)] == ["a" * 64]


def test_after_the_verdict_it_is_too_late() -> None:
    story = arrived().plate_is_read().drives_on()
    judged(story)
    assert story.phase is Phase.RELEASING
    camera_says(story, "粤A99999")
    assert story.phase is Phase.RELEASING
    assert story.ignored()
