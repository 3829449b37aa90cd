"""`gate-lpr calibrate`: fits what makes probabilities of scores, on one half of the real pictures.

The other half is for measuring. The halves are chosen by plate, so that no vehicle is in both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp
from pathlib import Path

import numpy as np

from models.evaluate.fitting import fit_platt, fit_policy
from models.evaluate.labeled import LabeledPicture, evaluate_labeled
from models.evaluate.sets import examined_pictures, half
from models.evaluate.tally import same_plate
from models.evaluate.verification import ScoredTrial, trials_of
from models.lpr.api import BgrImage, PictureError, PlateReader
from models.lpr.calibration import Calibration, log_odds
from models.lpr.lane_reader import ASK, is_believed_instead, second_reading
from models.lpr.plates import PlateReading
from models.lpr.second_opinion import SecondOpinion
from models.lpr.verify import VerifyPolicy
from models.pictures import load_picture

FIT, MEASURE = 0, 1
"""The half that is fitted on and the half that is measured on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The numbers for `calibration.toml`, and on how many pictures and trials they rest."""

    calibration: Calibration
    policy: VerifyPolicy
    pictures: int
    trials: int

    def toml(self, recognizer: str) -> str:
        """The file, for the recognizer with this SHA-256."""
        lines = [
            f"# gate-lpr calibrate: {self.pictures} pictures, {self.trials} lists of declarations.",
            f'recognizer = "{recognizer}"',
        ]
        for name, numbers in (("calibration", self.calibration), ("verification", self.policy)):
            lines += ["", f"[{name}]"]
            lines += [f"{key} = {value:.9g}" for key, value in asdict(numbers).items()]
        return "\n".join(lines) + "\n"


def chosen(root: Path, which: int) -> list[LabeledPicture]:
    """Every real picture of one half, each once."""
    belongs = half(which)
    pictures = [p for group in examined_pictures(root).values() for p in group if belongs(p)]
    return list(dict.fromkeys(pictures))


def fitted(reader: PlateReader, second: SecondOpinion | None, root: Path) -> Fitted:
    """Reads the half that is fitted on.

    Args:
        reader: one whose confidence is its bare score, and that asks nobody.
        second: the reader that is to be asked in doubt; None where there is none.
        root: the folder with the labeled pictures.
    """
    pictures = chosen(root, FIT)
    outcomes = [o for _, o in evaluate_labeled(reader, pictures, stopwatch_s=time.perf_counter)]
    read = [o for o in outcomes if o.is_found]
    bias, slope = fit_platt([o.confidence for o in read], [o.is_exact for o in read])
    calibration = Calibration(bias=bias, slope=slope)
    if second is not None:
        calibration = _with_second(calibration, second, reader, pictures)
    trials = list(trials_on(reader, pictures))
    policy, _ = fit_policy(trials)
    return Fitted(
        calibration=calibration, policy=policy, pictures=len(pictures), trials=len(trials)
    )


def trials_on(reader: PlateReader, pictures: Sequence[LabeledPicture]) -> Iterator[ScoredTrial]:
    """Lists of declared plates held against each picture that can be loaded."""
    for number, picture in enumerate(pictures):
        image, reading = reading_of(reader, picture)
        if image is not None:
            yield from trials_of(reader, image, reading, picture.plate, number)


def reading_of(
    reader: PlateReader, picture: LabeledPicture
) -> tuple[BgrImage | None, PlateReading | None]:
    """The picture, and what is read nearest to where its plate is said to be."""
    try:
        image = load_picture(picture.path)
    except PictureError:
        return None, None
    if picture.box is None:
        return image, reader.read_crop(image)
    left, top, width, height = picture.box
    x, y = left + width / 2, top + height / 2
    near = min(
        reader.read(image),
        key=lambda r: sum(abs(c[0] - x) + abs(c[1] - y) for c in r.corners),
        default=None,
    )
    return image, near


def _with_second(
    calibration: Calibration,
    second: SecondOpinion,
    reader: PlateReader,
    pictures: Sequence[LabeledPicture],
) -> Calibration:
    """What a second reader's word is worth, from the pictures on which it would be asked."""
    said: dict[bool, list[tuple[float, bool]]] = {True: [], False: []}
    believed: list[bool] = []
    for picture in pictures:
        image, reading = reading_of(reader, picture)
        if image is None or reading is None:
            continue
        confidence = calibration.probability(reading.confidence)
        if confidence >= ASK:
            continue
        other = second_reading(second, image, np.array(reading.corners, np.float32))
        if other is None:
            continue
        if is_believed_instead(other, reading.text, confidence):
            believed.append(same_plate(other.text, picture.plate))
        else:
            is_right = same_plate(reading.text, picture.plate)
            said[other.text == reading.text].append((log_odds(confidence), is_right))
    bare = Calibration()
    return replace(
        calibration,
        agreed=_shift(said[True], bare.agreed),
        contradicted=_shift(said[False], bare.contradicted),
        adopted=(sum(believed) + 2 * bare.adopted) / (len(believed) + 2),
    )


def _shift(said: list[tuple[float, bool]], prior: float) -> float:
    """How far the odds must move so that as many are right as were; `prior` weighs two pictures."""
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        bare = Calibration(bias=middle)
        expected = sum(bare.probability(1 / (1 + exp(-odds))) for odds, _ in said)
        excess = expected - sum(right for _, right in said) + 0.2 * (middle - prior)
        low, high = (low, middle) if excess > 0 else (middle, high)
    return (low + high) / 2
