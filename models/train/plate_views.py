"""Plates as cameras see them, drawn or real, with the place of their corners.

What the recognizer and the refiner learn from; each cuts its own input out of a view.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.plates import PROVINCES, Corners, PlateClass
from models.synth.camera import Quad, expose, place, pose
from models.synth.glyph_book import GlyphBook, GlyphStyle, Hand
from models.synth.layouts import CLASS_OF, lay_out
from models.synth.render import render, varied_paint
from models.synth.texts import plate_text, teaching_kind
from models.synth.wear import wear
from models.train.backgrounds import Backgrounds
from models.train.real_plates import RealPlate, real_plates
from models.train.split import real_pictures

_SCALES: Final = (0.2, 0.28, 0.38, 0.5)  # pixels per millimeter of drawn plates
_GA36_HEIGHT_MM: Final = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A plate in a small picture: its corners (4 x 2 pixels), what it reads, how it is made."""

    image: BgrImage
    quad: Quad
    text: str
    plate_class: PlateClass
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A frontal plate, before the camera; `real` says that a camera has made it once already."""

    image: BgrImage
    text: str
    plate_class: PlateClass
    rows: int
    real: bool


class PlateViews:
    """An endless supply of views; one thread owns it."""

    def __init__(self, rng: np.random.Generator, glyphs: Path | None, real: Path | None) -> None:
        """`glyphs` and `real` are the optional folders of glyph pictures and of real pictures."""
        self._rng = rng
        self._book = GlyphBook(glyphs)
        pictures = [] if real is None else real_pictures(real)
        self._backgrounds = Backgrounds(pictures, rng)
        self._real: list[RealPlate] = real_plates(pictures)

    def nothing(self, width_px: int, height_px: int) -> BgrImage:
        """A picture without a plate."""
        window = self._backgrounds.patch(self._rng, width_px, height_px)
        return expose(self._rng, window) if self._rng.random() < 0.7 else window

    def subject(self, row_px: float, real_share: float) -> Subject:
        """A drawn plate, fine enough for `row_px` pixels of height, or a real one."""
        if self._real and self._rng.random() < real_share:
            return self._real_subject()
        return self._drawn_subject(row_px)

    def view(
        self, subject: Subject, row_px: float, margin: tuple[float, float] = (0.06, 0.2)
    ) -> View:
        """The plate before a camera, one row `row_px` high, so much of its size around it."""
        rng = self._rng
        aspect = subject.image.shape[1] / subject.image.shape[0]
        quad = pose(rng, aspect, row_px * (1.6 if subject.rows > 1 else 1.0))
        low, high = quad.min(axis=0), quad.max(axis=0)
        before, after = (high - low) * rng.uniform(*margin, (2, 2)).astype(np.float32) + 3
        quad = (quad - low + before).astype(np.float32)
        wide, tall = (high - low + before + after).astype(int) + 1
        window = self._backgrounds.patch(rng, int(wide), int(tall))
        holder = None
        if rng.random() < 0.2:
            tone = rng.integers(0, 256) if rng.random() < 0.5 else rng.integers(0, 60)
            holder = (int(tone), int(tone), int(tone))
        window = expose(rng, place(subject.image, quad, window, holder), gently=subject.real)
        return View(
            image=window,
            quad=quad,
            text=subject.text,
            plate_class=subject.plate_class,
            rows=subject.rows,
        )

    def _drawn_subject(self, height_px: float) -> Subject:
        rng = self._rng
        kind = teaching_kind(rng)
        layout = lay_out(kind, plate_text(rng, kind))
        fine = min(height_px * 1.15 / _GA36_HEIGHT_MM, _SCALES[-1])
        scale = next(scale for scale in _SCALES if scale >= fine)
        image = render(layout, varied_paint(rng, kind), self._book, self._hand(), scale)
        wear(rng, image)
        return Subject(
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

    def _real_subject(self) -> Subject:
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
            if fate < 0.8:
                image, text = self._other_province(plate)
            elif fate < 0.88:
                image, text = image[:, round(image.shape[1] * 0.135) :], text[1:]
        return Subject(image=image, text=text, plate_class=plate.plate_class, rows=1, real=True)

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


def row_height_px(rng: np.random.Generator) -> float:
    """The height of a row of characters with its border, from far away to near, 14 to 60 px."""
    return float(np.exp(rng.uniform(np.log(14), np.log(60))))


def corners_of(quad: np.ndarray) -> Corners:
    """The same four corners as plain numbers."""
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    return a, b, c, d
