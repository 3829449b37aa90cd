"""What a CTC network's output says about a text. Pure: arrays in, numbers out.

The network gives, for each of T steps across the plate, a probability per symbol and one for the
blank. A text's probability is the sum over all ways of spreading it over the steps (repeats and
blanks collapse). `forward_log` is that sum; `decode` finds the likeliest text that a plate's
grammar allows; `positions` says how sure each character is, and what else it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from models.lpr.plates import CharacterReading

Probabilities = npt.NDArray[np.float64]
"""Steps x symbols; column 0 is the blank. Rows sum to at most 1: the rest is no plate's symbol."""

BLANK: Final = 0
_NEVER: Final = -1e30
_TINIEST: Final = 1e-300
_BEAM: Final = 6
_SYMBOL_FLOOR: Final = 2e-3


def forward_log(steps: Probabilities, texts: Sequence[Sequence[int]]) -> list[float]:
    """`log p(text | steps)` for texts of symbol numbers; -inf for no fit."""
    return [float(log) for log in forward_logs([steps], texts)[0]]


def forward_logs(
    looks: Sequence[Probabilities], texts: Sequence[Sequence[int]]
) -> npt.NDArray[np.float64]:
    """The same for several looks of as many steps, in one go: looks x texts."""
    steps = np.asarray(looks, np.float64)
    logs = np.full((len(steps), len(texts)), -np.inf)
    by_length: dict[int, list[int]] = {}
    for index, text in enumerate(texts):
        by_length.setdefault(len(text), []).append(index)
    for length, indices in by_length.items():
        if length == 0:
            blanks = np.log(np.maximum(steps[:, :, BLANK], _TINIEST)).sum(axis=1)
            logs[:, indices] = np.minimum(0.0, blanks)[:, None]
        elif length <= steps.shape[1]:
            labels = np.array([texts[index] for index in indices], np.intp).T
            logs[:, indices] = _forward(steps, np.ascontiguousarray(labels))
    return logs


_RESCALED_EVERY: Final = 6  # steps; a product of so many probabilities stays a float


def _forward(
    looks: npt.NDArray[np.float64], labels: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """The forward sums of texts of one length, `labels` being length x texts: looks x texts.

    `between` holds the mass of paths that end in the blank before symbol n, `on` of those that
    end in symbol n. Both are scaled back now and then, so that nothing underflows.
    """
    length, count = labels.shape
    may_skip = np.ones((length, count))
    may_skip[1:] = labels[1:] != labels[:-1]
    between = np.zeros((len(looks), length + 1, count))
    on = np.zeros((len(looks), length, count))
    between[:, 0], on[:, 0] = looks[:, 0, BLANK, None], looks[:, 0][:, labels[0]]
    emitted, skipped = np.empty_like(on), np.empty_like(on[:, 1:])
    scale = np.zeros((len(looks), count))
    for number in range(1, looks.shape[1]):
        rows = looks[:, number]
        next_on = on + between[:, :-1]
        next_on[:, 1:] += np.multiply(on[:, :-1], may_skip[1:], out=skipped)
        between[:, 1:] += on
        between *= rows[:, BLANK, None, None]
        next_on *= np.take(rows, labels, axis=1, out=emitted, mode="clip")
        on = next_on
        if number % _RESCALED_EVERY == 0:
            peak = np.maximum(np.maximum(on.max(axis=1), between.max(axis=1)), _TINIEST)
            on /= peak[:, None]
            between /= peak[:, None]
            scale += np.log(peak)
    total = on[:, -1] + between[:, -1]
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(np.log(total) + scale, 0.0), np.float64)


def greedy(steps: Probabilities) -> tuple[int, ...]:
    """The symbols of the single likeliest path."""
    path = steps.argmax(axis=1)
    kept = path[np.insert(path[1:] != path[:-1], 0, True)]
    return tuple(int(symbol) for symbol in kept if symbol != BLANK)


def decode(
    steps: Probabilities, may_begin: Callable[[tuple[int, ...]], bool]
) -> list[tuple[int, ...]]:
    """The likeliest texts all of whose prefixes `may_begin` allows, best first (prefix beam)."""
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}  # ends in blank, in symbol
    for row in steps:
        grown: dict[tuple[int, ...], list[float]] = {}
        symbols = [int(s) for s in np.flatnonzero(row > _SYMBOL_FLOOR) if s != BLANK]
        for prefix, (blank, symbol) in beams.items():
            stay = grown.setdefault(prefix, [0.0, 0.0])
            stay[0] += (blank + symbol) * row[BLANK]
            if prefix:
                stay[1] += symbol * row[prefix[-1]]
            for next_symbol in symbols:
                longer = (*prefix, next_symbol)
                if not may_begin(longer):
                    continue
                repeated = bool(prefix) and prefix[-1] == next_symbol
                mass = blank if repeated else blank + symbol
                grown.setdefault(longer, [0.0, 0.0])[1] += mass * row[next_symbol]
        best = sorted(grown.items(), key=lambda item: -sum(item[1]))[:_BEAM]
        scale = sum(best[0][1]) or 1.0
        beams = {prefix: (mass[0] / scale, mass[1] / scale) for prefix, mass in best}
    return list(beams)


def positions(
    looks: Sequence[Probabilities],
    text: Sequence[int],
    alphabet: str,
    *,
    alternatives_max: int = 3,
) -> tuple[CharacterReading, ...]:
    """How sure each character of `text` is against the best replacements at its place.

    Args:
        looks: the network's output for one or several looks at the same plate.
        text: symbol numbers, none of them the blank.
        alphabet: the character of symbol number n is `alphabet[n - 1]`.
        alternatives_max: replacements kept per character.
    """
    trials = _trials(looks, text, alternatives_max)
    variants = [list(text)]
    for place, symbol in trials:
        variants.append([*text[:place], symbol, *text[place + 1 :]])
    logs = np.logaddexp.reduce(forward_logs(looks, variants), axis=0)
    shares = np.exp(logs - logs.max()) if logs.max() > -np.inf else np.ones(len(logs))
    readings = []
    for place, symbol in enumerate(text):
        rivals = [
            (alphabet[s - 1], float(shares[1 + n])) for n, (p, s) in enumerate(trials) if p == place
        ]
        total = float(shares[0]) + sum(share for _, share in rivals)
        rivals.sort(key=lambda rival: -rival[1])
        readings.append(
            CharacterReading(
                character=alphabet[symbol - 1],
                confidence=float(shares[0]) / total if total else 0.0,
                alternatives=tuple((c, share / total) for c, share in rivals[:alternatives_max])
                if total
                else (),
            )
        )
    return tuple(readings)


def _trials(
    looks: Sequence[Probabilities], text: Sequence[int], alternatives_max: int
) -> list[tuple[int, int]]:
    """Places of the text with the symbols that some look sees there, too."""
    fits = forward_logs(looks, [text])[:, 0]
    trials: list[tuple[int, int]] = []
    for place, (first, last) in enumerate(_spans(looks[int(fits.argmax())], text)):
        strength = np.max([steps[first : last + 1].max(axis=0) for steps in looks], axis=0)
        ranked = np.argsort(-strength)[: alternatives_max + 2]
        trials += [
            (place, int(s)) for s in ranked if s not in (BLANK, text[place]) and strength[s] > 0
        ]
    return trials


def _spans(steps: Probabilities, text: Sequence[int]) -> list[tuple[int, int]]:
    """First and last step of each character on the likeliest path that spells `text`."""
    spread = np.full(2 * len(text) + 1, BLANK)
    spread[1::2] = text
    may_skip = np.zeros(len(spread), np.bool_)
    may_skip[3::2] = spread[3::2] != spread[1:-2:2]
    logs = np.log(np.maximum(steps, 1e-30))[:, spread]
    came = np.zeros(logs.shape, np.intp)
    score = np.full(len(spread), _NEVER)
    score[:2] = logs[0, :2]
    reached = np.full((3, len(spread)), _NEVER)  # by staying, by one further, by two
    for number, row in enumerate(logs[1:], start=1):
        reached[0] = score
        reached[1, 1:] = score[:-1]
        reached[2, 2:] = np.where(may_skip[2:], score[:-2], _NEVER)
        came[number] = reached.argmax(axis=0)
        score = reached.max(axis=0) + row
    at = int(np.argmax(score[-2:])) + len(spread) - 2
    spans: dict[int, tuple[int, int]] = {}
    for number in range(len(steps) - 1, -1, -1):
        if at % 2:
            spans[at // 2] = (number, spans.get(at // 2, (number, number))[1])
        at -= int(came[number, at])
    return [spans.get(place, (0, len(steps) - 1)) for place in range(len(text))]
