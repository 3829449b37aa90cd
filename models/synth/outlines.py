"""Letters and digits as strokes, drawn from the public geometry of GA36.

A cell is 45 x 90 mm, a stroke 11 mm wide: the proportions that GA36 gives for one-row plates. A
stroke is a polyline whose corners are rounded; points outside of the cell make its end flat,
because the cell cuts it. Two-row and foreign plates stretch the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

CELL_WIDTH_MM: Final = 45.0
CELL_HEIGHT_MM: Final = 90.0
STROKE_MM: Final = 11.0
_PX_PER_MM: Final = 4
_SHIFT: Final = 4  # fractional bits of OpenCV's drawing coordinates

Vertex = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Stroke:
    """Vertices (x mm, y mm, corner radius mm), joined in a ring when closed."""

    vertices: tuple[Vertex, ...]
    closed: bool = False


def _line(*points: tuple[float, float]) -> _Stroke:
    return _Stroke(tuple((x, y, 0.0) for x, y in points))


def _open(*vertices: Vertex) -> _Stroke:
    return _Stroke(vertices)


def _ring(*vertices: Vertex) -> _Stroke:
    return _Stroke(vertices, closed=True)


_L, _R, _T, _B = 5.5, 39.5, 5.5, 84.5  # the middle of the outermost strokes
_X0, _X1, _Y0, _Y1 = -9.0, 54.0, -9.0, 99.0  # beyond the cell: flat ends
_ROUND: Final = 17.0
_LEFT_BAR: Final = _line((_L, _Y0), (_L, _Y1))
_RIGHT_BAR: Final = _line((_R, _Y0), (_R, _Y1))
_OVAL: Final = _ring((_L, _T, _ROUND), (_R, _T, _ROUND), (_R, _B, _ROUND), (_L, _B, _ROUND))
_SIX: Final = (
    _ring((_L, 38, _ROUND), (_R, 38, _ROUND), (_R, _B, _ROUND), (_L, _B, _ROUND)),
    _open((32, _Y0, 0), (8, 46, 9), (_L, 64, 0)),
)

_STROKES: Final[dict[str, tuple[_Stroke, ...]]] = {
    "0": (_OVAL,),
    "1": (_line((22.5, _Y0), (22.5, _Y1)),),
    "2": (
        _open(
            (_L, 30, 0), (_L, _T, _ROUND), (_R, _T, _ROUND), (_R, 42, 18), (_L, 79, 3), (_L, _B, 0)
        ),
        _line((_L, _B), (_X1, _B)),
    ),
    "3": (
        _line((3, _T), (38, _T), (18, 37)),
        _open((17, 38, 0), (_R, 38, _ROUND), (_R, _B, _ROUND), (_L, _B, _ROUND), (_L, 65, 0)),
    ),
    "4": (_line((24, _Y0), (6, 64), (_X1, 64)), _line((33, 34), (33, _Y1))),
    "5": (
        _open(
            (40, _T, 0),
            (9.5, _T, 0),
            (7, 43, 2),
            (13, 35, 6),
            (_R, 33, _ROUND),
            (_R, _B, _ROUND),
            (_L, _B, _ROUND),
            (_L, 65, 0),
        ),
    ),
    "6": _SIX,
    "7": (_open((_X0, _T, 0), (_R, _T, 0), (21, 48, 26), (17, _Y1, 0)),),
    "8": (
        _ring((7.5, _T, 14), (37.5, _T, 14), (37.5, 41, 14), (7.5, 41, 14)),
        _ring((_L, 41, 16), (_R, 41, 16), (_R, _B, _ROUND), (_L, _B, _ROUND)),
    ),
    "9": tuple(
        _Stroke(tuple((45 - x, 90 - y, r) for x, y, r in part.vertices), part.closed)
        for part in _SIX
    ),
    "A": (_line((3.5, _Y1), (19, _Y0)), _line((41.5, _Y1), (26, _Y0)), _line((9, 65), (36, 65))),
    "B": (
        _ring((_L, _T, 0), (37, _T, 14), (37, 42, 14), (_L, 42, 0)),
        _ring((_L, 42, 0), (_R, 42, 15), (_R, _B, _ROUND), (_L, _B, 0)),
        _LEFT_BAR,
    ),
    "C": (
        _open(
            (_R, 28, 0),
            (_R, _T, _ROUND),
            (_L, _T, _ROUND),
            (_L, _B, _ROUND),
            (_R, _B, _ROUND),
            (_R, 62, 0),
        ),
    ),
    "D": (_ring((_L, _T, 0), (_R, _T, _ROUND), (_R, _B, _ROUND), (_L, _B, 0)), _LEFT_BAR),
    "E": (_line((_X1, _T), (_L, _T), (_L, _B), (_X1, _B)), _line((_L, 43), (38, 43)), _LEFT_BAR),
    "F": (_line((_X1, _T), (_L, _T)), _LEFT_BAR, _line((_L, 44), (38, 44))),
    "G": (
        _open(
            (_R, 27, 0),
            (_R, _T, _ROUND),
            (_L, _T, _ROUND),
            (_L, _B, _ROUND),
            (_R, _B, _ROUND),
            (_R, 52, 0),
            (22, 52, 0),
        ),
    ),
    "H": (_LEFT_BAR, _RIGHT_BAR, _line((_L, 43), (_R, 43))),
    "I": (_line((22.5, _Y0), (22.5, _Y1)),),
    "J": (_open((_R, _Y0, 0), (_R, _B, _ROUND), (_L, _B, _ROUND), (_L, 64, 0)),),
    "K": (_LEFT_BAR, _line((42, -6), (9, 54)), _line((19, 36), (43, _Y1))),
    "L": (_LEFT_BAR, _line((_L, _B), (_X1, _B))),
    "M": (_LEFT_BAR, _RIGHT_BAR, _line((_L, -2), (22.5, 58), (_R, -2))),
    "N": (_LEFT_BAR, _RIGHT_BAR, _line((_L, -2), (_R, 92))),
    "O": (_OVAL,),
    "P": (_LEFT_BAR, _ring((_L, _T, 0), (_R, _T, _ROUND), (_R, 50, _ROUND), (_L, 50, 0))),
    "Q": (_OVAL, _line((23, 62), (44, 92))),
    "R": (
        _LEFT_BAR,
        _ring((_L, _T, 0), (_R, _T, _ROUND), (_R, 47, _ROUND), (_L, 47, 0)),
        _line((20, 47), (42, _Y1)),
    ),
    "S": (
        _open(
            (_R, 27, 0),
            (_R, _T, _ROUND),
            (_L, _T, _ROUND),
            (_L, 39, 15),
            (_R, 49, 17),
            (_R, _B, _ROUND),
            (_L, _B, _ROUND),
            (_L, 63, 0),
        ),
    ),
    "T": (_line((_X0, _T), (_X1, _T)), _line((22.5, _T), (22.5, _Y1))),
    "U": (_open((_L, _Y0, 0), (_L, _B, _ROUND), (_R, _B, _ROUND), (_R, _Y0, 0)),),
    "V": (_line((3, _Y0), (22.5, 92), (42, _Y0)),),
    "W": (_line((3, _Y0), (12, 96), (22.5, 20), (33, 96), (42, _Y0)),),
    "X": (_line((2, _Y0), (43, _Y1)), _line((43, _Y0), (2, _Y1))),
    "Y": (_line((2, _Y0), (22.5, 48), (43, _Y0)), _line((22.5, 46), (22.5, _Y1))),
    "Z": (_line((_X0, _T), (38, _T), (7, _B), (_X1, _B)),),
}
_FOOTED_ONE: Final = (
    _line((22.5, _T), (22.5, _B)),
    _line((10, _B), (35, _B)),
    _line((11, 15), (22.5, _T)),
)


@lru_cache(maxsize=512)
def outline_mask(
    character: str, *, stroke_mm: float = STROKE_MM, footed_one: bool = False
) -> Mask | None:
    """Ink (255) of a letter or digit in its cell, 4 px to the mm; None for another character.

    The array is shared between callers: never write to it.

    Args:
        character: one of A-Z and 0-9.
        stroke_mm: width of the strokes; GA36 has 10 to 12.
        footed_one: the 1 with a flag and a foot, as on new-energy and foreign plates.
    """
    strokes = _FOOTED_ONE if footed_one and character == "1" else _STROKES.get(character)
    if strokes is None:
        return None
    size = (round(CELL_HEIGHT_MM) * _PX_PER_MM, round(CELL_WIDTH_MM) * _PX_PER_MM)
    mask = np.zeros(size, np.uint8)
    thick = max(1, round(stroke_mm * _PX_PER_MM))
    for stroke in strokes:
        path = np.round(_path(stroke) * _PX_PER_MM * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(mask, [path], stroke.closed, (255,), thick, cv2.LINE_AA, _SHIFT)
    mask.setflags(write=False)
    return mask


def _path(stroke: _Stroke) -> npt.NDArray[np.float64]:
    """The stroke as a dense polyline with its corners rounded."""
    vertices = stroke.vertices
    last = len(vertices) - 1
    points: list[npt.NDArray[np.float64]] = []
    for index, (x, y, radius) in enumerate(vertices):
        here = np.array([x, y])
        if radius <= 0 or (not stroke.closed and index in (0, last)):
            points.append(here)
            continue
        before = np.array(vertices[index - 1][:2])
        after = np.array(vertices[(index + 1) % len(vertices)][:2])
        points.extend(_corner(before, here, after, radius))
    return np.array(points)


def _corner(
    before: npt.NDArray[np.float64],
    here: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    radius: float,
) -> list[npt.NDArray[np.float64]]:
    """A Bezier arc that leaves `before`-`here` and joins `here`-`after`, near to a circle's."""
    to_before, to_after = before - here, after - here
    reach = min(radius, float(np.linalg.norm(to_before)) / 2, float(np.linalg.norm(to_after)) / 2)
    start = here + to_before / np.linalg.norm(to_before) * reach
    end = here + to_after / np.linalg.norm(to_after) * reach
    first, second = start + (here - start) * 0.55, end + (here - end) * 0.55
    arc = []
    for t in np.linspace(0, 1, 9):
        s = 1 - t
        arc.append(s**3 * start + 3 * s * s * t * first + 3 * s * t * t * second + t**3 * end)
    return arc
