"""The real pictures that examine, in the sets whose bars issue 3 names; two halves by plate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.evaluate.labeled import LabeledPicture, read_labels

TABLES: Final = ("labels.csv", "labels2.csv")
MULTI_PROVINCE: Final = "multi-province crops"
SMALL: Final = "94x24 crops"
PHOTOGRAPHS: Final = "photographs"
RARE: Final = "rare classes"
OTHER: Final = "other crops"
_BARS: Final = {"liuruoze/EasyPR": MULTI_PROVINCE, "sirius-ai/LPRNet_Pytorch": SMALL}
_COMMON: Final = frozenset({"blue", "yellow_single", "unnamed"})


def examined_pictures(root: Path) -> dict[str, list[LabeledPicture]]:
    """The pictures under `root` that taught nothing, by set; a rare photograph is in two sets.

    Raises:
        LabelsError: a table is missing or cannot be used.
    """
    sets: dict[str, list[LabeledPicture]] = {
        name: [] for name in (MULTI_PROVINCE, SMALL, PHOTOGRAPHS, RARE, OTHER)
    }
    for table in TABLES:
        for picture in read_labels(root / table, examined_only=True):
            is_crop = picture.box is None
            if not is_crop:
                sets[PHOTOGRAPHS].append(picture)
            if picture.label not in _COMMON:
                sets[RARE].append(picture)
            elif is_crop:
                sets[_BARS.get(picture.source, OTHER)].append(picture)
    return sets


def half(name: int) -> Callable[[LabeledPicture], bool]:
    """Whether a picture belongs to half 0 or 1: by its plate, never at random."""

    def belongs(picture: LabeledPicture) -> bool:
        return hashlib.sha256(picture.plate.encode()).digest()[7] % 2 == name

    return belongs
