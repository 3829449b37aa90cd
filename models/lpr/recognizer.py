"""What is written on a strip: for every step across it the likelihood of every character."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from models.lpr.alphabet import ALPHABET, CLASSES
from models.lpr.api import BgrImage
from models.lpr.ctc import Probabilities
from models.lpr.plates import PlateClass
from models.lpr.session import WeightsError

_NO_PLATE = CLASSES.index("no_plate")
_CLASS_MIN = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class StripReading:
    """What the network says of one strip.

    `steps` is steps x symbols (column 0 the blank). `classes` gives each class of plate its
    probability if it is a plate, `no_plate` the probability that it is none.
    """

    steps: Probabilities
    classes: dict[PlateClass, float]
    no_plate: float


class Recognizer:
    """Owns the network. One thread uses it.

    Raises:
        WeightsError: the network was taught another alphabet.
    """

    def __init__(self, session: ort.InferenceSession) -> None:
        taught = session.get_modelmeta().custom_metadata_map.get("alphabet", "")
        if taught != ALPHABET:
            raise WeightsError(f"plate reader: the recognizer was taught {taught!r}")
        self._session = session
        self._input = session.get_inputs()[0].name

    def read(self, strips: list[BgrImage]) -> list[StripReading]:
        """One reading per strip of 48 x 168 x 3."""
        if not strips:
            return []
        log_probs, class_logits = self._session.run(None, {self._input: np.stack(strips)})
        return [
            _reading(np.exp(np.asarray(log, np.float64)), logits)
            for log, logits in zip(log_probs, class_logits, strict=True)
        ]


def _reading(steps: Probabilities, logits: npt.NDArray[np.float32]) -> StripReading:
    shares = np.exp(np.asarray(logits, np.float64) - float(logits.max()))
    shares /= shares.sum()
    no_plate = float(shares[_NO_PLATE])
    shares = np.maximum(np.delete(shares, _NO_PLATE), _CLASS_MIN)
    shares /= shares.sum()
    named = (name for name in CLASSES if name != "no_plate")
    classes = {PlateClass(name): float(s) for name, s in zip(named, shares, strict=True)}
    return StripReading(steps=steps, classes=classes, no_plate=no_plate)


def mean_of(readings: list[StripReading]) -> StripReading:
    """Several readings of one plate as one: classes averaged, the steps those of the first."""
    count = len(readings)
    classes = {c: sum(r.classes[c] for r in readings) / count for c in readings[0].classes}
    no_plate = sum(r.no_plate for r in readings) / count
    return StripReading(steps=readings[0].steps, classes=classes, no_plate=no_plate)
