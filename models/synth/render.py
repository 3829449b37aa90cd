"""Paints a laid-out plate: background, border, stamped characters, bolts.

The picture is frontal and clean; what dirt, light and a camera do to it is `models.synth.wear` and
`models.synth.camera`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.plates import PlateClass
from models.synth.glyph_book import GlyphBook, Hand
from models.synth.layouts import CLASS_OF, Cell, Layout, PlateKind

Bgr = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """Colors of one plate. `lower` is the background at the bottom, where it runs into another."""

    upper: Bgr
    lower: Bgr
    ink: Bgr
    mark: Bgr
    left: Bgr | None = None
    """The background of the first two characters, where it differs (large new-energy plates)."""
    rim: Bgr | None = None
    """The border line, None for none."""


_WHITE: Final[Bgr] = (240, 240, 240)
_BLACK: Final[Bgr] = (24, 24, 24)
_RED: Final[Bgr] = (40, 30, 200)
_GROUND: Final[dict[PlateClass, Bgr]] = {
    PlateClass.BLUE: (160, 66, 16),
    PlateClass.YELLOW: (16, 172, 240),
    PlateClass.GREEN: (215, 235, 215),
    PlateClass.BLACK: (28, 26, 26),
    PlateClass.WHITE: (236, 236, 236),
    PlateClass.HK: (236, 240, 240),
    PlateClass.MACAU: (26, 24, 26),
    PlateClass.OTHER: (232, 232, 232),
}
_GREEN_BELOW: Final[Bgr] = (96, 190, 60)
_LIGHT_INK: Final = frozenset({PlateClass.BLUE, PlateClass.BLACK, PlateClass.MACAU})
_RED_MARKS: Final = {
    PlateKind.POLICE: "警",
    PlateKind.ARMED_POLICE: "WJ",
    PlateKind.ARMED_POLICE_TWO_ROWS: "WJ",
    PlateKind.EMBASSY: "使",
    PlateKind.CONSULATE: "领",
    PlateKind.EMERGENCY: "应急",
}
_FRAMELESS: Final = frozenset({PlateClass.HK, PlateClass.MACAU, PlateClass.OTHER})


def plain_paint(kind: PlateKind) -> Paint:
    """The colors that the standard gives, without wear or variation."""
    plate_class = CLASS_OF[kind]
    ground = _GROUND[plate_class]
    ink = _WHITE if plate_class in _LIGHT_INK else _BLACK
    large = kind is PlateKind.GREEN_LARGE
    green = plate_class is PlateClass.GREEN
    return Paint(
        upper=(120, 205, 90) if large else ground,
        lower=_GREEN_BELOW if green else ground,
        ink=ink,
        mark=_RED if kind in _RED_MARKS else ink,
        left=_GROUND[PlateClass.YELLOW] if large else None,
        rim=None if plate_class in _FRAMELESS else ink,
    )


def varied_paint(rng: np.random.Generator, kind: PlateKind) -> Paint:
    """The colors of one plate among many: other batches, rear plates, faded ink."""
    plain = plain_paint(kind)
    plate_class = CLASS_OF[kind]
    upper, lower, ink = plain.upper, plain.lower, plain.ink
    if plate_class is PlateClass.HK and rng.random() < 0.5:
        upper = lower = (20, 190, 236)
    elif plate_class is PlateClass.MACAU and rng.random() < 0.3:
        ink = (40, 190, 235)
    elif plate_class is PlateClass.OTHER:
        upper, ink = _foreign_pair(rng)
        lower = upper
    shift = rng.normal(0, 14, 3)
    rim = plain.rim
    if plate_class in _FRAMELESS and rng.random() < 0.4:
        rim = ink
    ink = _moved(ink, rng.normal(0, 12, 3) + (rng.uniform(-30, 30) if rng.random() < 0.3 else 0))
    return Paint(
        upper=_moved(upper, shift),
        lower=_moved(lower, shift + rng.normal(0, 5, 3)),
        ink=ink,
        mark=_moved(plain.mark, rng.normal(0, 15, 3)) if plain.mark == _RED else ink,
        left=None if plain.left is None else _moved(plain.left, shift),
        rim=rim,
    )


def _foreign_pair(rng: np.random.Generator) -> tuple[Bgr, Bgr]:
    pairs: tuple[tuple[Bgr, Bgr], ...] = (
        (_WHITE, _BLACK),
        (_WHITE, (150, 50, 20)),
        (_WHITE, _RED),
        ((30, 190, 235), _BLACK),
        (_RED, _WHITE),
        ((60, 110, 30), _WHITE),
        (_WHITE, (40, 110, 20)),
    )
    return pairs[int(rng.integers(len(pairs)))]


def _moved(color: Bgr, by: np.ndarray) -> Bgr:
    blue, green, red = (int(min(255, max(0, v))) for v in np.array(color) + by)
    return blue, green, red


def render(layout: Layout, paint: Paint, book: GlyphBook, hand: Hand, px_per_mm: float) -> BgrImage:
    """The plate, frontal and clean, `px_per_mm` pixels to the millimeter.

    Raises:
        GlyphError: a character that no hand can draw.
    """
    size = (round(layout.height_mm * px_per_mm), round(layout.width_mm * px_per_mm))
    image = _ground(layout, paint, size)
    ink, mark = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    red = _RED_MARKS.get(layout.kind, "") if paint.mark != paint.ink else ""
    for cell in layout.cells:
        _stamp(mark if cell.character in red else ink, cell, book, hand, px_per_mm)
    for x_mm, y_mm in layout.dots_mm:
        cv2.circle(ink, _px(x_mm, y_mm, px_per_mm), round(5 * px_per_mm), (255,), -1, cv2.LINE_AA)
    for x_mm, y_mm in layout.dashes_mm:
        start, end = _px(x_mm - 8, y_mm - 4, px_per_mm), _px(x_mm + 8, y_mm + 4, px_per_mm)
        cv2.rectangle(ink, start, end, (255,), -1)
    if paint.rim is not None:
        _rim(image, paint.rim, px_per_mm)
    _blend(image, ink, paint.ink)
    if red:
        _blend(image, mark, paint.mark)
    return image


def _ground(layout: Layout, paint: Paint, size: tuple[int, int]) -> BgrImage:
    height, width = size
    image = np.empty((height, width, 3), np.uint8)
    if paint.upper == paint.lower:
        image[:] = paint.upper
    else:
        share = np.linspace(0.0, 1.0, height)[:, None]
        rows = np.array(paint.upper) * (1 - share) + np.array(paint.lower) * share
        image[:] = rows.astype(np.uint8)[:, None, :]
    if paint.left is not None:
        image[:, : round(width * 0.27)] = paint.left
    return image


def _stamp(ink: BgrImage, cell: Cell, book: GlyphBook, hand: Hand, px_per_mm: float) -> None:
    width, height = round(cell.width_mm * px_per_mm), round(cell.height_mm * px_per_mm)
    left, top = _px(cell.left_mm, cell.top_mm, px_per_mm)
    mask = book.mask(cell.character, cell.style, hand, max(1, width), max(1, height))
    left, top = max(0, left), max(0, top)
    region = ink[top : top + height, left : left + width]
    np.maximum(region, mask[: region.shape[0], : region.shape[1]], out=region)


def _px(x_mm: float, y_mm: float, px_per_mm: float) -> tuple[int, int]:
    return round(x_mm * px_per_mm), round(y_mm * px_per_mm)


def _blend(image: BgrImage, mask: BgrImage, color: Bgr) -> None:
    share = cv2.merge([mask, mask, mask]).astype(np.float32) * (1 / 255)
    ground = image.astype(np.float32)
    image[:] = ground + (np.array(color, np.float32) - ground) * share


def _rim(image: BgrImage, color: Bgr, px_per_mm: float) -> None:
    height, width = image.shape[:2]
    inset, radius = round(3.5 * px_per_mm), max(1, round(12 * px_per_mm))
    thick = max(1, round(2 * px_per_mm))
    left, top, right, bottom = inset, inset, width - 1 - inset, height - 1 - inset
    corner = np.linspace(0, np.pi / 2, 5)
    centers = (
        (right - radius, bottom - radius, 0.0),
        (left + radius, bottom - radius, np.pi / 2),
        (left + radius, top + radius, np.pi),
        (right - radius, top + radius, 1.5 * np.pi),
    )
    points = [
        (x + radius * np.cos(turn + corner), y + radius * np.sin(turn + corner))
        for x, y, turn in centers
    ]
    path = np.concatenate([np.stack(arc, axis=1) for arc in points])
    path = np.round(path * 16).astype(np.int32)
    cv2.polylines(image, [path], isClosed=True, color=color, thickness=thick, lineType=16, shift=4)
