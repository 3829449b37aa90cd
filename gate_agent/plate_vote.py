"""The vote over the frames of a passage, as it is recorded and as it is made again from the record.

Recorded are whole numbers. Frames that agree vote the same without their single characters, so
these are recorded only where frames differ, and then no more of them than the vote needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil, floor

from gate_agent.domain.evidence import DoubtfulCharacter, FrameReading
from gate_agent.domain.matching import is_trailer_plate, normalize_plate
from models.lpr.plates import CharacterReading, PlateClass, PlateReading, plausible_class
from models.lpr.vote import PlateVote, vote_all

READINGS_PER_FRAME = 8
"""No reader of ours finds more plates in a picture; of another one the surest are kept."""
_PASSED_OVER = 0.995  # what a character counts whose doubts were not recorded
_SUREST = 0.999999  # what a million counts: one that is never wrong would outvote the others
_DOUBTED_BELOW_PERMILLE = (0, 990, 1001)  # none, those in doubt, all: the first that suffices
_ROUNDED_PERMILLE = 1


def recorded(
    frames: Sequence[tuple[int, Sequence[PlateReading]]], found: PlateVote | None, scale: float
) -> tuple[FrameReading, ...]:
    """What was voted over, in the order of the frames, the surest of a frame first.

    Args:
        frames: each frame's number and what was read in it, nothing included.
        found: the plate that was voted for.
        scale: pixels of the kept overview to one of the frames.
    """
    kept: tuple[FrameReading, ...] = ()
    for below in _DOUBTED_BELOW_PERMILLE:
        kept = tuple(
            _recorded(number, reading, scale, below)
            for number, readings in frames
            for reading in sorted(readings, key=_surest_first)[:READINGS_PER_FRAME]
        )
        if found is None or is_voted(
            voted_again(kept),
            found.text,
            permille=permille(found.confidence),
            frames_agreed=found.frames_agreed,
        ):
            break
    return kept


def voted_again(readings: Sequence[FrameReading]) -> list[PlateVote]:
    """Every plate of the recorded readings, surest first. Frames that read nothing do not count."""
    frames: dict[int, list[PlateReading]] = {}
    for reading in readings:
        frames.setdefault(reading.frame, []).append(_spoken(reading))
    return vote_all(list(frames.values()))


def is_voted(votes: Sequence[PlateVote], text: str, *, permille: int, frames_agreed: int) -> bool:
    """Whether the votes name this plate, as sure and by as many frames, and none before it.

    A trailer's plate may be before it: `vehicles_first`. What is rounded on the way into the record
    is allowed for.
    """
    if not votes:
        return not text
    own = next((each for each in votes if each.text == text), None)
    return (
        own is not None
        and own.frames_agreed == frames_agreed
        and abs(round(own.confidence * 1000) - permille) <= _ROUNDED_PERMILLE
        and all(
            round(each.confidence * 1000) <= permille + _ROUNDED_PERMILLE
            for each in votes
            if each.text == text or not is_trailer_plate(each.text)
        )
    )


def vehicles_first(votes: Sequence[PlateVote], declared: Collection[str]) -> list[PlateVote]:
    """The votes with the vehicle's own plate first: the surest, unless that is its trailer's.

    A trailer's plate that no paper declares to identify a vehicle gives way to the surest that
    one does (`declared`, normalized): the camera saw the trailer better.
    """
    found = list(votes)
    if not found or not is_trailer_plate(found[0].text):
        return found
    if normalize_plate(found[0].text) in declared:
        return found
    own = next(
        (
            each
            for each in found
            if normalize_plate(each.text) in declared and not is_trailer_plate(each.text)
        ),
        found[0],
    )
    return [own, *(each for each in found if each is not own)]


def permille(share: float) -> int:
    """A probability as it is recorded."""
    return round(share * 1000)


def _surest_first(reading: PlateReading) -> tuple[float, str]:
    return -reading.confidence, reading.text


def _recorded(number: int, reading: PlateReading, scale: float, below: int) -> FrameReading:
    across = [x * scale for x, _ in reading.corners]
    down = [y * scale for _, y in reading.corners]
    return FrameReading(
        frame=number,
        text=reading.text,
        ppm=round(reading.confidence * 1_000_000),
        left=max(0, floor(min(across))),
        top=max(0, floor(min(down))),
        right=ceil(max(across)),
        bottom=ceil(max(down)),
        doubts=tuple(
            _doubtful(place, each)
            for place, each in enumerate(reading.characters)
            if permille(each.confidence) < below
        ),
    )


def _doubtful(place: int, character: CharacterReading) -> DoubtfulCharacter:
    others = ((other, permille(share)) for other, share in character.alternatives)
    return DoubtfulCharacter(
        place=place,
        permille=permille(character.confidence),
        others=tuple((other, share) for other, share in others if share),
    )


def _spoken(reading: FrameReading) -> PlateReading:
    doubts = {each.place: each for each in reading.doubts}
    left, top, right, bottom = map(
        float, (reading.left, reading.top, reading.right, reading.bottom)
    )
    return PlateReading(
        text=reading.text,
        plate_class=plausible_class(reading.text) or PlateClass.OTHER,
        rows=1,
        confidence=min(reading.ppm / 1_000_000, _SUREST),
        characters=tuple(
            _character(one, doubts.get(place)) for place, one in enumerate(reading.text)
        ),
        corners=((left, top), (right, top), (right, bottom), (left, bottom)),
        frame_number=reading.frame,
    )


def _character(character: str, doubt: DoubtfulCharacter | None) -> CharacterReading:
    if doubt is None:
        return CharacterReading(character=character, confidence=_PASSED_OVER)
    return CharacterReading(
        character=character,
        confidence=doubt.permille / 1000,
        alternatives=tuple((other, share / 1000) for other, share in doubt.others),
    )
