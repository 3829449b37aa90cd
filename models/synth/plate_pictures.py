"""Draws a plate: GA36 proportions, two pixels to the millimeter.

Layout in millimeters, from the public geometry of GA36: one row 440 x 140, characters 45 x 90,
gap 12, a dot of 10 between the second and the third; new energy 480 x 140, gap 9; two rows
440 x 220, 80 x 60 above 65 x 110. Hong Kong and Macau plates are long plates of 520 x 110.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.plates import LETTERS, PROVINCES, PlateClass, normalize_plate, plausible_class
from models.synth.glyphs import glyph_mask

PX_PER_MM: Final = 2
_CHARACTERS_MIN: Final = 3

Bgr = tuple[int, int, int]
_WHITE: Final[Bgr] = (242, 242, 242)
_BLACK: Final[Bgr] = (22, 22, 22)
_RED: Final[Bgr] = (40, 30, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """Where one character stands, in millimeters from the top left corner of the plate."""

    character: str
    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    width_mm: int
    height_mm: int
    cells: tuple[_Cell, ...]
    dot_mm: tuple[float, float] | None


def draw_plate(text: str, plate_class: PlateClass, *, rows: int = 1) -> BgrImage:
    """A clean, frontal picture of a plate with its border and bolts.

    Args:
        text: the plate; separators are dropped.
        plate_class: gives the colors and the proportions.
        rows: 2 draws the two-row plate of trailers and rear ends (mainland classes only).

    Raises:
        GlyphError: a character that the fonts cannot draw.
        ValueError: fewer than three characters.
    """
    plain = normalize_plate(text)
    if len(plain) < _CHARACTERS_MIN:
        raise ValueError(f"a plate has at least {_CHARACTERS_MIN} characters, not {plain!r}")
    layout = _two_rows(plain) if rows > 1 else _one_row(plain, plate_class)
    size = (layout.height_mm * PX_PER_MM, layout.width_mm * PX_PER_MM)
    image = _background(size, plate_class, plain)
    ink = _WHITE if plate_class in _LIGHT_INK else _BLACK
    _frame(image, ink)
    for cell in layout.cells:
        police = plate_class is PlateClass.WHITE and not cell.character.isascii()
        _stamp(image, cell, _RED if police and cell.character not in PROVINCES else ink)
    if layout.dot_mm is not None:
        center = (round(layout.dot_mm[0] * PX_PER_MM), round(layout.dot_mm[1] * PX_PER_MM))
        cv2.circle(image, center, 5 * PX_PER_MM, ink, -1, cv2.LINE_AA)
    _bolts(image, plate_class)
    return image


_LIGHT_INK: Final = frozenset({PlateClass.BLUE, PlateClass.BLACK, PlateClass.MACAU})


def _one_row(text: str, plate_class: PlateClass) -> _Layout:
    match plate_class:
        case PlateClass.HK | PlateClass.MACAU | PlateClass.OTHER:
            return _long_plate(text)
        case PlateClass.GREEN:
            return _mainland(text, 480, gap_mm=9, width_mm=43, break_mm=49, dot=False)
        case PlateClass.BLUE | PlateClass.YELLOW | PlateClass.BLACK | PlateClass.WHITE:
            return _mainland(text, 440, gap_mm=12, width_mm=45, break_mm=34, dot=True)
        case _:
            assert_never(plate_class)


def _mainland(
    text: str, plate_mm: int, *, gap_mm: int, width_mm: int, break_mm: int, dot: bool
) -> _Layout:
    gaps_mm = break_mm + gap_mm * (len(text) - 2)
    first_mm = 45
    free_mm = plate_mm - gaps_mm - first_mm - width_mm * (len(text) - 1)
    left_mm, cells = free_mm / 2, []
    for index, character in enumerate(text):
        wide_mm = first_mm if index == 0 else width_mm
        cells.append(
            _Cell(character=character, left_mm=left_mm, top_mm=25, width_mm=wide_mm, height_mm=90)
        )
        left_mm += wide_mm + (break_mm if index == 1 else gap_mm)
    middle = (cells[2].left_mm - break_mm / 2, 70.0) if dot else None
    return _Layout(width_mm=plate_mm, height_mm=140, cells=tuple(cells), dot_mm=middle)


def _two_rows(text: str) -> _Layout:
    upper = [
        _Cell(character=c, left_mm=110 + 140 * i, top_mm=15, width_mm=80, height_mm=60)
        for i, c in enumerate(text[:2])
    ]
    lower = text[2:]
    free_mm = 440 - 65 * len(lower) - 15 * (len(lower) - 1)
    below = [
        _Cell(character=c, left_mm=free_mm / 2 + 80 * i, top_mm=90, width_mm=65, height_mm=110)
        for i, c in enumerate(lower)
    ]
    return _Layout(width_mm=440, height_mm=220, cells=(*upper, *below), dot_mm=(220.0, 45.0))


def _long_plate(text: str) -> _Layout:
    letters = 2 if text[:2].isalpha() else 0
    groups = [text[:letters], text[letters:]] if letters else [text]
    if plausible_class(text) is PlateClass.MACAU:
        groups = [text[:2], text[2:4], text[4:]]
    wide_mm, gap_mm, space_mm = 48, 9, 30
    shown = [g for g in groups if g]
    total_mm = sum(wide_mm * len(g) + gap_mm * (len(g) - 1) for g in shown)
    total_mm += space_mm * (len(shown) - 1)
    left_mm, cells = (520 - total_mm) / 2, []
    for group in shown:
        for character in group:
            cells.append(
                _Cell(
                    character=character, left_mm=left_mm, top_mm=16, width_mm=wide_mm, height_mm=78
                )
            )
            left_mm += wide_mm + gap_mm
        left_mm += space_mm - gap_mm
    return _Layout(width_mm=520, height_mm=110, cells=tuple(cells), dot_mm=None)


def _background(size: tuple[int, int], plate_class: PlateClass, text: str) -> BgrImage:
    height, width = size
    image = np.empty((height, width, 3), np.uint8)
    if plate_class is not PlateClass.GREEN:
        image[:] = _PAINT[plate_class]
        return image
    top, bottom = np.array([225, 240, 225.0]), np.array([96, 178, 92.0])
    share = np.linspace(0.0, 1.0, height)[:, None]
    image[:] = (top * (1 - share) + bottom * share).astype(np.uint8)[:, None, :]
    if text[-1:].isalpha():  # large new-energy vehicles: the first two characters stand on yellow
        image[:, : round(width * 0.27)] = _PAINT[PlateClass.YELLOW]
    return image


_PAINT: Final[dict[PlateClass, Bgr]] = {
    PlateClass.BLUE: (158, 66, 18),
    PlateClass.YELLOW: (18, 172, 240),
    PlateClass.BLACK: (26, 24, 24),
    PlateClass.WHITE: (236, 236, 236),
    PlateClass.HK: (238, 240, 240),
    PlateClass.MACAU: (24, 24, 26),
    PlateClass.OTHER: (232, 232, 232),
}


def _frame(image: BgrImage, ink: Bgr) -> None:
    height, width = image.shape[:2]
    inset, thick, radius = 3 * PX_PER_MM, 2 * PX_PER_MM, 12 * PX_PER_MM
    left, top, right, bottom = inset, inset, width - 1 - inset, height - 1 - inset
    for start, end in (
        ((left + radius, top), (right - radius, top)),
        ((left + radius, bottom), (right - radius, bottom)),
        ((left, top + radius), (left, bottom - radius)),
        ((right, top + radius), (right, bottom - radius)),
    ):
        cv2.line(image, start, end, ink, thick, cv2.LINE_AA)
    for center, angle in (
        ((left + radius, top + radius), 180),
        ((right - radius, top + radius), 270),
        ((right - radius, bottom - radius), 0),
        ((left + radius, bottom - radius), 90),
    ):
        cv2.ellipse(image, center, (radius, radius), angle, 0, 90, ink, thick, cv2.LINE_AA)


def _stamp(image: BgrImage, cell: _Cell, ink: Bgr) -> None:
    width, height = round(cell.width_mm * PX_PER_MM), round(cell.height_mm * PX_PER_MM)
    left, top = round(cell.left_mm * PX_PER_MM), round(cell.top_mm * PX_PER_MM)
    mask = glyph_mask(cell.character, width, height)
    region = image[top : top + height, left : left + width]
    share = (mask[: region.shape[0], : region.shape[1], None] / 255.0).astype(np.float32)
    region[:] = (region * (1 - share) + np.array(ink, np.float32) * share).astype(np.uint8)


def _bolts(image: BgrImage, plate_class: PlateClass) -> None:
    if plate_class in {PlateClass.HK, PlateClass.MACAU, PlateClass.OTHER}:
        return
    height, width = image.shape[:2]
    for x_share in (0.25, 0.75):
        for y_px in (9 * PX_PER_MM, height - 9 * PX_PER_MM):
            center = (round(width * x_share), y_px)
            cv2.circle(image, center, 4 * PX_PER_MM, (150, 150, 150), -1, cv2.LINE_AA)
            cv2.circle(image, center, 4 * PX_PER_MM, (90, 90, 90), 2, cv2.LINE_AA)


def random_plate(
    rng: np.random.Generator, plate_class: PlateClass | None = None
) -> tuple[str, PlateClass]:
    """A plate as a Shenzhen port sees them: half of the mainland ones 粤, a fifth cross-border.

    Raises:
        ValueError: for OTHER, which has no grammar to draw from.
    """
    chosen = plate_class or _MIX[int(rng.choice(len(_MIX), p=_MIX_SHARE))]
    if chosen is PlateClass.HK:
        first, second = _pick(rng, "BDFHJKLNPRSTUVWXY"), _pick(rng, "ABCDEFGHJKLMNPRSTUVWXYZ")
        return first + second + str(rng.integers(100, 10_000)), chosen
    if chosen is PlateClass.MACAU:
        return "M" + _pick(rng, LETTERS) + _digits(rng, 4), chosen
    if chosen is PlateClass.BLACK:
        return "粤Z" + _serial(rng, 4) + _pick(rng, "港港港澳"), chosen
    province = "粤" if rng.integers(2) else _pick(rng, PROVINCES)
    return province + _pick(rng, LETTERS[:12]) + _mainland_serial(rng, chosen), chosen


def _mainland_serial(rng: np.random.Generator, plate_class: PlateClass) -> str:
    if plate_class is PlateClass.GREEN:
        mark, digits = _pick(rng, "DF"), _digits(rng, 5)
        return mark + digits if rng.integers(2) else digits + mark
    if plate_class is PlateClass.WHITE:
        return _digits(rng, 4) + "警"
    if plate_class in {PlateClass.BLUE, PlateClass.YELLOW}:
        return _serial(rng, 5)
    raise ValueError(f"{plate_class}: no grammar to draw a plate from")


_MIX: Final = (PlateClass.YELLOW, PlateClass.BLUE, PlateClass.GREEN, PlateClass.BLACK)
_MIX_SHARE: Final = (0.45, 0.2, 0.15, 0.2)


def _pick(rng: np.random.Generator, characters: str) -> str:
    return characters[int(rng.integers(len(characters)))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(_pick(rng, "0123456789") for _ in range(count))


def _serial(rng: np.random.Generator, count: int) -> str:
    """Digits with up to two letters among them."""
    serial = list(_digits(rng, count))
    for _ in range(int(rng.integers(3))):
        serial[int(rng.integers(count))] = _pick(rng, LETTERS)
    return "".join(serial)
