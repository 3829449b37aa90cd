"""From the steps of a strip to the plate that it shows, under the grammars of `plates.py`.

The colour speaks too: a text counts as far as a class that it may have was seen. A text that no
grammar allows is kept only as a foreign plate, where the network saw one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np

from models.lpr import ctc
from models.lpr.alphabet import ALPHABET, decode, encode
from models.lpr.ctc import Probabilities
from models.lpr.plates import (
    CharacterReading,
    PlateClass,
    may_begin_plate,
    normalize_plate,
    plausible_classes,
)
from models.lpr.recognizer import StripReading, mean_of

_FOREIGN_MIN: Final = 3
_FOREIGN_MAX: Final = 10
_REST_WEIGHT: Final = 0.5  # mass on other texts, and on texts of a color that was not seen
_PATH_MIN: Final = 0.3  # of the likeliest path; the networks are modest
_COLOR_MIN: Final = 0.6
_DECODED: Final = 2  # looks whose beam is followed; of the others the likeliest path is enough
_ALTERNATIVES_MAX: Final = 3
_TINIEST: Final = 1e-300

Symbols = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A text that a strip may show; `score` 0..1 orders the texts of one strip.

    The score is not calibrated: `calibration.py` makes a probability of it. `characters` is how
    sure each of them is, where finding the text has already said so.
    """

    symbols: Symbols
    text: str
    plate_class: PlateClass
    score: float
    characters: tuple[CharacterReading, ...] = ()


def plain_text(reading: StripReading) -> Decoded | None:
    """The straight way: the likeliest path, where it spells a plate of the class that was seen.

    Its score is how sure its characters are against what else may stand in their places. The
    likelihood of the path itself would say more of where they stand than of what they are.
    A fifth of a millisecond; None where there is no such text, or the path is too unsure.
    """
    if float(np.prod(reading.steps.max(axis=1))) < _PATH_MIN:
        return None
    symbols = ctc.greedy(reading.steps)
    text, classes = _plate_of(symbols)
    if not classes:
        return None
    plate_class = max(classes, key=lambda c: reading.classes[c])
    if reading.classes[plate_class] < _COLOR_MIN:
        return None
    characters = _spelled(text, _on_path(reading.steps, symbols))
    share = prod(c.confidence for c in characters) * reading.classes[plate_class]
    score = share / (share + _REST_WEIGHT * (1 - share))
    return Decoded(
        symbols=symbols, text=text, plate_class=plate_class, score=score, characters=characters
    )


def weighed_texts(looks: list[StripReading]) -> list[Decoded]:
    """Every text that one or several looks at the same plate may mean, best first."""
    seen = mean_of(looks)
    texts: dict[Symbols, tuple[str, PlateClass]] = {}
    for number, one in enumerate(looks):
        beam = ctc.decode(one.steps, _may_begin) if number < _DECODED else []
        for symbols in (ctc.greedy(one.steps), *beam):
            text, classes = _plate_of(symbols)
            if classes:
                texts[symbols] = text, max(classes, key=lambda c: seen.classes[c])
            elif _FOREIGN_MIN <= len(text) <= _FOREIGN_MAX and symbols == ctc.greedy(one.steps):
                texts[symbols] = text, PlateClass.OTHER
    if not texts:
        return []
    logs = mean_log([one.steps for one in looks], list(texts))
    likelihoods = np.exp(logs)
    shares = [
        float(p) * seen.classes[c] for p, (_, c) in zip(likelihoods, texts.values(), strict=True)
    ]
    rest = max(0.0, 1.0 - sum(shares)) * _REST_WEIGHT
    total = sum(shares) + rest + 1e-30
    found = [
        Decoded(symbols=symbols, text=text, plate_class=plate_class, score=share / total)
        for (symbols, (text, plate_class)), share in zip(texts.items(), shares, strict=True)
    ]
    return sorted(found, key=lambda d: (-d.score, d.text))


def mean_log(looks: list[Probabilities], texts: list[Symbols]) -> list[float]:
    """`log` of the mean likelihood of each text over several looks at the same plate."""
    logs = ctc.forward_logs(looks, texts)
    return [float(v) for v in np.logaddexp.reduce(logs, axis=0) - np.log(len(looks))]


def characters_of(looks: list[StripReading], found: Decoded) -> tuple[CharacterReading, ...]:
    """How sure each character is and what else it may be, over all looks."""
    if found.characters:
        return found.characters
    readings = ctc.positions([one.steps for one in looks], found.symbols, ALPHABET)
    return _spelled(found.text, readings)


def _spelled(text: str, readings: tuple[CharacterReading, ...]) -> tuple[CharacterReading, ...]:
    """The readings under the characters as a plate spells them."""
    return tuple(
        CharacterReading(character=c, confidence=r.confidence, alternatives=r.alternatives)
        for c, r in zip(text, readings, strict=True)
    )


def _on_path(steps: Probabilities, symbols: Symbols) -> tuple[CharacterReading, ...]:
    """From the surest step of each character on the likeliest path, which spells `symbols`."""
    path = steps.argmax(axis=1)
    starts = np.flatnonzero(np.insert(path[1:] != path[:-1], 0, True))
    ends = np.append(starts[1:], len(path))
    surest = [
        start + int(steps[start:end, path[start]].argmax())
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if path[start] != ctc.BLANK
    ]
    rows = steps[surest]
    rows[:, ctc.BLANK] = 0.0
    rows /= np.maximum(rows.sum(axis=1, keepdims=True), _TINIEST)
    ranked = np.argpartition(rows, -1 - _ALTERNATIVES_MAX, axis=1)[:, -1 - _ALTERNATIVES_MAX :]
    shares = np.take_along_axis(rows, ranked, axis=1).tolist()
    return tuple(
        CharacterReading(
            character=ALPHABET[symbol - 1],
            confidence=float(row[symbol]),
            alternatives=_alternatives(symbol, numbers, likely),
        )
        for symbol, row, numbers, likely in zip(symbols, rows, ranked.tolist(), shares, strict=True)
    )


def _alternatives(
    symbol: int, numbers: list[int], shares: list[float]
) -> tuple[tuple[str, float], ...]:
    rivals = sorted(zip(shares, numbers, strict=True), reverse=True)
    others = [(ALPHABET[n - 1], share) for share, n in rivals if n not in (symbol, ctc.BLANK)]
    return tuple(others[:_ALTERNATIVES_MAX])


def symbols_of(text: str) -> Symbols | None:
    """The symbols of any text a person may have typed, or None where no plate spells it."""
    plain = normalize_plate(text)
    return encode(plain) if plain else None


@lru_cache(maxsize=65_536)
def _may_begin(symbols: Symbols) -> bool:
    return may_begin_plate(decode(symbols))


@lru_cache(maxsize=16_384)
def _plate_of(symbols: Symbols) -> tuple[str, tuple[PlateClass, ...]]:
    text = normalize_plate(decode(symbols))
    return text, plausible_classes(text)
