"""Other readers that are installed here, so that one run measures them on the same pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from models.lpr.api import BgrImage, PlateReader, check_picture
from models.lpr.boxes import as_corners, ordered
from models.lpr.paddle import PaddlePlateReader
from models.lpr.plates import CharacterReading, Corners, PlateClass, PlateReading, normalize_plate

_SHORTEST = 3
UNDER_OUR_GRAMMARS: Final = "its PP-OCRv4 under our grammars"
"""The name of the peer that is also the lane's second opinion."""


class RapidOcrPeer:
    """rapidocr-onnxruntime as it is shipped: every line of text is taken for a plate.

    The text of two lines that stand one above the other counts, too. Crops go past its detector,
    which finds nothing in small ones.
    """

    def __init__(self) -> None:
        from rapidocr_onnxruntime import RapidOCR  # noqa: PLC0415 - an optional extra

        self._ocr: Any = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        """Every line, surest first, and every pair of neighbors."""
        check_picture(image)
        lines, _ = self._ocr(image, use_cls=False)
        readings = [
            _reading(text, float(score), _corners(box), frame_number)
            for box, text, score in lines or []
        ]
        pairs = [
            _reading(one.text + two.text, one.confidence * two.confidence, two.corners, 0)
            for one, two in pairwise(readings)
        ]
        kept = [r for r in [*readings, *pairs] if len(r.text) >= _SHORTEST]
        return sorted(kept, key=lambda r: -r.confidence)

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        """The text of the whole crop."""
        check_picture(crop)
        lines, _ = self._ocr(crop, use_det=False, use_cls=False)
        for text, score in lines or []:
            height, width = crop.shape[:2]
            whole = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
            return _reading(text, float(score), whole, frame_number)
        return None

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        """Not offered by this reader: minus infinity for every text."""
        return [float("-inf")] * len(texts)


def _corners(box: Sequence[Sequence[float]]) -> Corners:
    return as_corners(ordered(np.array(box, np.float32)))


def _reading(text: str, score: float, corners: Corners, frame_number: int) -> PlateReading:
    plain = normalize_plate(text)
    return PlateReading(
        text=plain,
        plate_class=PlateClass.OTHER,
        rows=1,
        confidence=score,
        characters=tuple(CharacterReading(character=c, confidence=score) for c in plain),
        corners=corners,
        frame_number=frame_number,
    )


def installed_peers() -> dict[str, PlateReader]:
    """The readers that this machine has, by name; empty without the extra `second-opinion`."""
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        return {}
    return {
        "rapidocr 1.4.4": RapidOcrPeer(),
        UNDER_OUR_GRAMMARS: PaddlePlateReader(),
    }
