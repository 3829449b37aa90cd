"""What a camera and its reader make of a plate: a model of the pictures, the lane's own weighing.

A look is a text with a confidence, and how likely each other text would have made the picture. The
candidates come from the lane's own manifest and are weighed by the lane's own code; only the
pictures are made up. How often they speak for a plate that does not hang there is the measured
rate of the real reader (docs/explanation/plates.md: 2 of 3,486), for a look at a plate that is
hard to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from models.lpr.plates import CharacterReading, PlateClass, PlateReading
from models.lpr.vote import vote

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from gate_agent.adapters.plate_candidates import PlateCandidates, Weighed
    from models.lpr.api import BgrImage
    from models.lpr.plates import Corners

OTHERWISE = -12.0  # nats, for a character that looks like nothing that hangs there
OTHER_LENGTH = -30.0
MISREADS = 0.3  # of the looks at a plate that is hard to read
WRONG_BY = 0.35  # nats, on average, by which such a look speaks for the wrong character
RIGHT_BY = (2.0, 8.0)
SURELY_WRONG = 0.004  # of the misread looks: the reader is sure
_CORNERS: Corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
_IMAGE = np.zeros((4, 10, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one plate. `text` is what was read, "" for nothing.

    `there` hangs there; `weak` is a place and the character that it could be taken for, and
    `edge` by how many nats the picture speaks for what hangs there rather than for that one.
    """

    text: str = ""
    permille: int = 0
    frames_agreed: int = 0
    there: str = ""
    weak: tuple[int, str] | None = None
    edge: float = 0.0

    def log_likelihood(self, text: str) -> float:
        """How likely the picture would be if `text` hung there."""
        if len(text) != len(self.there):
            return OTHER_LENGTH
        base = -log(1.0 + exp(-self.edge)) if self.weak else 0.0
        found = base
        for place, (one, other) in enumerate(zip(text, self.there, strict=True)):
            if one == other:
                continue
            found -= self.edge if (place, one) == self.weak else -OTHERWISE
        return min(0.0, found)


NOTHING = Look()


def clear_look(plate: str) -> Look:
    """A plate that anybody can read."""
    return Look(text=plate, permille=990, frames_agreed=3, there=plate)


def hard_look(plate: str, attempt: int, weak: tuple[int, str], rng: random.Random) -> Look:
    """A plate on which one character could be another."""
    place, character = weak
    wrong = plate[:place] + character + plate[place + 1 :]
    if rng.random() >= MISREADS:
        permille = min(995, 700 + 80 * attempt)
        edge = rng.uniform(*RIGHT_BY)
        return Look(
            text=plate, permille=permille, frames_agreed=2, there=plate, weak=weak, edge=edge
        )
    is_sure = rng.random() < SURELY_WRONG
    return Look(
        text=wrong,
        permille=985 if is_sure else rng.randrange(300, 790),
        frames_agreed=2 if is_sure else rng.choice([1, 2]),
        there=plate,
        weak=weak,
        edge=-rng.expovariate(1.0 / WRONG_BY),
    )


class _Reader:
    """The reader of one look."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        """What was read."""
        del image
        return [_reading(self._look, frame_number)]

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        """What was read."""
        del crop
        return _reading(self._look, frame_number)

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        """How likely each text would have made the picture."""
        del image, corners, rows
        return [self._look.log_likelihood(text) for text in texts]


def _reading(look: Look, frame_number: int = 0) -> PlateReading:
    return PlateReading(
        text=look.text,
        plate_class=PlateClass.BLUE,
        rows=1,
        confidence=look.permille / 1000,
        characters=tuple(CharacterReading(character=one, confidence=1.0) for one in look.text),
        corners=_CORNERS,
        frame_number=frame_number,
    )


def weigh(look: Look, candidates: PlateCandidates, card_uid: str | None) -> Weighed:
    """The look held against what the lane knows to be declared. Raises `StoreError`."""
    reading = _reading(look)
    found = vote([[reading]])
    assert found is not None
    return candidates.weigh(_Reader(look), [(_IMAGE, [reading])], found, card_uid)
