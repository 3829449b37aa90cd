"""Is the plate in the picture one of those that were declared? Pure but for the reader it asks.

The reader says how likely the picture is for any text. What it must be held against is not all
the plates in the world but the one that could pass for a declared one: the plate that differs from
it in one character. So "none of them" is the free reading and every one-character neighbor of the
declared plates that come near, each with a prior as if every one of them drove as an impostor.
A declared plate is accepted only where hardly anything is left for any of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import exp, isinf
from typing import Final

from models.lpr.api import BgrImage, PlateReader
from models.lpr.plates import (
    DIGITS,
    LETTERS,
    PROVINCES,
    SUFFIXES,
    CharacterReading,
    PlateReading,
    normalize_plate,
    plausible_class,
)

SHOWN: Final = 5
_NEAR: Final = 12.0  # natural logarithm below the best text within which neighbors are weighed
_NEIGHBORS_OF: Final = 2  # declared plates whose neighbors are weighed
_GROUPS: Final = (PROVINCES, SUFFIXES, LETTERS + DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPolicy:
    """What it takes to accept; fitted on pictures that the measure does not use, else strict.

    `temperature` flattens the reader's logarithms, which are too sure of themselves.
    `declared_odds`: how many times likelier a declared plate is than one impostor's plate.
    `rest_weight`: what mass on texts that nobody weighed counts for "none".
    `posterior_min`, `log_likelihood_min`: less than either is not accepted.
    """

    temperature: float = 1.0
    declared_odds: float = 1.0
    rest_weight: float = 0.3
    posterior_min: float = 0.999
    log_likelihood_min: float = -6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One declared plate: how well it explains the picture, and how probable it then is."""

    text: str
    log_likelihood: float
    posterior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The best declared plates, the probability of none of them, and the one accepted or None."""

    candidates: tuple[Candidate, ...]
    none: float
    accepted: str | None


NOTHING: Final = Verification(candidates=(), none=1.0, accepted=None)
"""What a picture without a plate, or an empty list, gives."""


def verify_reading(
    reader: PlateReader,
    image: BgrImage,
    reading: PlateReading,
    declared: Sequence[str],
    policy: VerifyPolicy,
) -> Verification:
    """Weighs the declared plates for the plate at `reading`.

    Args:
        reader: asked for likelihoods, twice.
        image: the picture.
        reading: what was read there freely; its place and rows are used, and its text is the
            first rival.
        declared: any form of the plates; doubles count once.
        policy: what it takes to accept.
    """
    return verify_frames(reader, [(image, reading)], declared, policy)


def verify_frames(
    reader: PlateReader,
    looks: Sequence[tuple[BgrImage, PlateReading]],
    declared: Sequence[str],
    policy: VerifyPolicy,
) -> Verification:
    """The same over several pictures of one plate.

    They err alike, so together they count as one picture: the mean of their logarithms.

    Args:
        reader: asked twice about the first picture, once about each other.
        looks: pictures with what was read there freely; the surest first.
        declared: any form of the plates; doubles count once.
        policy: what it takes to accept.
    """
    texts = list(dict.fromkeys(normalize_plate(text) for text in declared))
    if not texts or not looks:
        return NOTHING
    first, *further = looks
    logs = [_likelihoods(reader, first, texts)]
    rivals = rivals_of(first[1].text, sorted(zip(logs[0], texts, strict=True), reverse=True),
                       set(texts))  # fmt: skip
    rival_logs = [_likelihoods(reader, first, rivals)]
    for look in further:
        both = _likelihoods(reader, look, [*texts, *rivals])
        logs.append(both[: len(texts)])
        rival_logs.append(both[len(texts) :])
    ranked = sorted(zip(_means(logs), texts, strict=True), reverse=True)
    return weigh(ranked, _means(rival_logs), policy)


def _likelihoods(
    reader: PlateReader, look: tuple[BgrImage, PlateReading], texts: Sequence[str]
) -> list[float]:
    image, reading = look
    return reader.log_likelihoods(image, reading.corners, texts, rows=reading.rows)


def _means(logs: Sequence[Sequence[float]]) -> list[float]:
    return [sum(each) / len(logs) for each in zip(*logs, strict=True)]


def look_alikes(text: str, characters: Sequence[CharacterReading]) -> list[str]:
    """What a reading could be taken for, nearest first: texts that some plate may carry.

    The text itself, every plate one character from it (another one of the same sort, one less,
    one more), and those two characters from it where the reader names both as alternatives.
    """
    found = [text, *neighbors(text)]
    found += [text[:place] + text[place + 1 :] for place in range(len(text))]
    found += [
        text[:place] + extra + text[place:]
        for place in range(1, len(text) + 1)
        for extra in LETTERS + DIGITS
    ]
    if len(characters) == len(text):
        for one, other in combinations(range(len(text)), 2):
            for a, _ in characters[one].alternatives:
                for b, _ in characters[other].alternatives:
                    found.append(text[:one] + a + text[one + 1 : other] + b + text[other + 1 :])
    return [each for each in dict.fromkeys(found) if each == text or plausible_class(each)]


def rivals_of(free: str, ranked: Sequence[tuple[float, str]], declared: set[str]) -> list[str]:
    """The undeclared plates that might stand there: the free reading and near neighbors."""
    rivals = {free: None}
    best = ranked[0][0]
    for log, text in ranked[:_NEIGHBORS_OF]:
        if not isinf(log) and best - log < _NEAR:
            rivals.update(dict.fromkeys(neighbors(text)))
    return [text for text in rivals if text and text not in declared]


@lru_cache(maxsize=4_096)
def neighbors(text: str) -> tuple[str, ...]:
    """Every plate that differs from `text` in one character of the same sort."""
    found: list[str] = []
    for place, character in enumerate(text):
        for group in _GROUPS:
            if character in group:
                changed = (text[:place] + c + text[place + 1 :] for c in group if c != character)
                found += [t for t in changed if plausible_class(t) is not None]
    return tuple(found)


def weigh(
    ranked: Sequence[tuple[float, str]], rival_logs: Sequence[float], policy: VerifyPolicy
) -> Verification:
    """Posteriors of the declared plates against their rivals.

    Args:
        ranked: (log-likelihood, text) of the declared plates, best first.
        rival_logs: log-likelihoods of the plates that were not declared.
        policy: priors and bars.
    """
    if not ranked or isinf(ranked[0][0]):
        return Verification(candidates=_shown(ranked, 0.0, policy), none=1.0, accepted=None)
    mass = sum(_share(log, policy) for log, _ in ranked) * policy.declared_odds
    rest = max(0.0, 1.0 - sum(exp(log) for log, _ in ranked) - sum(exp(r) for r in rival_logs))
    none = sum(_share(log, policy) for log in rival_logs) + rest * policy.rest_weight
    total = mass + none
    shown = _shown(ranked, total, policy)
    first = shown[0]
    is_accepted = (
        first.posterior >= policy.posterior_min
        and first.log_likelihood >= policy.log_likelihood_min
    )
    return Verification(
        candidates=shown, none=none / total, accepted=first.text if is_accepted else None
    )


def _share(log: float, policy: VerifyPolicy) -> float:
    return exp(log / policy.temperature)


def _shown(
    ranked: Sequence[tuple[float, str]], total: float, policy: VerifyPolicy
) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            text=text,
            log_likelihood=log,
            posterior=_share(log, policy) * policy.declared_odds / total if total else 0.0,
        )
        for log, text in ranked[:SHOWN]
    )
