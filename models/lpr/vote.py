"""One answer from the frames of one passage. Pure.

Frames of one passage err alike, so agreement raises confidence only as far as the frames are
independent in part: two frames that agree are surer than one, ten are not certain. What frames
disagree about stays visible in the alternatives of each position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from models.lpr.plates import CharacterReading, PlateClass, PlateReading, plausible_classes

_SAME_PLATE_EDITS: Final = 2  # readings of one plate differ by no more
_ALTERNATIVES_MAX: Final = 3
_INDEPENDENCE: Final = 0.5  # how much of a further frame's evidence is new
_ASSUMED: Final = 0.002  # probability of a character that a frame did not name
_UNSEEN: Final = 0.02  # of a frame's doubt, what falls to one character that it did not name
_IMPOSSIBLE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateVote:
    """The plate of a passage.

    `confidence` is 0..1; `frames_agreed` of `frames_total` frames read exactly `text` (a frame
    that read nothing counts in the total only). `best` is the surest single reading of that text,
    for its place and its picture.
    """

    text: str
    plate_class: PlateClass
    rows: int
    confidence: float
    frames_agreed: int
    frames_total: int
    characters: tuple[CharacterReading, ...]
    best: PlateReading


def vote(frames: Sequence[Sequence[PlateReading]]) -> PlateVote | None:
    """The surest plate over all frames, or None when no frame read any."""
    votes = vote_all(frames)
    return votes[0] if votes else None


def vote_all(frames: Sequence[Sequence[PlateReading]]) -> list[PlateVote]:
    """Every plate of the passage, surest first: a 粤Z plate and the Hong Kong one beside it.

    Args:
        frames: the readings of each frame, each surest first, in any order of frames.
    """
    votes = [_vote_of(group, len(frames)) for group in _groups(frames)]
    return sorted(votes, key=lambda v: (-v.confidence, -v.frames_agreed, v.text))


def _groups(frames: Sequence[Sequence[PlateReading]]) -> list[list[PlateReading]]:
    """Readings of the same plate, at most one a frame; the surest readings found the groups."""
    ranked = sorted(
        ((reading, number) for number, frame in enumerate(frames) for reading in frame),
        key=lambda pair: (-pair[0].confidence, pair[1], pair[0].text),
    )
    groups: list[tuple[list[PlateReading], set[int]]] = []
    for reading, number in ranked:
        for group, numbers in groups:
            if edits(group[0].text, reading.text, at_most=_SAME_PLATE_EDITS) is None:
                continue
            if number not in numbers:
                group.append(reading)
                numbers.add(number)
                break
        else:
            groups.append(([reading], {number}))
    return [group for group, _ in groups]


def edits(one: str, other: str, *, at_most: int) -> int | None:
    """Insertions, deletions and replacements between two texts, or None if more than `at_most`."""
    if abs(len(one) - len(other)) > at_most:
        return None
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1] if row[-1] <= at_most else None


def _vote_of(group: list[PlateReading], frames_total: int) -> PlateVote:
    texts = {reading.text for reading in group}
    texts |= {text for size in {len(t) for t in texts} if (text := _pooled_text(group, size))}
    text = max(texts, key=lambda t: (_log_fit(group, t), t))
    same = [reading for reading in group if len(reading.text) == len(text)]
    pooled = [_pooled(same, place) for place in range(len(text))]
    agreed = [reading for reading in group if reading.text == text]
    best = max(agreed or same, key=lambda reading: reading.confidence)
    return PlateVote(
        text=text,
        plate_class=_class_of(text, agreed or same),
        rows=best.rows,
        confidence=_confidence(agreed, group, pooled, text),
        frames_agreed=len(agreed),
        frames_total=frames_total,
        characters=tuple(
            _character(place, character) for place, character in zip(pooled, text, strict=True)
        ),
        best=best,
    )


def _pooled_text(group: list[PlateReading], size: int) -> str:
    """The likeliest character of each place, which no frame may have read; empty for no plate."""
    same = [reading for reading in group if len(reading.text) == size]
    text = "".join(_pooled(same, place)[0][0] for place in range(size))
    return text if plausible_classes(text) else ""


def _log_fit(group: list[PlateReading], text: str) -> float:
    """How well a text fits all frames: one that is sure counts for more than two that are not."""
    return sum(log(max(_likelihood(reading, text), _IMPOSSIBLE)) for reading in group)


def _likelihood(reading: PlateReading, text: str) -> float:
    """How likely the frame shows `text`: by its own word, or by what else its characters may be."""
    if text == reading.text:
        return reading.confidence
    doubt = 1.0 - reading.confidence
    if len(text) != len(reading.text):
        return doubt * _UNSEEN
    share, unseen = reading.confidence, doubt
    for character, other in zip(reading.characters, text, strict=True):
        if character.character != other:
            likely = dict(character.alternatives).get(other, _ASSUMED)
            share *= likely / max(character.confidence, _ASSUMED)
            unseen *= _UNSEEN
    return max(min(share, doubt), unseen)


def _pooled(readings: list[PlateReading], place: int) -> list[tuple[str, float]]:
    """The characters seen at one place with their mean probability over the frames, best first."""
    named: set[str] = set()
    tables = []
    for reading in readings:
        character = reading.characters[place]
        table = {character.character: character.confidence, **dict(character.alternatives)}
        tables.append((table, reading.confidence))
        named.update(table)
    total = sum(weight for _, weight in tables) or 1.0
    shares = {
        c: sum(table.get(c, _ASSUMED) * weight for table, weight in tables) / total for c in named
    }
    return sorted(shares.items(), key=lambda share: (-share[1], share[0]))


def _character(pooled: list[tuple[str, float]], chosen: str) -> CharacterReading:
    others = tuple((c, share) for c, share in pooled if c != chosen)
    return CharacterReading(
        character=chosen,
        confidence=dict(pooled).get(chosen, 0.0),
        alternatives=others[:_ALTERNATIVES_MAX],
    )


def _class_of(text: str, readings: list[PlateReading]) -> PlateClass:
    seen = Counter(r.plate_class for r in readings if r.plate_class in plausible_classes(text))
    return max(seen, key=lambda c: (seen[c], c)) if seen else readings[0].plate_class


def _confidence(
    agreed: list[PlateReading],
    group: list[PlateReading],
    pooled: list[list[tuple[str, float]]],
    text: str,
) -> float:
    if not agreed:  # a text that no single frame read: only as sure as its characters together
        sure = 1.0
        for place, character in zip(pooled, text, strict=True):
            sure *= dict(place).get(character, 0.0)
        return sure
    ranked = sorted((reading.confidence for reading in agreed), reverse=True)
    doubt = 1.0 - ranked[0]
    for confidence in ranked[1:]:
        doubt *= 1.0 - _INDEPENDENCE * confidence
    against = sum(reading.confidence for reading in group) - sum(ranked)
    return (1.0 - doubt) * sum(ranked) / ((sum(ranked) + against) or 1.0)
