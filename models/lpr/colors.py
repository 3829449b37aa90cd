"""The color of a plate: what the ground around the characters looks like.

Two facts decide: whether the ink is lighter than the ground (blue, black, Macau) or darker, and
the hue of the ground. Both survive dusk and dirt better than the hue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.lpr.plates import PlateClass

_COLORLESS: Final = 70  # saturation (0..255) below which a hue says nothing
_BRIGHT: Final = 110
_DARK: Final = 64
_BLIND: Final = 40  # below this value even a saturated pixel has no hue
_VIVID: Final = 110
_PALER: Final = 25
_YELLOW_HUES: Final = (12, 36)  # OpenCV's hue: degrees / 2
_GREEN_HUES: Final = (36, 92)
_BLUE_HUES: Final = (92, 135)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateColor:
    """The ground of a plate, and whether its characters are lighter than it."""

    ground: PlateClass | None
    light_ink: bool


def plate_color(picture: BgrImage) -> PlateColor:
    """The color of the upright middle of a plate, where only ground and characters are.

    `ground` is None for a color that no plate has.

    GREEN, WHITE, BLUE, YELLOW and BLACK name the ground only: a Hong Kong plate is WHITE or
    YELLOW here, a Macau plate BLACK.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    _, light = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    hsv = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV), np.uint8)
    light_ink = _has_light_ink(light > 0, hsv)
    ground = light == 0 if light_ink else light > 0
    if not ground.any():
        return PlateColor(ground=None, light_ink=light_ink)
    hue, saturation, value = (float(v) for v in np.median(hsv[ground], axis=0))
    return PlateColor(ground=_ground(hue, saturation, value), light_ink=light_ink)


def _has_light_ink(light: npt.NDArray[np.bool_], hsv: npt.NDArray[np.uint8]) -> bool:
    """Characters cover less than half of a plate; white ones on overexposed blue seem to more."""
    if light.all() or not light.any():
        return False
    dark_hue, dark_saturation, dark_value = np.median(hsv[~light], axis=0)
    light_saturation = float(np.median(hsv[light], axis=0)[1])
    blue_below = _BLUE_HUES[0] <= dark_hue < _BLUE_HUES[1] and dark_value > _DARK
    if blue_below and dark_saturation > light_saturation + _PALER:
        return True
    return float(light.mean()) < 0.5  # noqa: PLR2004


def _ground(hue: float, saturation: float, value: float) -> PlateClass | None:
    blue = _BLUE_HUES[0] <= hue < _BLUE_HUES[1] and saturation > _COLORLESS
    vivid = value >= _BLIND and saturation > _VIVID
    if value < _DARK and not (blue or vivid):  # hue and saturation of a dark pixel are noise
        return PlateClass.BLACK
    if saturation < _COLORLESS:
        green_tint = _GREEN_HUES[0] <= hue < _GREEN_HUES[1] and saturation > _COLORLESS / 3
        if green_tint and value > _BRIGHT:
            return PlateClass.GREEN
        return PlateClass.WHITE if value > _BRIGHT else PlateClass.BLACK
    for plate_class, (low, high) in (
        (PlateClass.YELLOW, _YELLOW_HUES),
        (PlateClass.GREEN, _GREEN_HUES),
        (PlateClass.BLUE, _BLUE_HUES),
    ):
        if low <= hue < high:
            return plate_class
    return None


def contradicts(plausible: tuple[PlateClass, ...], color: PlateColor) -> bool:
    """Whether the color says that a character was lost or invented: green plates have eight.

    Of 1,300 real plates the color was wrong on two, so it may well be the text that is.
    """
    if color.ground is PlateClass.GREEN:
        return PlateClass.BLUE in plausible
    return color.ground is PlateClass.BLUE and plausible == (PlateClass.GREEN,)


def settle_class(plausible: tuple[PlateClass, ...], color: PlateColor) -> PlateClass | None:
    """The class among those that the text allows, by the color seen; None where it cannot be.

    A mainland text is always believed: its grammar is evidence enough and its color may be lost in
    the dark. Two letters and some digits stand on many a bumper, so a Hong Kong or Macau text
    counts only on a ground that such a plate has.
    """
    if not plausible:
        return None
    if PlateClass.HK in plausible or PlateClass.MACAU in plausible:
        return _of_the_islands(plausible, color)
    possible = [c for c in plausible if color.light_ink != (c in _DARK_INK)] or list(plausible)
    return color.ground if color.ground in possible else possible[0]


_DARK_INK: Final = frozenset({PlateClass.YELLOW, PlateClass.GREEN, PlateClass.WHITE})


def _of_the_islands(plausible: tuple[PlateClass, ...], color: PlateColor) -> PlateClass | None:
    dark_on_light = color.ground in {PlateClass.WHITE, PlateClass.YELLOW} and not color.light_ink
    if dark_on_light and PlateClass.HK in plausible:
        return PlateClass.HK
    if color.light_ink and color.ground is PlateClass.BLACK and PlateClass.MACAU in plausible:
        return PlateClass.MACAU
    return None
