"""The questions of the examination, and the seal that shows they are the ones asked before."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np

from models.evaluate.examination.camera import any_weather, photographed
from models.evaluate.examination.exact import Quad, paste
from models.evaluate.examination.plates import PX_PER_MM, exam_plate
from models.evaluate.examination.street import Pose, any_pose, street, truck
from models.evaluate.examination.texts import CLASS_OF, TWO_ROWS, ExamKind, exam_text
from models.lpr.api import BgrImage
from models.lpr.plates import PlateClass

PER_KIND: Final = 500
SAMPLE: Final = 3
"""Questions of each kind that a test draws anew; all of them take a quarter of an hour."""
_SEED: Final = 20_261_121


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamPlate:
    """One plate in a question's picture; `corners` in pixels, top left first, clockwise."""

    text: str
    plate_class: PlateClass
    rows: int
    corners: Quad


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A picture of 960 x 540 and its plates; the first is the one that is examined."""

    kind: ExamKind
    number: int
    image: BgrImage
    plates: tuple[ExamPlate, ...]


def questions(kind: ExamKind, count: int = PER_KIND) -> Iterator[Question]:
    """The first `count` questions of a kind."""
    for number in range(count):
        yield question(kind, number)


def question(kind: ExamKind, number: int, moment: int = 0) -> Question:
    """Question `number` of a kind; moments 1, 2, … are later frames of the same passage.

    The examination proper is moment 0. A later moment shows the vehicle nearer, with the noise of
    its own.
    """
    rng = np.random.default_rng((_SEED, list(ExamKind).index(kind), number))
    pose = any_pose(rng, _SCALE[kind])
    weather = any_weather(rng)
    hung = _plates(rng, kind)
    scene = street(rng)
    pose = _later(pose, moment)
    first = hung[0][0]
    truck(rng, scene, pose, (first.shape[1] // PX_PER_MM, first.shape[0] // PX_PER_MM))
    plates = []
    for picture, plate, right_mm, down_mm in hung:
        size_mm = picture.shape[1] / PX_PER_MM, picture.shape[0] / PX_PER_MM
        corners = pose.quad(*size_mm, right_mm, down_mm)
        paste(scene, picture, corners, samples=4)
        if all(0 <= x < scene.shape[1] and 0 <= y < scene.shape[0] for x, y in corners):
            plates.append(
                ExamPlate(text=plate[0], plate_class=plate[1], rows=plate[2], corners=corners)
            )
    moment_rng = np.random.default_rng((_SEED, list(ExamKind).index(kind), number, moment))
    center = (int(pose.center[0]), int(pose.center[1]))
    image = photographed(moment_rng, scene, weather, center, pose.px_per_mm)
    return Question(kind=kind, number=number, image=image.astype(np.uint8), plates=tuple(plates))


def rows_of(kind: ExamKind, number: int) -> int:
    """How many rows the plate of a question has, without drawing the street."""
    rng = np.random.default_rng((_SEED, list(ExamKind).index(kind), number))
    any_pose(rng, _SCALE[kind])
    any_weather(rng)
    return _plates(rng, kind)[0][1][2]


_SCALE: Final[dict[ExamKind, tuple[float, float]]] = {
    kind: (0.27, 0.52) if kind in TWO_ROWS else (0.22, 0.50) for kind in ExamKind
}
_NEARER: Final = 0.06


def _later(pose: Pose, moment: int) -> Pose:
    return Pose(
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        px_per_mm=pose.px_per_mm * (1 + _NEARER * moment),
        focal_px=pose.focal_px,
        center=(pose.center[0] + 3 * moment, pose.center[1] + 5 * moment),
    )


_Hung = tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.int32]], tuple[str, PlateClass, int], int, int
]


def _plates(rng: np.random.Generator, kind: ExamKind) -> list[_Hung]:
    """The examined plate, and now and then the one that a vehicle carries besides."""
    hung = [_hung(rng, kind, 0, 0)]
    beside = _BESIDE.get(kind)
    if beside is None or rng.integers(3):
        return hung
    companion = beside[int(rng.integers(len(beside)))]
    below_mm = (hung[0][0].shape[0] // PX_PER_MM + 220) // 2 + int(rng.integers(25, 90))
    side_mm = int(rng.integers(-120, 121))
    return [*hung, _hung(rng, companion, side_mm, below_mm)]


_BESIDE: Final[dict[ExamKind, tuple[ExamKind, ...]]] = {
    ExamKind.CROSS_BORDER: (ExamKind.HK_ONE_ROW, ExamKind.HK_TWO_ROWS, ExamKind.MACAU_ONE_ROW),
    ExamKind.HK_ONE_ROW: (ExamKind.CROSS_BORDER,),
    ExamKind.HK_TWO_ROWS: (ExamKind.CROSS_BORDER,),
    ExamKind.MACAU_ONE_ROW: (ExamKind.CROSS_BORDER,),
    ExamKind.MACAU_TWO_ROWS: (ExamKind.CROSS_BORDER,),
}


def _hung(rng: np.random.Generator, kind: ExamKind, right_mm: int, down_mm: int) -> _Hung:
    text = exam_text(rng, kind)
    rows = 2 if kind in TWO_ROWS else 1
    if kind is ExamKind.TRAILER and rng.integers(4) == 0:
        rows = 1
    if kind is ExamKind.CROSS_BORDER and rng.integers(4) == 0:
        rows = 2
    picture = exam_plate(rng, kind, text, rows=rows)
    return picture, (text, CLASS_OF[kind], rows), right_mm, down_mm


def digest(kind: ExamKind, count: int) -> str:
    """SHA-256 over the pixels and labels of the first `count` questions of a kind."""
    seal = hashlib.sha256()
    for asked in questions(kind, count):
        seal.update(asked.image.tobytes())
        labels = [
            [p.text, p.plate_class, p.rows, [[round(x, 2), round(y, 2)] for x, y in p.corners]]
            for p in asked.plates
        ]
        seal.update(json.dumps(labels, ensure_ascii=False).encode())
    return seal.hexdigest()


def sealed() -> dict[str, dict[str, str]]:
    """The digests committed before training: by kind, of the first 3 and of all 500 questions."""
    content = (resources.files(__package__ or "") / "seal.toml").read_text("utf-8")
    return tomllib.loads(content)
