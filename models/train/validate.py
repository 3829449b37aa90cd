"""How well a recognizer reads the real pictures it has never learnt from; greedy, no grammar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.alphabet import BLANK, decode
from models.lpr.api import BgrImage
from models.lpr.plates import PROVINCES, Corners
from models.lpr.rectify import rectify
from models.train.split import RealPicture, Role, real_pictures

Reader = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Strips N x 48 x 168 x 3 to log probabilities N x T x C."""


@dataclass(slots=True)
class Score:
    """Counts over one collection; `misread` holds (file, truth, reading)."""

    count: int = 0
    exact: int = 0
    but_province: int = 0
    misread: list[tuple[str, str, str]] = field(default_factory=list)

    def line(self, name: str) -> str:
        """One row of a table."""
        share, loose = self.exact / max(1, self.count), self.but_province / max(1, self.count)
        return f"{name:44s} n {self.count:4d}  exact {share:.4f}  without province {loose:.4f}"


def validate(read: Reader, root: Path) -> dict[str, Score]:
    """Scores per collection; photographs are cut by their true corners, crops as they are."""
    scores: dict[str, Score] = {}
    groups: dict[str, list[tuple[RealPicture, BgrImage]]] = {}
    for picture in real_pictures(root):
        if picture.role is not Role.VALIDATE:
            continue
        strip = _strip(picture)
        if strip is not None:
            name = "frames" if picture.whole_frame else picture.source
            groups.setdefault(name, []).append((picture, strip))
    for name, members in groups.items():
        scores[name] = _score(read, members)
    return scores


def _strip(picture: RealPicture) -> BgrImage | None:
    image = cv2.imdecode(np.fromfile(picture.path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    corners = picture.corners
    if corners is None:
        if picture.whole_frame:
            return None
        corners = whole(np.asarray(image, np.uint8))
    return rectify(np.asarray(image, np.uint8), corners, picture.rows)


def whole(image: BgrImage) -> Corners:
    """The corners of the picture itself."""
    height, width = float(image.shape[0]), float(image.shape[1])
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def _score(read: Reader, members: Sequence[tuple[RealPicture, BgrImage]]) -> Score:
    score = Score()
    log_probs = read(np.stack([strip for _, strip in members]))
    for (picture, _), table in zip(members, log_probs, strict=True):
        text = greedy(table)
        score.count += 1
        score.exact += text == picture.plate
        score.but_province += text.lstrip(PROVINCES) == picture.plate.lstrip(PROVINCES)
        if text != picture.plate:
            score.misread.append((picture.path.name, picture.plate, text))
    return score


def greedy(log_probs: npt.NDArray[np.float32]) -> str:
    """The text of the likeliest symbol of each column, repeats and blanks dropped."""
    best = [symbol for symbol, _ in groupby(int(s) for s in log_probs.argmax(axis=1))]
    return decode(symbol for symbol in best if symbol != BLANK)
