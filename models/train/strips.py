"""Strips that teach the recognizer: drawn plates, real plates, and things that are no plate.

Every strip goes through `models.lpr.rectify`, with corners as wrong as a detector's, or with the
upright box of a plate that stands askew, as crops of other tools have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.lpr.alphabet import CLASSES, encode
from models.lpr.api import BgrImage
from models.lpr.plates import Corners
from models.lpr.rectify import STRIP_HEIGHT_PX, STRIP_WIDTH_PX, rectify
from models.synth.camera import Quad
from models.train.plate_views import PlateViews, Subject, corners_of, row_height_px

NO_PLATE: Final = CLASSES.index("no_plate")
_NOTHING_SHARE: Final = 0.03
_REAL_SHARE: Final = 0.22


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One lesson: the strip (48 x 168 x 3), its symbols, its class as an index of CLASSES."""

    image: BgrImage
    symbols: tuple[int, ...]
    class_index: int


class StripSource:
    """An endless supply of lessons; one thread owns it."""

    def __init__(self, seed: int, glyphs: Path | None, real: Path | None) -> None:
        """`glyphs` and `real` are the optional folders of glyph pictures and of real pictures."""
        self._rng = np.random.default_rng(seed)
        self._views = PlateViews(self._rng, glyphs, real)

    def strip(self) -> Strip:
        """The next lesson."""
        if self._rng.random() < _NOTHING_SHARE:
            window = self._views.nothing(STRIP_WIDTH_PX, STRIP_HEIGHT_PX)
            return Strip(image=window, symbols=(), class_index=NO_PLATE)
        row_px = row_height_px(self._rng)
        subject = self._views.subject(row_px, _REAL_SHARE)
        symbols = encode(subject.text)
        if symbols is None:
            raise ValueError(f"plate {subject.text!r}: a character that the alphabet lacks")
        index = CLASSES.index(subject.plate_class.value)
        return Strip(image=self._cut(subject, row_px), symbols=symbols, class_index=index)

    def _cut(self, subject: Subject, row_px: float) -> BgrImage:
        rng = self._rng
        if subject.real and rng.random() < 0.3:  # as it came
            return rectify(subject.image, _whole(subject.image, rng), subject.rows)
        view = self._views.view(subject, row_px)
        boxed = view.rows == 1 and rng.random() < 0.33
        corners = _box(rng, view.quad) if boxed else _found(rng, view.quad)
        return rectify(view.image, corners, view.rows)


def _found(rng: np.random.Generator, quad: Quad) -> Corners:
    """The corners as a detector finds them: each a little wrong, all too wide or too tight."""
    size = np.array([np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[3] - quad[0])])
    middle = quad.mean(axis=0)
    grown = middle + (quad - middle) * (1 + rng.normal(0.02, 0.045, 2))
    sigma = float(rng.choice((0.01, 0.025, 0.05)))
    return corners_of(grown + rng.normal(0, sigma, (4, 2)) * [size[0] * 0.4, size[1]])


def _box(rng: np.random.Generator, quad: Quad) -> Corners:
    """The upright box around the plate, a little wide or tight."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    grow = (high - low) * rng.uniform((-0.01, -0.04), (0.06, 0.1), (2, 2))
    low, high = low - grow[0], high + grow[1]
    return corners_of(
        np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    )


def _whole(image: BgrImage, rng: np.random.Generator) -> Corners:
    """The picture's own edge, a little inside or outside."""
    height, width = image.shape[:2]
    quad = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return corners_of(quad + rng.normal(0, 0.012, (4, 2)) * [width, height * 2])
