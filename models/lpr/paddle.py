"""Plates read with PP-OCRv4, a general text reader, from the weights in the rapidocr wheel.

Its networks are run directly: the detector on a reduced picture, then the recognizer on the few
boxes that have a plate's shape, each cut out upright at full resolution. The recognizer knows
6,623 characters; what it says is folded onto the plates' alphabet (o and O are 0 in a serial, a
separator is a blank) and decoded under the grammars of `plates.py`. The confidence starts from the
CTC probability of the whole text under the *unconstrained* output: a shop sign forced into a
grammar keeps next to none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr import ctc
from models.lpr.api import BgrImage, check_picture
from models.lpr.boxes import Quad, TextBox, as_corners, straightened, text_boxes, widened
from models.lpr.candidates import (
    Candidate,
    Side,
    candidates,
    completed,
    crop_candidates,
    split_rows,
)
from models.lpr.colors import PlateColor, contradicts, plate_color, settle_class
from models.lpr.plates import (
    DIGITS,
    LETTERS,
    PROVINCES,
    SUFFIXES,
    Corners,
    PlateClass,
    PlateReading,
    may_begin_plate,
    normalize_plate,
    plausible_classes,
)
from models.lpr.session import WeightsError, open_session, packaged_weights

_PACKAGE: Final = "rapidocr_onnxruntime"
_DETECTOR: Final = (
    "ch_PP-OCRv4_det_infer.onnx",
    "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
)
_RECOGNIZER: Final = (
    "ch_PP-OCRv4_rec_infer.onnx",
    "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
)

ALPHABET: Final = PROVINCES + SUFFIXES + LETTERS + DIGITS
_SYMBOL: Final = {character: number for number, character in enumerate(ALPHABET, start=1)}
# What a general reader takes a plate's character for; none of these stands on a plate.
_FOLDED: Final = dict(zip("OIl|丨〇○×乙口粵泸", "0111100XZD粤沪", strict=True))
_SEPARATORS: Final = frozenset("·•・▪.-‐—_:：' ")

# Long sides of the picture that the detector sees: the second one only where the first shows no
# plate, which lane cameras (a plate of 100 px or more in 1280) seldom need.
_LONG_SIDES_PX: Final = (512, 960)
_FOUND: Final = 0.5  # a plate this sure ends the search
_ROW_PX: Final = 48
# A plate is first read at one width; in doubt also narrower and wider and cut out anew.
_ROW_WIDTH_PX: Final = 176
_DOUBT: Final = ((144, 0.0, 0.0), (224, 0.0, 0.0), (192, 0.10, 0.05))
_SURE: Final = 0.90  # below it, the plate is cut out and read again
_ISLANDS: Final = frozenset({PlateClass.HK, PlateClass.MACAU})
_CONFIDENCE_MIN: Final = 0.03  # below it, the text is a guess forced by the grammar


class PaddlePlateReader:
    """A `PlateReader` over PP-OCRv4. One thread may use it; it holds about 150 MB.

    Raises:
        WeightsError: the weights are missing or are not the ones this code was measured with.
    """

    model_id: Final = f"ppocr4-{_DETECTOR[1][:12]}-{_RECOGNIZER[1][:12]}"

    def __init__(self) -> None:
        self._detector = open_session(packaged_weights(_PACKAGE, *_DETECTOR))
        self._recognizer = open_session(packaged_weights(_PACKAGE, *_RECOGNIZER))
        self._fold = _folding(self._recognizer.get_modelmeta().custom_metadata_map)
        self.read(np.zeros((64, 64, 3), np.uint8))

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        """Every plate found, surest first. See `PlateReader.read`."""
        check_picture(image)
        readings: list[PlateReading] = []
        for long_side_px in _LONG_SIDES_PX:
            if readings and max(r.confidence for r in readings) >= _FOUND:
                break
            if long_side_px != _LONG_SIDES_PX[0] and max(image.shape) <= _LONG_SIDES_PX[0]:
                break
            for candidate in candidates(self._detect(image, long_side_px)):
                reading = self._read_candidate(image, candidate, frame_number)
                if reading is not None:
                    readings.append(reading)
        return _without_overlaps(readings)

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        """The plate that fills the crop, tried as one row and as two. See `PlateReader`."""
        check_picture(crop)
        height, width = crop.shape[:2]
        readings = [
            self._read_candidate(crop, shape, frame_number)
            for shape in crop_candidates(width, height)
        ]
        found = [reading for reading in readings if reading is not None]
        return max(found, key=lambda reading: reading.confidence, default=None)

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        """`log p(text | picture)` of each text. See `PlateReader.log_likelihoods`."""
        check_picture(image)
        quad = np.array(corners, np.float32)
        quads = split_rows(quad) if rows > 1 else (quad,)
        cuts = [self._recognize(image, quads), *self._further_cuts(image, quads)]
        by_length: dict[int, list[int]] = {}
        labels = [_labels(normalize_plate(text)) for text in texts]
        for index, label in enumerate(labels):
            if label:
                by_length.setdefault(len(label), []).append(index)
        logs = [float("-inf")] * len(texts)
        for indices in by_length.values():
            same_length = [labels[index] for index in indices]
            scores = np.array([ctc.forward_log(steps, same_length) for steps in cuts])
            means = np.logaddexp.reduce(scores, axis=0) - np.log(len(cuts))
            for index, mean in zip(indices, means, strict=True):
                logs[index] = float(mean)
        return logs

    def _detect(self, image: BgrImage, long_side_px: int) -> list[TextBox]:
        height, width = image.shape[:2]
        shrink = min(1.0, long_side_px / max(height, width))
        size = [max(32, round(side * shrink / 32) * 32) for side in (width, height)]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        (output,) = self._detector.run(None, {self._detector.get_inputs()[0].name: _tensor(small)})
        return text_boxes(output[0, 0], (width / size[0], height / size[1]))

    def _read_candidate(
        self, image: BgrImage, candidate: Candidate, frame_number: int
    ) -> PlateReading | None:
        """The plate in a candidate, or in the place around it where it shows half of one."""
        steps = [self._recognize(image, candidate.rows)]
        reading = self._read_steps(image, candidate, steps, frame_number)
        islands = reading is not None and reading.plate_class in _ISLANDS
        if reading is not None and not islands:
            return reading
        # A serial without its province: the detector may have lost the part of another color, and
        # 粤AB1234 without 粤 would be a plate of Hong Kong.
        whole = [
            self._read_steps(image, grown, [self._recognize(image, grown.rows)], frame_number)
            for grown in completed(candidate, _missing_side(steps[0]), len(ctc.greedy(steps[0])))
        ]
        mainland = [r for r in whole if r is not None and r.plate_class not in _ISLANDS]
        surest = max(mainland, key=lambda r: r.confidence, default=None)
        return reading if surest is None or (islands and surest.confidence < _FOUND) else surest

    def _read_steps(
        self,
        image: BgrImage,
        candidate: Candidate,
        steps: list[ctc.Probabilities],
        frame_number: int,
    ) -> PlateReading | None:
        middle = widened(candidate.whole, -0.12, -0.15)
        color = plate_color(straightened(image, middle, 144, 48))
        best = _best_text(steps, color, rivals=False)
        if best is not None and best[1] < _SURE:
            steps = [*steps, *self._further_cuts(image, candidate.rows)]
            best = _best_text(steps, color, rivals=True)
        if best is None or best[1] < _CONFIDENCE_MIN:
            return None
        labels, confidence = best
        text = _text_of(labels)
        plate_class = settle_class(plausible_classes(text), color)
        if plate_class is None:
            return None
        likeliest = max(steps, key=lambda s: ctc.forward_log(s, [labels])[0])
        return PlateReading(
            text=text,
            plate_class=plate_class,
            rows=len(candidate.rows),
            confidence=confidence,
            characters=ctc.positions([likeliest], labels, ALPHABET),
            corners=as_corners(candidate.whole),
            frame_number=frame_number,
        )

    def _further_cuts(self, image: BgrImage, rows: Sequence[Quad]) -> list[ctc.Probabilities]:
        """The same place cut out narrower, wider and with other margins."""
        return [
            self._recognize(image, [widened(row, across, down) for row in rows], width_px)
            for width_px, across, down in _DOUBT
        ]

    def _recognize(
        self, image: BgrImage, rows: Iterable[Quad], width_px: int = _ROW_WIDTH_PX
    ) -> ctc.Probabilities:
        """The folded output for all rows, one after the other."""
        parts = []
        for quad in rows:
            picture = straightened(image, quad, width_px, _ROW_PX)
            name = self._recognizer.get_inputs()[0].name
            (output,) = self._recognizer.run(None, {name: _tensor(picture)})
            parts.append(_folded(output[0], self._fold))
        return np.concatenate(parts)


def _tensor(picture: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    scaled = np.asarray(picture, np.float32) * np.float32(2 / 255) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _folding(metadata: dict[str, str]) -> npt.NDArray[np.intp]:
    """For each of the network's outputs the plate symbol it counts for, or -1.

    Raises:
        WeightsError: the network's character list is missing or lacks a plate's character.
    """
    characters = ["", *metadata.get("character", "").splitlines(), " "]
    fold = np.full(len(characters), -1, np.intp)
    fold[0] = ctc.BLANK
    for number, character in enumerate(characters[1:], start=1):
        if character in _SEPARATORS:
            fold[number] = ctc.BLANK
            continue
        plain = _FOLDED.get(character, character)
        fold[number] = _SYMBOL.get(
            plain, _SYMBOL.get(_FOLDED.get(plain.upper(), plain.upper()), -1)
        )
    missing = set(_SYMBOL.values()) - set(fold.tolist())
    if missing:
        lacking = "".join(sorted(ALPHABET[number - 1] for number in missing))
        raise WeightsError(f"plate reader: the recognizer does not know {lacking}")
    return fold


def _folded(output: npt.NDArray[np.float32], fold: npt.NDArray[np.intp]) -> ctc.Probabilities:
    steps = np.zeros((len(output), len(ALPHABET) + 1))
    known = fold >= 0
    np.add.at(steps.T, fold[known], output.T[known])
    return steps


def _labels(text: str) -> tuple[int, ...]:
    """Symbol numbers of a normalized text; empty where the alphabet cannot spell it."""
    numbers = [_SYMBOL.get(_FOLDED.get(character, character), 0) for character in text]
    return tuple(numbers) if all(numbers) else ()


_HALF_PLATE: Final = (4, 7)  # symbols of a plate that lacks its province or its end
_SERIAL_SYMBOLS: Final = frozenset(_SYMBOL[character] for character in LETTERS + DIGITS)
_PROVINCE_SYMBOLS: Final = frozenset(_SYMBOL[character] for character in PROVINCES)


def _missing_side(steps: ctc.Probabilities) -> Side | None:
    """The side on which a text that looks like half a plate must go on, if any."""
    straight = ctc.greedy(steps)
    if not _HALF_PLATE[0] <= len(straight) <= _HALF_PLATE[1]:
        return None
    if _SERIAL_SYMBOLS.issuperset(straight):
        return Side.LEFT
    if straight[0] in _PROVINCE_SYMBOLS and _SERIAL_SYMBOLS.issuperset(straight[1:]):
        return Side.RIGHT
    return None


@lru_cache(maxsize=65_536)
def _may_begin(labels: tuple[int, ...]) -> bool:
    text = "".join(ALPHABET[label - 1] for label in labels)
    if text[1:2] == "0" and text[0] in PROVINCES:  # the office O, folded onto 0
        text = text[0] + "O" + text[2:]
    return may_begin_plate(text)


def _text_of(labels: tuple[int, ...]) -> str:
    return normalize_plate("".join(ALPHABET[label - 1] for label in labels))


@lru_cache(maxsize=4_096)
def _classes_of(labels: tuple[int, ...]) -> tuple[PlateClass, ...]:
    return plausible_classes(_text_of(labels))


_SYMBOLS_MIN: Final = 3
_CONTRADICTED: Final = 0.3  # what is left of the belief in a text that the color speaks against
_PLATE_MASS: Final = 0.3  # less than this on all plates together, and it may be none


def _best_text(
    steps: list[ctc.Probabilities], color: PlateColor, *, rivals: bool
) -> tuple[tuple[int, ...], float] | None:
    """The plate whose mean probability over several cuts of the same place is highest.

    With `rivals` its share among all plates that the picture may show counts: what the network
    spends on texts that no plate carries (粤7 for 粤Z) speaks against a plate only where little
    is left for plates at all.
    """
    texts: set[tuple[int, ...]] = set()
    for one in steps:
        straight = ctc.greedy(one)
        if len(straight) < _SYMBOLS_MIN:
            continue
        if _classes_of(straight):
            texts.add(straight)
        if rivals or not _classes_of(straight):
            texts.update(text for text in ctc.decode(one, _may_begin) if _classes_of(text))
    ranked = []
    for text in texts:
        mean = float(np.mean([np.exp(ctc.forward_log(one, [text])[0]) for one in steps]))
        belief = _CONTRADICTED if contradicts(_classes_of(text), color) else 1.0
        ranked.append((mean * belief, text))
    if not ranked:
        return None
    confidence, text = max(ranked)
    if rivals:
        mass = sum(share for share, _ in ranked)
        confidence = confidence / mass * min(1.0, mass / _PLATE_MASS) if mass else 0.0
    return text, confidence


def _without_overlaps(readings: list[PlateReading]) -> list[PlateReading]:
    """Surest first; a reading whose middle lies in a surer one's place is the same plate."""
    kept: list[PlateReading] = []
    for reading in sorted(readings, key=lambda r: -r.confidence):
        middle = np.array(reading.corners).mean(axis=0)
        if not any(_contains(other.corners, middle) for other in kept):
            kept.append(reading)
    return kept


def _contains(corners: Corners, point: npt.NDArray[np.float64]) -> bool:
    polygon = np.array(corners, np.float32)
    return cv2.pointPolygonTest(polygon, (float(point[0]), float(point[1])), measureDist=False) >= 0
