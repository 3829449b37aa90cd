"""Clean pictures of plates, for scenes, the demonstration and tests."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.plates import PROVINCES, PlateClass, normalize_plate, plausible_class
from models.synth.glyph_book import GlyphBook, Hand
from models.synth.layouts import PlateKind, lay_out
from models.synth.render import plain_paint, render
from models.synth.texts import plate_text

PX_PER_MM: Final = 2
_CHARACTERS_MIN: Final = 3

_KINDS: Final[dict[tuple[PlateClass, int], PlateKind]] = {
    (PlateClass.BLUE, 1): PlateKind.BLUE,
    (PlateClass.YELLOW, 1): PlateKind.YELLOW_ONE_ROW,
    (PlateClass.YELLOW, 2): PlateKind.YELLOW_TWO_ROWS,
    (PlateClass.GREEN, 1): PlateKind.GREEN_SMALL,
    (PlateClass.BLACK, 1): PlateKind.CROSS_BORDER,
    (PlateClass.WHITE, 1): PlateKind.POLICE,
    (PlateClass.WHITE, 2): PlateKind.ARMED_POLICE_TWO_ROWS,
    (PlateClass.HK, 1): PlateKind.HONG_KONG,
    (PlateClass.HK, 2): PlateKind.HONG_KONG_TWO_ROWS,
    (PlateClass.MACAU, 1): PlateKind.MACAU,
    (PlateClass.MACAU, 2): PlateKind.MACAU_TWO_ROWS,
    (PlateClass.OTHER, 1): PlateKind.FOREIGN,
    (PlateClass.OTHER, 2): PlateKind.FOREIGN_TWO_ROWS,
}


def draw_plate(text: str, plate_class: PlateClass, *, rows: int = 1) -> BgrImage:
    """A clean, frontal picture of a plate with its border and bolts, two pixels to the millimeter.

    Args:
        text: the plate; separators are dropped.
        plate_class: gives the colors and the proportions.
        rows: 2 draws the two-row plate of trailers and rear ends.

    Raises:
        GlyphError: a character that the fonts cannot draw.
        ValueError: fewer than three characters, or a class that has no plates of two rows.
    """
    plain = normalize_plate(text)
    if len(plain) < _CHARACTERS_MIN:
        raise ValueError(f"a plate has at least {_CHARACTERS_MIN} characters, not {plain!r}")
    kind = _kind(plain, plate_class, rows)
    image = render(lay_out(kind, plain), plain_paint(kind), _book(), Hand.OUTLINE, PX_PER_MM)
    _bolts(image, plate_class)
    return image


@lru_cache(maxsize=1)
def _book() -> GlyphBook:
    return GlyphBook()


def _kind(text: str, plate_class: PlateClass, rows: int) -> PlateKind:
    if (plate_class, rows) not in _KINDS:
        raise ValueError(f"plate {text}: no {plate_class} plate has {rows} rows")
    special = _SPECIAL.get(text[-1]) or _SPECIAL.get(text[0])
    if rows == 1 and plate_class in {PlateClass.BLACK, PlateClass.WHITE} and special:
        return special
    if plate_class is PlateClass.GREEN and text[-1].isalpha():
        return PlateKind.GREEN_LARGE
    return _KINDS[plate_class, rows]


_SPECIAL: Final = {
    "使": PlateKind.EMBASSY,
    "领": PlateKind.CONSULATE,
    "急": PlateKind.EMERGENCY,
    "W": PlateKind.ARMED_POLICE,
}


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
    if chosen is PlateClass.OTHER:
        raise ValueError(f"{chosen}: no grammar to draw a plate from")
    kind = _KINDS[chosen, 1]
    if kind is PlateKind.GREEN_SMALL and rng.integers(2):
        kind = PlateKind.GREEN_LARGE
    while True:
        text = plate_text(rng, kind)
        if text[0] in PROVINCES and rng.integers(2):
            text = "粤" + text[1:]
        if plausible_class(text) is not None:
            return text, chosen


_MIX: Final = (PlateClass.YELLOW, PlateClass.BLUE, PlateClass.GREEN, PlateClass.BLACK)
_MIX_SHARE: Final = (0.45, 0.2, 0.15, 0.2)
