"""Strips that teach the recognizer: drawn plates, real plates, and things that are no plate.

Every strip goes through `models.lpr.rectify`, with corners as wrong as a detector's, or with the
upright box of a plate that stands askew, as crops of other tools have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.lpr.alphabet import CLASSES, encode
from models.lpr.api import BgrImage
from models.lpr.plates import PROVINCES, Corners, PlateClass
from models.lpr.rectify import rectify
from models.synth.camera import Quad, expose, place, pose
from models.synth.glyph_book import GlyphBook, GlyphStyle, Hand
from models.synth.layouts import CLASS_OF, lay_out
from models.synth.render import render, varied_paint
from models.synth.texts import plate_text, teaching_kind
from models.synth.wear import wear
from models.train.backgrounds import Backgrounds
from models.train.real_plates import RealPlate, real_plates
from models.train.split import real_pictures

NO_PLATE: Final = CLASSES.index("no_plate")
_SCALES: Final = (0.2, 0.28, 0.38, 0.5)  # pixels per millimeter of drawn plates
_GA36_HEIGHT_MM: Final = 140
_NOTHING_SHARE: Final = 0.03
_REAL_SHARE: Final = 0.22


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One lesson: the strip (48 x 168 x 3), its symbols, its class as an index of CLASSES."""

    image: BgrImage
    symbols: tuple[int, ...]
    class_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A frontal plate, before the camera; `worn` says that a camera has made it once already."""

    image: BgrImage
    text: str
    plate_class: PlateClass
    rows: int
    real: bool


class StripSource:
    """An endless supply of lessons; one thread owns it."""

    def __init__(self, seed: int, glyphs: Path | None, real: Path | None) -> None:
        """`glyphs` and `real` are the optional folders of glyph pictures and of real pictures."""
        self._rng = np.random.default_rng(seed)
        self._book = GlyphBook(glyphs)
        pictures = [] if real is None else real_pictures(real)
        self._backgrounds = Backgrounds(pictures, self._rng)
        self._real: list[RealPlate] = real_plates(pictures)

    def strip(self) -> Strip:
        """The next lesson."""
        rng = self._rng
        if rng.random() < _NOTHING_SHARE:
            return self._nothing()
        height_px = float(np.exp(rng.uniform(np.log(14), np.log(60))))
        if self._real and rng.random() < _REAL_SHARE:
            subject = self._real_subject()
        else:
            subject = self._drawn_subject(height_px)
        image = self._photographed(subject, height_px)
        symbols = encode(subject.text)
        if symbols is None:
            raise ValueError(f"plate {subject.text!r}: a character that the alphabet lacks")
        index = CLASSES.index(subject.plate_class.value)
        return Strip(image=image, symbols=symbols, class_index=index)

    def _nothing(self) -> Strip:
        window = self._backgrounds.patch(self._rng, 168, 48)
        if self._rng.random() < 0.7:
            window = expose(self._rng, window)
        return Strip(image=window, symbols=(), class_index=NO_PLATE)

    def _drawn_subject(self, height_px: float) -> _Subject:
        rng = self._rng
        kind = teaching_kind(rng)
        layout = lay_out(kind, plate_text(rng, kind))
        fine = min(height_px * 1.15 / _GA36_HEIGHT_MM, _SCALES[-1])
        scale = next(scale for scale in _SCALES if scale >= fine)
        image = render(layout, varied_paint(rng, kind), self._book, self._hand(), scale)
        wear(rng, image)
        return _Subject(
            image=image,
            text=layout.text,
            plate_class=CLASS_OF[kind],
            rows=layout.rows,
            real=False,
        )

    def _hand(self) -> Hand:
        hands = self._book.hands
        if hands[0] is Hand.STAMPED and self._rng.random() < 0.6:
            return Hand.STAMPED
        return hands[int(self._rng.integers(len(hands)))]

    def _real_subject(self) -> _Subject:
        """A real plate; the province of a photograph's plate is mostly covered or cut off.

        Nearly all photographs come from one province, which the net must not learn to expect.
        """
        rng = self._rng
        plate = self._real[int(rng.integers(len(self._real)))]
        if plate.vanity and rng.random() < 0.5:
            plate = self._real[int(rng.integers(len(self._real)))]
        image, text = plate.image, plate.text
        if plate.common_province and text[0] in PROVINCES:
            fate = rng.random()
            if fate < 0.7:
                image, text = self._other_province(plate)
            elif fate < 0.9:
                image, text = image[:, round(image.shape[1] * 0.135) :], text[1:]
        return _Subject(image=image, text=text, plate_class=plate.plate_class, rows=1, real=True)

    def _other_province(self, plate: RealPlate) -> tuple[BgrImage, str]:
        """The plate with the character of another province drawn into its first cell."""
        rng = self._rng
        province = PROVINCES[int(rng.integers(len(PROVINCES)))]
        image = plate.image.copy()
        height, width = image.shape[:2]
        left, right = round(width * 0.02), round(width * 0.142)
        top, bottom = round(height * 0.15), round(height * 0.86)
        cell = image[top:bottom, left:right]
        tones = np.sort(cell.reshape(-1, 3).astype(np.float32), axis=0)
        dark, light = tones[len(tones) // 6], tones[-max(1, len(tones) // 12)]
        ground, ink = (light, dark) if plate.dark_ink else (dark, light)
        mask = self._book.mask(
            province, GlyphStyle.ONE_ROW, self._hand(), right - left - 3, bottom - top - 6
        )
        share = cv2.copyMakeBorder(mask, 3, 3, 1, 2, cv2.BORDER_CONSTANT)
        share = cv2.GaussianBlur(share, (0, 0), float(rng.uniform(0.6, 1.6)))
        weight = share[:, :, None].astype(np.float32) / 255
        grain = rng.standard_normal(cell.shape, np.float32) * 4
        cell[:] = np.clip(ground + (ink - ground) * weight + grain, 0, 255)
        return image, province + plate.text[1:]

    def _photographed(self, subject: _Subject, row_px: float) -> BgrImage:
        rng = self._rng
        if subject.real and rng.random() < 0.3:  # as it came
            return rectify(subject.image, _whole(subject.image, rng), subject.rows)
        aspect = subject.image.shape[1] / subject.image.shape[0]
        height_px = row_px * (1.6 if subject.rows > 1 else 1.0)
        quad = pose(rng, aspect, height_px)
        low, high = quad.min(axis=0), quad.max(axis=0)
        margin = (high - low) * rng.uniform(0.06, 0.2, 2).astype(np.float32) + 3
        quad = (quad - low + margin).astype(np.float32)
        wide, tall = (high - low + 2 * margin).astype(int) + 1
        window = self._backgrounds.patch(rng, int(wide), int(tall))
        holder = None
        if rng.random() < 0.2:
            tone = rng.integers(0, 256) if rng.random() < 0.5 else rng.integers(0, 60)
            holder = (int(tone), int(tone), int(tone))
        window = expose(rng, place(subject.image, quad, window, holder), gently=subject.real)
        boxed = subject.rows == 1 and rng.random() < 0.33
        corners = _box(rng, quad) if boxed else _found(rng, quad)
        return rectify(window, corners, subject.rows)


def _found(rng: np.random.Generator, quad: Quad) -> Corners:
    """The corners as a detector finds them: each a little wrong, all too wide or too tight."""
    size = np.array([np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[3] - quad[0])])
    middle = quad.mean(axis=0)
    grown = middle + (quad - middle) * (1 + rng.normal(0.02, 0.03, 2))
    sigma = float(rng.choice((0.01, 0.025, 0.05)))
    return _corners(grown + rng.normal(0, sigma, (4, 2)) * [size[0] * 0.4, size[1]])


def _box(rng: np.random.Generator, quad: Quad) -> Corners:
    """The upright box around the plate, a little wide or tight."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    grow = (high - low) * rng.uniform((-0.01, -0.04), (0.06, 0.1), (2, 2))
    low, high = low - grow[0], high + grow[1]
    return _corners(
        np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    )


def _whole(image: BgrImage, rng: np.random.Generator) -> Corners:
    """The picture's own edge, a little inside or outside."""
    height, width = image.shape[:2]
    quad = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return _corners(quad + rng.normal(0, 0.012, (4, 2)) * [width, height * 2])


def _corners(quad: np.ndarray) -> Corners:
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    return a, b, c, d
