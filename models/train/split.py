"""Which real pictures teach and which examine: by plate and by collection, never at random.

`labels.csv` (crops and frames) examines only. `labels2.csv` teaches, but for a fifth of its
photographs, chosen by a hash of the plate's text, and for every plate that the examination holds.
The folder is a development extra and no part of the repository.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from models.lpr.plates import Corners, normalize_plate

_HELD_OUT_PERCENT: Final = 20


class Role(StrEnum):
    """What a real picture is for."""

    TRAIN = "train"
    VALIDATE = "validate"
    LEAVE_OUT = "leave_out"
    """Disputed labels, and plates of teaching collections that the examination holds too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPicture:
    """One labeled real picture.

    `plate` is normalized, `label_class` is the table's own word (`yellow_double`, `green_nev`).
    `corners` are pixels in the order top left, top right, bottom right, bottom left; None where the
    table has none (every crop). `whole_frame` is False for a crop that the plate fills. `vanity`
    marks a number that looks staged (88888), to be weighted down.
    """

    path: Path
    plate: str
    label_class: str
    rows: int
    corners: Corners | None
    source: str
    whole_frame: bool
    vanity: bool
    role: Role


def held_out(plate: str) -> bool:
    """Whether a photograph of this plate in `frames2` examines instead of teaching."""
    digest = hashlib.sha256(normalize_plate(plate).encode()).digest()
    return int.from_bytes(digest[:4]) % 100 < _HELD_OUT_PERCENT


def real_pictures(root: Path) -> list[RealPicture]:
    """Every labeled picture under `root`, with its role.

    Raises:
        FileNotFoundError: `labels.csv` or `labels2.csv` is missing.
    """
    first = list(_rows(root / "labels.csv"))
    second = list(_rows(root / "labels2.csv"))
    examined = {normalize_plate(row["plate"]) for row in first}
    examined |= {
        normalize_plate(row["plate"])
        for row in second
        if row["file"].startswith("frames") and held_out(row["plate"])
    }
    pictures = [_picture(root, row, _first_role(row)) for row in first]
    pictures += [_picture(root, row, _second_role(row, examined)) for row in second]
    return pictures


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _first_role(row: dict[str, str]) -> Role:
    return Role.LEAVE_OUT if row["note"] == "disputed" else Role.VALIDATE


def _second_role(row: dict[str, str], examined: set[str]) -> Role:
    if row["note"] == "disputed":
        return Role.LEAVE_OUT
    if row["file"].startswith("frames") and held_out(row["plate"]):
        return Role.VALIDATE
    return Role.LEAVE_OUT if normalize_plate(row["plate"]) in examined else Role.TRAIN


def _picture(root: Path, row: dict[str, str], role: Role) -> RealPicture:
    return RealPicture(
        path=root / row["file"],
        plate=normalize_plate(row["plate"]),
        label_class=row["plate_class"],
        rows=int(row["rows"] or 1),
        corners=_corners(row.get("corners_tl_tr_br_bl") or ""),
        source=row["source"],
        whole_frame=row["file"].startswith("frames"),
        vanity=row["note"] == "vanity",
        role=role,
    )


def _corners(text: str) -> Corners | None:
    if not text:
        return None
    a, b, c, d = (tuple(float(v) for v in point.split(",")) for point in text.split(";"))
    return (a[0], a[1]), (b[0], b[1]), (c[0], c[1]), (d[0], d[1])
