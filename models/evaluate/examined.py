"""A reader against the drawn examination: one frame of each question, or a passage of several."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.evaluate.drawn import voted
from models.evaluate.examination.questions import PER_KIND, question, rows_of
from models.evaluate.examination.texts import CLASS_OF, ExamKind
from models.evaluate.tally import Outcome
from models.lpr.api import BgrImage, PlateReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Which questions are asked, and where drawn pictures are kept for the next time.

    `kept` None draws every picture anew, a sixth of a second each.
    """

    frames: int = 1
    every: int = 1
    kinds: tuple[ExamKind, ...] = tuple(ExamKind)
    kept: Path | None = None


def evaluate_examination(
    reader: PlateReader, examination: Examination, *, stopwatch_s: Callable[[], float]
) -> Iterator[tuple[str, Outcome]]:
    """Each question of each kind; a right text of a wrong class is a wrong answer.

    With more than one frame the questions are shown as passages that come nearer. The label is
    the kind; a quarter of the cross-border plates stand in two rows, by a mistake that was sealed:
    GA36 has no such plate, nothing teaches it, and it is counted apart.
    """
    for kind in examination.kinds:
        for number in range(0, PER_KIND, examination.every):
            asked = [
                picture_of(kind, number, moment, examination.kept)
                for moment in range(examination.frames)
            ]
            frames = [image for image, _ in asked]
            outcome = voted(reader, frames, asked[0][1], CLASS_OF[kind], stopwatch_s)
            yield _label(kind, number), outcome


UNREAL: Final = "cross_border_in_two_rows"
"""Questions about a plate that does not exist."""


def _label(kind: ExamKind, number: int) -> str:
    is_unreal = kind is ExamKind.CROSS_BORDER and rows_of(kind, number) > 1
    return UNREAL if is_unreal else kind.value


def picture_of(kind: ExamKind, number: int, moment: int, kept: Path | None) -> tuple[BgrImage, str]:
    """The picture of a question and the plate that is asked for, drawn or as kept."""
    if kept is None:
        asked = question(kind, number, moment)
        return asked.image, asked.plates[0].text
    picture = kept / f"{kind}-{number:03d}-{moment}.png"
    label = picture.with_suffix(".json")
    if label.exists():
        image = cv2.imdecode(np.fromfile(picture, np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(image, np.uint8), str(json.loads(label.read_text("utf-8")))
    asked = question(kind, number, moment)
    _, packed = cv2.imencode(".png", asked.image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    kept.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(packed.tobytes())
    label.write_text(json.dumps(asked.plates[0].text), "utf-8")
    return asked.image, asked.plates[0].text
