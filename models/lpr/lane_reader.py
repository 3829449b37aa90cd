"""Kakou's own plate reader: find, look closer, straighten, recognize, weigh, ask again in doubt.

A plate that is read clearly costs one pass of each network. In doubt the same plate is cut out in
further ways and what they say is averaged; only then, and only where a second reader is
installed, that one is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.lpr.api import BgrImage, check_picture
from models.lpr.boxes import Quad, as_corners, widened
from models.lpr.calibration import Calibration
from models.lpr.decoding import (
    Decoded,
    characters_of,
    mean_log,
    plain_text,
    symbols_of,
    weighed_texts,
)
from models.lpr.detector import Detector, overlap
from models.lpr.plates import Corners, PlateClass, PlateReading
from models.lpr.recognizer import Recognizer, StripReading
from models.lpr.rectify import rectify
from models.lpr.refiner import RefinedPlate, Refiner, window_around
from models.lpr.second_opinion import SecondOpinion

_PLATES_MAX: Final = 8
_CLEAR: Final = 0.96
"""Score from which one look is enough: of 500 real plates none was wrong there."""
ASK: Final = 0.90
"""Below this confidence a second reader is asked."""
_CONFIDENCE_MIN: Final = 0.05  # below it nobody could read the plate
_NO_PLATE_MAX: Final = 0.5
_NO_PLATE_CROP_MAX: Final = 0.98
_SCREENED: Final = 600  # more texts than these are first ranked by one look
_KEPT: Final = 300
_FOREIGN_MAX: Final = 0.5  # no foreign plate was ever measured: nobody may be sure of one
_RAISED: Final = (0.12, 0.3)
_HALF_A_ROW: Final = (0.4, 0.5, 0.6)
_ROW_ABOVE: Final = (0.5, 0.8, 1.1)
"""How far the upper edge is moved where half of the upper row may be missing, or all of it."""
_ONE_ROW_ASPECT: Final = 2.4
_ROWS_DOUBT: Final = (0.1, 0.9)
_SAME_PLACE: Final = 0.35
_PLATENESS_MIN: Final = 0.3
_SECOND_MARGIN: Final = 0.05
_GIVE_WAY: Final = 0.6
_BELIEVED: Final = 0.93
_FURTHER: Final = ((0.08, 0.05), (-0.05, -0.03), (0.15, 0.10))
"""How much wider and higher (shares of the height, each side) the further looks are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a plate is: the quads worth a look, best first, and the probability of two rows."""

    quads: tuple[Quad, ...]
    two_rows: float

    @property
    def rows(self) -> int:
        return 2 if self.two_rows > 0.5 else 1  # noqa: PLR2004


class LanePlateReader:
    """A `PlateReader` over the networks of `weights/`. One thread may use it."""

    def __init__(
        self,
        *,
        detector: Detector,
        refiner: Refiner,
        recognizer: Recognizer,
        calibration: Calibration,
        second: SecondOpinion | None = None,
    ) -> None:
        """`second` is asked where this one is in doubt; None: doubt stays doubt."""
        self._detector = detector
        self._refiner = refiner
        self._recognizer = recognizer
        self._calibration = calibration
        self._second = second

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        """Every plate found, surest first. See `PlateReader.read`."""
        check_picture(image)
        found = self._detector.find(image)[:_PLATES_MAX]
        windows = [window_around(plate.corners) for plate in found]
        places = [
            _place(plate.corners, float(plate.rows - 1), refined)
            for plate, refined in zip(found, self._refiner.refine(image, windows), strict=True)
        ]
        readings = self._read_places(image, places, frame_number)
        return sorted(readings, key=lambda reading: -reading.confidence)

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        """The plate that fills the crop, tilted or not. See `PlateReader.read_crop`."""
        check_picture(crop)
        whole = _whole(crop)
        if crop.shape[1] >= _ONE_ROW_ASPECT * crop.shape[0]:
            (look,) = self._recognizer.read([rectify(crop, as_corners(whole), 1)])
            best = plain_text(look)
            if best is not None and best.score >= _CLEAR and look.no_plate < _NO_PLATE_MAX:
                place = _Place(quads=(whole,), two_rows=0.0)
                confidence = self._calibration.probability(best.score)
                return _reading(place, [look], best, confidence, frame_number)
        (rough,) = self._refiner.refine(crop, [whole])
        place = _place(whole, rough.two_rows, rough)
        if len(place.quads) > 1:  # a crop is cut more roughly than the detector finds
            (refined,) = self._refiner.refine(crop, [window_around(rough.corners)])
            place = _place(rough.corners, rough.two_rows, refined)
        return next(iter(self._read_places(crop, [place], frame_number, is_plate=True)), None)

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        """`log p(text | picture)` of each text. See `PlateReader.log_likelihoods`.

        Of many texts only the best few hundred of the first look are weighed in every look.
        """
        check_picture(image)
        quad = np.array(corners, np.float32)
        strips = [rectify(image, as_corners(q), rows) for q in (quad, *self._further(image, quad))]
        looks = self._recognizer.read(strips)
        spelled = {index: s for index, text in enumerate(texts) if (s := symbols_of(text))}
        logs = [float("-inf")] * len(texts)
        steps = [one.steps for one in looks]
        if len(spelled) > _SCREENED:
            coarse = mean_log(steps[:1], list(spelled.values()))
            for index, log in zip(spelled, coarse, strict=True):
                logs[index] = log
            best = sorted(spelled, key=lambda index: -logs[index])[:_KEPT]
            spelled = {index: spelled[index] for index in best}
        for index, log in zip(spelled, mean_log(steps, list(spelled.values())), strict=True):
            logs[index] = log
        return logs

    def _read_places(
        self, image: BgrImage, places: list[_Place], frame_number: int, *, is_plate: bool = False
    ) -> list[PlateReading]:
        """What is read at each place; `is_plate` keeps what hardly anybody could read."""
        strips = [rectify(image, as_corners(p.quads[0]), p.rows) for p in places]
        readings = [
            self._settle(image, place, first, frame_number, is_plate=is_plate)
            for place, first in zip(places, self._recognizer.read(strips), strict=True)
        ]
        floor = 0.0 if is_plate else _CONFIDENCE_MIN
        return [r for r in readings if r is not None and r.confidence >= floor]

    def _settle(
        self,
        image: BgrImage,
        place: _Place,
        first: StripReading,
        frame_number: int,
        *,
        is_plate: bool,
    ) -> PlateReading | None:
        """The reading of one place: at once where it is clear, else after further looks."""
        best, looks, rows = plain_text(first), [first], place.rows
        if best is None or best.score < _CLEAR:
            best, looks, rows = self._look_again(image, place, first)
        no_plate_max = _NO_PLATE_CROP_MAX if is_plate else _NO_PLATE_MAX
        if best is None or _mean_no_plate(looks) > no_plate_max:
            return None
        confidence = self._calibration.probability(best.score)
        if confidence < ASK and self._second is not None:
            other = second_reading(self._second, image, place.quads[0])
            if other is not None and is_believed_instead(other, best.text, confidence):
                corners = as_corners(place.quads[0])
                return replace(
                    other,
                    confidence=self._calibration.adopted,
                    corners=corners,
                    frame_number=frame_number,
                )
            same = None if other is None else other.text == best.text
            confidence = self._calibration.probability(best.score, second=same)
        if best.plate_class is PlateClass.OTHER:
            confidence = min(confidence, _FOREIGN_MAX)
        read = _reading(place, looks, best, confidence, frame_number)
        return replace(read, rows=rows)

    def _look_again(
        self, image: BgrImage, place: _Place, first: StripReading
    ) -> tuple[Decoded | None, list[StripReading], int]:
        """The best text over several cuts, with the looks it rests on and its number of rows."""
        quad, further = place.quads[0], self._further(image, place.quads[0])
        if place.rows > 1:  # the upper row is what is cut short
            further += [_raised(quad, share) for share in _RAISED]
        looks = [first, *self._looks(image, further, place.rows)]
        best, rows = next(iter(weighed_texts(looks)), None), place.rows
        others: list[tuple[int, list[Quad]]] = []
        if _ROWS_DOUBT[0] < place.two_rows < _ROWS_DOUBT[1] or best is None:
            others.append((3 - place.rows, [*place.quads, *further]))
        if place.rows > 1:  # or cut through
            others.append((2, [_raised(quad, share) for share in _HALF_A_ROW]))
        if best is None or best.plate_class is PlateClass.OTHER:
            others.append((2, [_raised(quad, share) for share in _ROW_ABOVE]))
        for number, quads in others:
            seen = self._looks(image, quads, number)
            rival = next(iter(weighed_texts(seen)), None)
            if rival is not None and (best is None or rival.score > best.score):
                best, looks, rows = rival, seen, number
        return best, looks, rows

    def _looks(self, image: BgrImage, quads: list[Quad], rows: int) -> list[StripReading]:
        return self._recognizer.read([rectify(image, as_corners(q), rows) for q in quads])

    def _further(self, image: BgrImage, quad: Quad) -> list[Quad]:
        """Other cuts of the plate at `quad`: refined once more, their mean, wider and narrower."""
        (again,) = self._refiner.refine(image, [window_around(quad)])
        if overlap(again.corners, quad) < _SAME_PLACE:
            return [widened(quad, across, down) for across, down in _FURTHER]
        middle = np.asarray((quad + again.corners) / 2, np.float32)
        return [again.corners, middle, *(widened(middle, a, d) for a, d in _FURTHER)]


def _raised(quad: Quad, share: float) -> Quad:
    """The quad with its upper edge moved up by a share of its height."""
    up = (quad[[0, 1]] - quad[[3, 2]]) * share
    return np.array([quad[0] + up[0], quad[1] + up[1], quad[2], quad[3]], np.float32)


def _reading(
    place: _Place,
    looks: list[StripReading],
    best: Decoded,
    confidence: float,
    frame_number: int,
) -> PlateReading:
    return PlateReading(
        text=best.text,
        plate_class=best.plate_class,
        rows=place.rows,
        confidence=confidence,
        characters=characters_of(looks, best),
        corners=as_corners(place.quads[0]),
        frame_number=frame_number,
    )


def _whole(image: BgrImage) -> Quad:
    height, width = image.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _place(found: Quad, two_rows: float, refined: RefinedPlate) -> _Place:
    """Where to look: at the refined corners first, unless they strayed from what was found."""
    strayed = overlap(refined.corners, np.asarray(found, np.float32)) < _SAME_PLACE
    if strayed or refined.plateness < _PLATENESS_MIN:
        return _Place(quads=(found,), two_rows=two_rows)
    return _Place(quads=(refined.corners, found), two_rows=(two_rows + refined.two_rows) / 2)


def _mean_no_plate(looks: list[StripReading]) -> float:
    return sum(look.no_plate for look in looks) / len(looks)


def second_reading(second: SecondOpinion, image: BgrImage, quad: Quad) -> PlateReading | None:
    """What another reader reads there; its corners are those of the cut."""
    window = window_around(quad, _SECOND_MARGIN)
    low = np.maximum(np.floor(window.min(axis=0)), 0).astype(int)
    high = np.ceil(window.max(axis=0)).astype(int)
    crop = image[low[1] : high[1], low[0] : high[0]]
    return second.read_crop(np.ascontiguousarray(crop)) if crop.size else None


def is_believed_instead(other: PlateReading, text: str, confidence: float) -> bool:
    """Whether another reader is so sure of another text, and ours so unsure, that it is taken."""
    return other.text != text and confidence < _GIVE_WAY and other.confidence >= _BELIEVED
