"""Trials of verification: is a plate accepted that was declared, is an impostor turned away?

For every picture, lists of 5,000 declared plates: random ones, ten one-character neighbors of the
plate in the picture, and with or without that plate itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np

from models.lpr.api import BgrImage, PlateReader
from models.lpr.plates import PlateReading, normalize_plate
from models.lpr.verify import Verification, VerifyPolicy, neighbors, rivals_of, weigh
from models.synth.plate_pictures import random_plate

DECLARED: Final = 5_000
NEIGHBORS: Final = 10
LISTS: Final = 7  # of each sort a picture
_POOLS: Final = 16
_FOLD: Final = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTrial:
    """One list held against one picture: all that a policy needs to decide it.

    `ranked` are the best declared plates with their logarithms, best first; `rivals` the
    logarithms of the undeclared. Both empty where nothing was found in the picture.
    """

    plate: str
    is_impostor: bool
    ranked: tuple[tuple[float, str], ...]
    rivals: tuple[float, ...]

    def decide(self, policy: VerifyPolicy) -> Verification:
        """What the policy says of it."""
        return weigh(self.ranked, self.rivals, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCounts:
    """Impostor trials and how many were accepted; own trials and how many were accepted right."""

    impostors: int
    false_accepts: int
    owners: int
    true_accepts: int


_KEPT: Final = 50  # of 5,000 logarithms; the others are too far away to weigh anything


def trials_of(
    reader: PlateReader, image: BgrImage, reading: PlateReading | None, plate: str, seed: int
) -> Iterator[ScoredTrial]:
    """`LISTS` lists without the plate in the picture and as many with it."""
    rng = np.random.default_rng((seed, *(ord(c) for c in plate)))
    pool = [t for t in _others(seed % _POOLS) if not _same(t, plate)]
    near = [t for t in neighbors(plate) if not _same(t, plate)]
    picks = [_picked(rng, near) for _ in range(LISTS)]
    if reading is None:
        for _ in range(LISTS):
            yield ScoredTrial(plate=plate, is_impostor=True, ranked=(), rivals=())
            yield ScoredTrial(plate=plate, is_impostor=False, ranked=(), rivals=())
        return
    likelihoods = _Likelihoods(reader, image, reading)
    likelihoods.learn([*pool, *near, plate])
    for number, ten in enumerate(picks):
        start = number * 7 % 90
        for is_impostor in (True, False):
            listed = [*pool[start : start + DECLARED - NEIGHBORS - 1], *ten]
            listed += pool[-1:] if is_impostor else [plate]
            yield _scored(likelihoods, reading.text, plate, listed)


class _Likelihoods:
    """The logarithms of the plate in one picture, each text asked for once."""

    def __init__(self, reader: PlateReader, image: BgrImage, reading: PlateReading) -> None:
        self._ask = partial(reader.log_likelihoods, image, reading.corners, rows=reading.rows)
        self._known: dict[str, float] = {}

    def learn(self, texts: list[str]) -> None:
        """Asks for those of `texts` that are not known."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        if unknown:
            self._known.update(zip(unknown, self._ask(texts=unknown), strict=True))

    def of(self, text: str) -> float:
        """The logarithm of a text that was learned."""
        return self._known[text]


def _scored(likelihoods: _Likelihoods, free: str, plate: str, listed: list[str]) -> ScoredTrial:
    ranked = sorted(((likelihoods.of(text), text) for text in set(listed)), reverse=True)
    rivals = rivals_of(free, ranked, set(listed))
    likelihoods.learn(rivals)
    return ScoredTrial(
        plate=plate,
        is_impostor=plate not in listed,
        ranked=tuple(ranked[:_KEPT]),
        rivals=tuple(likelihoods.of(text) for text in rivals),
    )


@lru_cache(maxsize=_POOLS)
def _others(number: int) -> tuple[str, ...]:
    """One of a few crowds of vehicles, a little larger than a list."""
    rng = np.random.default_rng((911, number))
    texts: dict[str, None] = {}
    while len(texts) < DECLARED + 100:
        texts[normalize_plate(random_plate(rng)[0])] = None
    return tuple(texts)


def _picked(rng: np.random.Generator, near: Sequence[str]) -> list[str]:
    size = min(NEIGHBORS, len(near))
    return [near[int(k)] for k in rng.choice(len(near), size, replace=False)]


def _same(one: str, other: str) -> bool:
    return one.translate(_FOLD) == other.translate(_FOLD)


def count(trials: Iterable[ScoredTrial], policy: VerifyPolicy) -> TrialCounts:
    """How the policy decides them all; accepting a wrong plate of an own list is no true accept."""
    impostors = false_accepts = owners = true_accepts = 0
    for trial in trials:
        accepted = trial.decide(policy).accepted
        if trial.is_impostor:
            impostors += 1
            false_accepts += accepted is not None
        else:
            owners += 1
            true_accepts += accepted is not None and _same(accepted, trial.plate)
    return TrialCounts(
        impostors=impostors,
        false_accepts=false_accepts,
        owners=owners,
        true_accepts=true_accepts,
    )
