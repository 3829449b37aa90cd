"""A reader against the drawn examination: one frame of each question, or a passage of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.evaluate.drawn import voted
from models.evaluate.examination.questions import PER_KIND, question
from models.evaluate.examination.texts import ExamKind
from models.evaluate.tally import Outcome
from models.lpr.api import PlateReader


def evaluate_examination(
    reader: PlateReader,
    *,
    stopwatch_s: Callable[[], float],
    frames: int = 1,
    every: int = 1,
    kinds: tuple[ExamKind, ...] = tuple(ExamKind),
) -> Iterator[tuple[ExamKind, Outcome]]:
    """Each `every`-th question of each kind; a right text of a wrong class is a wrong answer.

    With more than one frame the questions are shown as passages that come nearer.
    """
    for kind in kinds:
        for number in range(0, PER_KIND, every):
            asked = [question(kind, number, moment) for moment in range(frames)]
            plate = asked[0].plates[0]
            pictures = [q.image for q in asked]
            yield kind, voted(reader, pictures, plate.text, plate.plate_class, stopwatch_s)
