"""One plate from the frames of one passage."""

from __future__ import annotations

import pytest

from models.lpr.plates import CharacterReading, PlateClass, PlateReading
from models.lpr.vote import edits, vote, vote_all


def a_reading(text: str, confidence: float = 0.9, **unsure: tuple[str, float]) -> PlateReading:
    """A reading of `text`; `p6=("8", 0.3)` gives the seventh character an alternative."""
    characters = []
    for place, character in enumerate(text):
        rival = unsure.get(f"p{place}")
        characters.append(
            CharacterReading(
                character=character,
                confidence=1 - rival[1] if rival else 0.99,
                alternatives=(rival,) if rival else (),
            )
        )
    return PlateReading(
        text=text,
        plate_class=PlateClass.BLUE,
        rows=1,
        confidence=confidence,
        characters=tuple(characters),
        corners=((0, 0), (10, 0), (10, 3), (0, 3)),
    )


def test_frames_without_a_plate_give_no_plate() -> None:
    assert vote([]) is None
    assert vote([[], [], []]) is None


def test_frames_that_agree_are_surer_than_one_but_never_certain() -> None:
    one = vote([[a_reading("粤B12345", 0.8)]])
    three = vote([[a_reading("粤B12345", 0.8)] for _ in range(3)])
    assert one is not None
    assert three is not None
    assert one.confidence == pytest.approx(0.8)
    assert 0.8 < three.confidence < 1.0
    assert (three.frames_agreed, three.frames_total) == (3, 3)


def test_two_frames_outvote_one_that_misread() -> None:
    elected = vote([[a_reading("粤B12345")], [a_reading("粤B12348", 0.6)], [a_reading("粤B12345")]])
    assert elected is not None
    assert elected.text == "粤B12345"
    assert elected.frames_agreed == 2
    assert elected.characters[6].alternatives[0][0] == "8"


def test_disagreement_makes_the_vote_less_sure_than_either_frame() -> None:
    elected = vote([[a_reading("粤B12345", 0.9)], [a_reading("粤B12348", 0.9)]])
    assert elected is not None
    assert elected.confidence < 0.9


def test_a_plate_that_no_frame_read_itself_is_elected_with_little_confidence() -> None:
    elected = vote(
        [
            [a_reading("粤B12348", 0.5, p6=("5", 0.49))],
            [a_reading("粤B17345", 0.5, p3=("2", 0.49))],
        ]
    )
    assert elected is not None
    assert elected.confidence < 0.6


def test_a_second_plate_of_the_same_truck_is_kept_apart() -> None:
    frame = [a_reading("粤ZF823港", 0.95), a_reading("AB1234", 0.9)]
    assert [v.text for v in vote_all([frame, frame])] == ["粤ZF823港", "AB1234"]


def test_a_frame_that_lost_a_character_does_not_shorten_the_plate() -> None:
    elected = vote(
        [[a_reading("粤BD12345")], [a_reading("粤BD1234", 0.5)], [a_reading("粤BD12345")]]
    )
    assert elected is not None
    assert elected.text == "粤BD12345"


def test_edits_counts_replacements_insertions_and_deletions() -> None:
    assert edits("粤B12345", "粤B12345", at_most=2) == 0
    assert edits("粤B12345", "粤B1234", at_most=2) == 1
    assert edits("粤B12345", "粤C12346", at_most=2) == 2
    assert edits("粤B12345", "京C12346", at_most=2) is None
    assert edits("粤B12345", "粤B12", at_most=2) is None


def test_a_frame_that_is_sure_counts_for_more_than_two_that_are_not() -> None:
    blurred = [a_reading("粤B12348", 0.6, p6=("5", 0.3)) for _ in range(2)]
    elected = vote([[a_reading("粤B12345", 0.99)], *([r] for r in blurred)])
    assert elected is not None
    assert elected.text == "粤B12345"
    assert elected.confidence < 0.9


def test_what_all_frames_read_is_elected_whatever_one_look_took_a_character_for() -> None:
    frames = [[a_reading("苏A6E176", 0.7, p0=("宁", 0.6))] for _ in range(3)]
    elected = vote(frames)
    assert elected is not None
    assert elected.text == "苏A6E176"
