"""Finds plates in a whole picture: four corners each, how sure, and one row or two.

The network (`models/lpr/weights/detector.onnx`, taught by `models.train`) sees the picture scaled
to about 184,000 pixels, 576 x 320 for a 16:9 camera, and answers on a grid of 8 x 8 px cells: how
likely a plate's middle is here, and where its corners are from here.

Memory and time are bounded for pictures of any size and shape. Where the picture had to be
shrunk and the first look is sure of nothing, or its plate is small, it is looked at once more with
up to four times the pixels, which costs up to four times the first look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from models.lpr.api import BgrImage
from models.lpr.boxes import Quad

CELL_PX: Final = 8
"""Pixels of the network's input per cell of its answer."""

PADDING: Final = 114
"""Gray beside a picture that does not fill the network's input."""

_STEP_PX: Final = 32
_LOOK_PX: Final = 576 * 320
_SECOND_LOOK: Final = 4
_SURE: Final = 0.6  # a score from which on a plate is hardly ever something else
_CLOSER_MIN: Final = 0.5  # emblems and lamps look more like plates from near, and plates surer
_COARSE: Final = 0.2  # shrunk further than this, trucks are as small as plates otherwise are
_SMALL_PX: Final = 40.0  # a plate less wide in the input is found, but its corners are off
_SIDE_MAX_PX: Final = 2048
_ENLARGED_MAX: Final = 2.0
_PEAKS_MAX: Final = 24
_FAINT: Final = 0.15  # what is believed so close to a surer plate that one vehicle carries both
_CLOSE: Final = 0.8  # how far apart their middles may be, in widths of the surer one
_ALIKE: Final = 0.5  # how much narrower the narrower one may be
_SAME_PLATE_IOU: Final = 0.3
_SAME_HILL: Final = 0.5

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlate:
    """One plate in a picture.

    `corners` are 4 x 2 pixels of the picture, from the top left on in the plate's own reading
    direction, possibly a little outside the picture; `score` is 0..1, `rows` 1 or 2.
    """

    corners: Quad
    score: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """How a picture of one size is laid into an input whose sides are multiples of 32.

    `content` is the scaled picture (width, height), `canvas` the input with gray at its right and
    lower side; `factors` are input pixels per picture pixel, across and down.
    """

    content: tuple[int, int]
    canvas: tuple[int, int]
    factors: tuple[float, float]

    def to_picture(self, points: FloatArray) -> FloatArray:
        """Points of the input (... x 2) as points of the picture."""
        return np.asarray(points / np.array(self.factors, np.float32), np.float32)


def letterbox(width: int, height: int, look_px: int = _LOOK_PX) -> Letterbox:
    """The scale at which the padded input comes nearest to `look_px` pixels without passing it.

    A picture much longer than wide passes it by what padding to 32 px costs.
    """
    scale = min(
        (look_px / (width * height)) ** 0.5,
        _SIDE_MAX_PX / max(width, height),
        _ENLARGED_MAX,
    )
    while True:
        content = (max(1, round(width * scale)), max(1, round(height * scale)))
        canvas = (_padded(content[0]), _padded(content[1]))
        if canvas[0] * canvas[1] <= look_px or min(canvas) == _STEP_PX:
            break
        scale *= 0.985
    factors = (content[0] / width, content[1] / height)
    return Letterbox(content=content, canvas=canvas, factors=factors)


def _padded(side_px: int) -> int:
    return -(-side_px // _STEP_PX) * _STEP_PX


class Detector:
    """Owns the network. One thread uses it."""

    def __init__(self, session: ort.InferenceSession, *, threshold: float = 0.4) -> None:
        """Takes an opened network and the score from which on a place is called a plate."""
        self._session = session
        self._threshold = threshold

    def find(self, image: BgrImage, *, thorough: bool = True) -> list[FoundPlate]:
        """Every plate in `image`, surest first.

        Args:
            image: 8-bit BGR of any size.
            thorough: look a second time, closer, where the picture had to be shrunk for the first
                look and that is sure of nothing, or finds a plate too small to place its corners;
                and always where the picture had to be shrunk to less than a fifth.
        """
        height, width = image.shape[:2]
        box = letterbox(width, height)
        found = self._look(image, box)
        if not thorough or min(box.factors) >= 1.0 or any(_is_clear(f, box) for f in found[:1]):
            return found
        closer = self._look(image, letterbox(width, height, _LOOK_PX * _SECOND_LOOK))
        closer = [plate for plate in closer if plate.score >= _CLOSER_MIN]
        return sorted(distinct([*closer, *found]), key=lambda plate: -plate.score)

    def _look(self, image: BgrImage, box: Letterbox) -> list[FoundPlate]:
        heat, corners, rows = self._session.run(None, {"image": _laid_in(image, box)})
        faint = min(_FAINT, self._threshold)
        found = plates_of(heat[0, 0], corners[0], rows[0], faint)
        found = believed(found, self._threshold)
        return [
            FoundPlate(corners=box.to_picture(f.corners), score=f.score, rows=f.rows) for f in found
        ]


def _is_clear(plate: FoundPlate, box: Letterbox) -> bool:
    width_px = float(np.linalg.norm(plate.corners[1] - plate.corners[0])) * min(box.factors)
    coarse = min(box.factors) < _COARSE
    return plate.score >= _SURE and width_px >= _SMALL_PX and not coarse


def _laid_in(image: BgrImage, box: Letterbox) -> npt.NDArray[np.uint8]:
    canvas = np.full((1, box.canvas[1], box.canvas[0], 3), PADDING, np.uint8)
    canvas[0, : box.content[1], : box.content[0]] = _scaled(image, box.content)
    return canvas


def _scaled(image: BgrImage, content: tuple[int, int]) -> BgrImage:
    """The picture in a smaller or larger size.

    Halved as often as it goes, then interpolated: hardly any aliasing, at an eighth of the cost of
    averaging over areas of broken size.
    """
    while image.shape[1] >= 2 * content[0] and image.shape[0] >= 2 * content[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        even = image[: half[1] * 2, : half[0] * 2]
        image = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, content, interpolation=cv2.INTER_LINEAR), np.uint8)


def plates_of(
    heat: FloatArray, corners: FloatArray, rows: FloatArray, threshold: float
) -> list[FoundPlate]:
    """The plates in the network's answer, in pixels of its input, surest first.

    Args:
        heat: h x w, the probability that a plate's middle is in this cell.
        corners: 8 x h x w, pixels from the middle of the cell to each corner, x before y.
        rows: 2 x h x w, logits of one row and of two.
        threshold: the least heat of a plate.
    """
    summits = np.asarray(cv2.dilate(heat, np.ones((3, 3), np.uint8)))
    tops, lefts = np.nonzero((heat >= summits) & (heat >= threshold))
    order = np.argsort(-heat[tops, lefts], kind="stable")[:_PEAKS_MAX]
    return distinct(
        [
            _plate_at(heat, corners, rows, int(top), int(left))
            for top, left in zip(tops[order], lefts[order], strict=True)
        ]
    )


def believed(plates: Sequence[FoundPlate], threshold: float) -> list[FoundPlate]:
    """The plates of at least `threshold`, and fainter ones beside them, in their order.

    A vehicle of two places carries two plates, the one above the other: the eye that sees one
    sees the other less well, and is more likely right about it than elsewhere.
    """
    sure = [plate for plate in plates if plate.score >= threshold]
    return [
        plate
        for plate in plates
        if plate.score >= threshold or any(_is_companion(plate, other) for other in sure)
    ]


def _is_companion(plate: FoundPlate, other: FoundPlate) -> bool:
    widths = [float(np.linalg.norm(p.corners[1] - p.corners[0])) for p in (plate, other)]
    apart = float(np.linalg.norm(plate.corners.mean(axis=0) - other.corners.mean(axis=0)))
    return min(widths) >= _ALIKE * max(widths) and apart <= _CLOSE * max(widths)


def distinct(plates: Sequence[FoundPlate]) -> list[FoundPlate]:
    """The first of the answers for each plate, in their order."""
    kept: list[FoundPlate] = []
    for plate in plates:
        if all(overlap(plate.corners, other.corners) < _SAME_PLATE_IOU for other in kept):
            kept.append(plate)
    return kept


def _plate_at(
    heat: FloatArray, corners: FloatArray, rows: FloatArray, top: int, left: int
) -> FoundPlate:
    """The plate whose summit is this cell; the warm cells around it have a say in its corners."""
    height, width = heat.shape
    y, x = slice(max(0, top - 1), min(height, top + 2)), slice(max(0, left - 1), left + 2)
    near = heat[y, x]
    weight = np.where(near >= _SAME_HILL * heat[top, left], near, 0.0)
    weight = weight / weight.sum()
    across = (np.arange(width, dtype=np.float32)[x] + 0.5) * CELL_PX
    down = (np.arange(height, dtype=np.float32)[y] + 0.5) * CELL_PX
    offsets = corners[:, y, x].reshape(4, 2, *near.shape)
    places = offsets + np.stack(np.broadcast_arrays(across[None, :], down[:, None]))
    quad = (places * weight).sum(axis=(2, 3))
    two = float((rows[:, y, x] * weight).sum(axis=(1, 2)) @ np.array([-1.0, 1.0])) > 0
    return FoundPlate(
        corners=np.asarray(quad, np.float32), score=float(heat[top, left]), rows=2 if two else 1
    )


def overlap(one: Quad, other: Quad) -> float:
    """Shared area over joint area of two quads, 0..1; 0 for a quad that is not convex."""
    if not (cv2.isContourConvex(one) and cv2.isContourConvex(other)):
        return 0.0
    shared = float(cv2.intersectConvexConvex(one, other)[0])
    joint = abs(float(cv2.contourArea(one))) + abs(float(cv2.contourArea(other))) - shared
    return shared / joint if joint > 0 else 0.0
