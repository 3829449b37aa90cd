"""A sheet of samples: every kind of plate, clean and as a camera may see it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.synth.camera import expose, place, pose
from models.synth.glyph_book import GlyphBook
from models.synth.layouts import PlateKind, lay_out
from models.synth.render import render, varied_paint
from models.synth.texts import plate_text
from models.synth.wear import wear

_TILE_PX: Final = (200, 96)


def sample_sheet(rng: np.random.Generator, book: GlyphBook, *, columns: int = 6) -> BgrImage:
    """A row per kind of plate in the order of `PlateKind`: one clean, the others photographed."""
    rows = []
    for kind in PlateKind:
        tiles = [_tile(rng, book, kind, photographed=column > 0) for column in range(columns)]
        rows.append(np.hstack(tiles))
    return np.asarray(np.vstack(rows), np.uint8)


def _tile(
    rng: np.random.Generator, book: GlyphBook, kind: PlateKind, *, photographed: bool
) -> BgrImage:
    hand = book.hands[int(rng.integers(len(book.hands)))]
    layout = lay_out(kind, plate_text(rng, kind))
    plate = render(layout, varied_paint(rng, kind), book, hand, 0.5)
    tile = np.full((_TILE_PX[1], _TILE_PX[0], 3), int(rng.integers(20, 160)), np.uint8)
    middle = np.array(_TILE_PX, np.float32) / 2
    aspect = layout.width_mm / layout.height_mm
    height_px = min(_TILE_PX[1] * 0.85, _TILE_PX[0] * 0.9 / aspect)
    if not photographed:
        half = np.array([aspect * height_px, height_px], np.float32) / 2
        box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        return place(plate, (box * half + middle).astype(np.float32), tile, None)
    wear(rng, plate)
    quad = pose(rng, aspect, height_px * float(rng.uniform(0.6, 0.85))) + middle
    return expose(rng, place(plate, quad.astype(np.float32), tile, None))


def write_sheet(seed: int, path: str) -> None:
    """Writes the sheet of a seed as a picture.

    Raises:
        OSError: the file cannot be written.
    """
    sheet = sample_sheet(np.random.default_rng(seed), GlyphBook())
    if not cv2.imwrite(path, sheet):
        raise OSError(f"sheet of plates: cannot write {path}")
