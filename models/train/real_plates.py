"""Real plates that teach the recognizer: cut out upright where their corners are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.lpr.alphabet import encode
from models.lpr.api import BgrImage
from models.lpr.plates import PlateClass
from models.lpr.rectify import warp
from models.train.split import RealPicture, Role

_CUT_PX: Final = (264, 84)
_CLASS_OF_LABEL: Final = {
    "blue": PlateClass.BLUE,
    "yellow_single": PlateClass.YELLOW,
    "green_nev": PlateClass.GREEN,
    "black_cross_border": PlateClass.BLACK,
    "white": PlateClass.WHITE,
    "hk": PlateClass.HK,
    "macau": PlateClass.MACAU,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPlate:
    """A frontal real plate of one row.

    `common_province` marks photographs of a collection that is nearly all of one province.
    `dark_ink` says that its characters are darker than its ground.
    """

    image: BgrImage
    text: str
    plate_class: PlateClass
    common_province: bool
    dark_ink: bool
    vanity: bool


def real_plates(pictures: Sequence[RealPicture]) -> list[RealPlate]:
    """The teaching plates among `pictures` that the alphabet can spell."""
    plates = []
    for picture in pictures:
        if picture.role is not Role.TRAIN or encode(picture.plate) is None or picture.rows != 1:
            continue
        image = cv2.imdecode(np.fromfile(picture.path, np.uint8), cv2.IMREAD_COLOR)
        plate_class = _CLASS_OF_LABEL.get(picture.label_class)
        if image is None or plate_class is None:
            continue
        cut = np.asarray(image, np.uint8)
        if picture.corners is not None:
            cut = warp(cut, np.array(picture.corners, np.float32), (0.0, 0.0, 1.0, 1.0), _CUT_PX)
        plates.append(
            RealPlate(
                image=cut,
                text=picture.plate,
                plate_class=plate_class,
                common_province=picture.whole_frame,
                dark_ink=plate_class not in {PlateClass.BLUE, PlateClass.BLACK, PlateClass.MACAU},
                vanity=picture.vanity,
            )
        )
    return plates
