"""The pictures that street scenes are made of: drawn plates, real ones, and photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.pictures import load_picture
from models.synth.glyph_book import GlyphBook
from models.synth.layouts import PlateKind, lay_out
from models.synth.render import render, varied_paint
from models.synth.street import PlatePicture, StreetScene
from models.synth.texts import plate_text, teaching_kind
from models.synth.wear import wear
from models.train.split import RealPicture, Role, real_pictures

_PLATE_PX: Final = 320
_PHOTOGRAPH_PX: Final = 250_000


class PlatePress:
    """Draws the plates that scenes are furnished with."""

    def __init__(self, glyphs: Path | None = None) -> None:
        """`glyphs` is the optional folder of glyph pictures."""
        self._book = GlyphBook(glyphs)

    def plate(self, rng: np.random.Generator) -> PlatePicture:
        """A worn plate of any kind; rare kinds come up far more often than on roads."""
        kinds = tuple(PlateKind)
        kind = teaching_kind(rng) if rng.random() < 0.6 else kinds[int(rng.integers(len(kinds)))]
        layout = lay_out(kind, plate_text(rng, kind))
        hands = self._book.hands
        hand = hands[int(rng.integers(len(hands)))]
        scale = _PLATE_PX / layout.width_mm
        image = render(layout, varied_paint(rng, kind), self._book, hand, scale)
        wear(rng, image)
        return PlatePicture(image=image, rows=layout.rows)


def _at_width(image: BgrImage) -> BgrImage:
    if image.shape[1] <= _PLATE_PX:
        return image
    size = (_PLATE_PX, max(8, round(image.shape[0] * _PLATE_PX / image.shape[1])))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def real_plates(folder: Path) -> list[PlatePicture]:
    """The real crops of the teaching part; their edges are cut only roughly."""
    chosen = [p for p in real_pictures(folder) if p.role is Role.TRAIN and not p.whole_frame]
    return [
        PlatePicture(image=_at_width(load_picture(p.path)), rows=p.rows, exact=False)
        for p in chosen
    ]


def photographs(folder: Path, role: Role) -> list[StreetScene]:
    """The labeled photographs of one role, scaled to at most 250,000 pixels."""
    chosen = [p for p in real_pictures(folder) if p.role is role and p.whole_frame]
    return [_scaled(p) for p in chosen if p.corners is not None]


def _scaled(picture: RealPicture) -> StreetScene:
    image = load_picture(picture.path)
    scale = min(1.0, (_PHOTOGRAPH_PX / (image.shape[0] * image.shape[1])) ** 0.5)
    small = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    factors = np.array([small[0] / image.shape[1], small[1] / image.shape[0]], np.float32)
    return StreetScene(
        image=np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8),
        quads=np.array([picture.corners], np.float32) * factors,
        rows=(picture.rows,),
        exact=(True,),
    )
