"""Where in a picture a plate may stand, from the lines of text that the detector found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from models.lpr.boxes import Quad, TextBox, joined, ordered


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where a plate may be: one quad per row, and the quad around them all."""

    rows: tuple[Quad, ...]
    whole: Quad


class Side(Enum):
    """Where a plate goes on beyond what the detector found of it."""

    LEFT = "left"
    RIGHT = "right"


_CANDIDATES_MAX: Final = 8
_PLATE_HEIGHT_PX: Final = (9.0, 260.0)
_ROW_ASPECT: Final = (1.6, 7.5)


def candidates(boxes: list[TextBox]) -> list[Candidate]:
    """Boxes with a plate's shape, neighbors joined into one row, and stacked pairs of rows."""
    usable = [b for b in boxes if _PLATE_HEIGHT_PX[0] <= b.height_px <= _PLATE_HEIGHT_PX[1]]
    rows = [*usable, *_joined_neighbors(usable)]
    rows = [b for b in rows if _ROW_ASPECT[0] <= b.width_px / b.height_px <= _ROW_ASPECT[1]]
    rows.sort(key=lambda b: (abs(np.log(b.width_px / b.height_px / 3.8)), -b.score))
    single = [Candidate((b.quad,), b.quad) for b in rows[:_CANDIDATES_MAX]]
    return [*single, *_stacked(usable)[: _CANDIDATES_MAX // 2]]


def _joined_neighbors(boxes: list[TextBox]) -> list[TextBox]:
    """Pairs that stand side by side: the detector split a plate at its dot."""
    pairs = []
    for one in boxes:
        for other in boxes:
            gap = float(other.quad[0][0] - one.quad[1][0])
            level = abs(float(other.quad[0][1] - one.quad[1][1]))
            height = min(one.height_px, other.height_px)
            alike = height > 0.6 * max(one.height_px, other.height_px)
            if alike and one is not other and -0.5 * height < gap < height > 2.5 * level:
                pairs.append(joined([one, other]))
    return pairs


def _stacked(boxes: list[TextBox]) -> list[Candidate]:
    """Pairs with one row above another: a short row of two characters, then the serial."""
    pairs = []
    for upper in boxes:
        for lower in boxes:
            if upper is lower or upper.width_px > lower.width_px * 1.1:
                continue
            shift = upper.quad.mean(axis=0) - lower.quad.mean(axis=0)
            near = abs(float(shift[0])) < 0.35 * lower.width_px
            reach = (upper.height_px + lower.height_px) / 2
            if near and 0.4 * reach < -float(shift[1]) < 1.5 * reach:
                whole = joined([upper, lower]).quad
                pairs.append(Candidate((upper.quad, lower.quad), ordered(whole)))
    return pairs


_TWO_ROW_ASPECT: Final = 2.6
_UPPER_ROW_SHARE: Final = 0.40


def split_rows(quad: Quad) -> tuple[Quad, Quad]:
    """The two rows of a plate: the upper one is the lower of the two in height."""
    left = quad[0] + (quad[3] - quad[0]) * _UPPER_ROW_SHARE
    right = quad[1] + (quad[2] - quad[1]) * _UPPER_ROW_SHARE
    return (
        np.array([quad[0], quad[1], right, left], np.float32),
        np.array([left, right, quad[2], quad[3]], np.float32),
    )


def crop_candidates(width_px: int, height_px: int) -> list[Candidate]:
    """A picture that one plate fills: as one row, and as two where it is tall enough."""
    corners = [[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]]
    whole = np.array(corners, np.float32)
    shapes = [Candidate((whole,), whole)]
    if width_px < height_px * _TWO_ROW_ASPECT:
        shapes.append(Candidate(split_rows(whole), whole))
    return shapes


_FURTHER_CHARACTERS: Final = (1.5, 2.9)  # one character more, or two with the gap between


def completed(candidate: Candidate, side: Side | None, characters: int) -> list[Candidate]:
    """A one-row candidate grown to hold one or two further characters on `side`.

    Args:
        candidate: the part that was found.
        side: where the plate goes on; None gives nothing.
        characters: how many the part holds.
    """
    if side is None or len(candidate.rows) > 1:
        return []
    (quad,) = candidate.rows
    grown = []
    for further in _FURTHER_CHARACTERS:
        upper = (quad[1] - quad[0]) * (further / characters)
        lower = (quad[2] - quad[3]) * (further / characters)
        zero = np.zeros(2, np.float32)
        shift = [-upper, zero, zero, -lower] if side is Side.LEFT else [zero, upper, lower, zero]
        longer = (quad + np.array(shift, np.float32)).astype(np.float32)
        grown.append(Candidate((longer,), longer))
    return grown
