"""Passages of real plates: what several pictures of one vehicle say together.

Hardly any vehicle stands in the sets three times. So next to those few, each picture is shown
again as the next frames of its passage would show it: nearer or farther, turned a little, in other
light, shaken, compressed anew. What one picture hides stays hidden in all frames of such a
passage: they err more alike than frames of a lane do, and a lane should reach more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.evaluate.labeled import Box, LabeledPicture
from models.evaluate.measured import Measured, share
from models.evaluate.sets import RARE, examined_pictures
from models.evaluate.tally import same_plate
from models.lpr.api import BgrImage, PictureError, PlateReader
from models.lpr.plates import Corners, PlateReading
from models.lpr.vote import vote_all
from models.pictures import load_picture

FRAMES: Final = 3
_BAR: Final = 0.985
_NEAR: Final = 0.25  # how far beside its box the middle of a plate may lie, in sides of the box


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a passage; `box` is where the plate stands, None where it fills the picture."""

    image: BgrImage
    box: Box | None


def passages(name: str, reader: PlateReader, root: Path) -> Iterator[Measured]:
    """Shares of passages whose elected plate is right, the whole plate."""
    sets = examined_pictures(root)
    every = list(dict.fromkeys(p for pictures in sets.values() for p in pictures))
    several = [group for group in _by_plate(every) if len(group) >= FRAMES]
    right = sum(_passes(reader, group[0].plate, _frames(group)) for group in several)
    yield share(f"{name}: passages of three and more real pictures", right, len(several))
    all_right, total = 0, 0
    for group_name, pictures in sets.items():
        if group_name == RARE or not pictures:
            continue
        right = sum(_passes(reader, p.plate, _shown_again(p)) for p in pictures)
        yield share(f"{name}: passages of one shown thrice, {group_name}", right, len(pictures))
        all_right, total = all_right + right, total + len(pictures)
    title = f"{name}: passages of one shown thrice, all"
    yield share(title, all_right, total, at_least=_BAR)


def _by_plate(pictures: Sequence[LabeledPicture]) -> list[list[LabeledPicture]]:
    groups: dict[str, list[LabeledPicture]] = {}
    for picture in pictures:
        groups.setdefault(picture.plate, []).append(picture)
    return list(groups.values())


def _frames(pictures: Sequence[LabeledPicture]) -> list[Frame]:
    """The pictures that can be loaded."""
    frames = []
    for picture in pictures:
        with suppress(PictureError):
            frames.append(Frame(image=load_picture(picture.path), box=picture.box))
    return frames


def _shown_again(picture: LabeledPicture) -> list[Frame]:
    """The picture and its next frames, the same ones in every run."""
    frames = _frames([picture])
    seed = list(picture.path.name.encode())
    return frames + [
        next_frame(np.random.default_rng([*seed, moment]), frame)
        for frame in frames
        for moment in range(1, FRAMES)
    ]


def next_frame(rng: np.random.Generator, frame: Frame) -> Frame:
    """The frame as the same camera might see it a moment later; `rng` makes every choice."""
    width = frame.image.shape[1]
    plate_px = frame.image.shape[0] if frame.box is None else frame.box[3]
    image = _moved(rng, frame.image, plate_px)
    steps = np.linspace(0, 1, 256)
    curve = steps ** float(np.exp(rng.normal(0, 0.15))) * float(np.exp(rng.normal(0, 0.15)))
    table = np.clip(curve * 255, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table), np.uint8)
    image = _shaken(rng, image, plate_px)
    noise = rng.normal(0, rng.uniform(0, 6), image.shape)
    image = np.asarray(np.clip(image + noise, 0, 255), np.uint8)
    quality = int(rng.integers(45, 92))
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    if frame.box is None:
        return Frame(image=image, box=None)
    left, top, wide, high = (side * image.shape[1] / width for side in frame.box)
    return Frame(image=image, box=(left, top, wide, high))


def _moved(rng: np.random.Generator, image: BgrImage, plate_px: float) -> BgrImage:
    """Between a fifth smaller and a tenth larger, each corner moved for itself."""
    height, width = image.shape[:2]
    scale = float(rng.uniform(0.8, 1.1))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners * np.float32(scale)
    moved += rng.normal(0, 0.05 * plate_px * scale, (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    flags, border = cv2.INTER_AREA, cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.warpPerspective(image, matrix, size, flags=flags, borderMode=border), np.uint8
    )


def _shaken(rng: np.random.Generator, image: BgrImage, plate_px: float) -> BgrImage:
    """Blurred along a line of up to a twentieth of the plate's height."""
    length = plate_px * float(rng.uniform(0, 0.05))
    angle = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    for along in np.linspace(-1, 1, 2 * side + 1):
        x, y = np.round(side // 2 + reach * along).astype(int)
        kernel[y, x] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _passes(reader: PlateReader, plate: str, frames: Sequence[Frame]) -> bool:
    readings = [_read(reader, frame, number) for number, frame in enumerate(frames)]
    return is_right(plate, frames, readings)


def is_right(
    plate: str, frames: Sequence[Frame], readings: Sequence[Sequence[PlateReading]]
) -> bool:
    """Whether what was read in the frames elects `plate` where the labeled plate stands."""
    votes = vote_all(readings)
    there = [v for v in votes if _stands_at(v.best.corners, frames[v.best.frame_number].box)]
    elected = next(iter(there or votes), None)
    return elected is not None and same_plate(elected.text, plate)


def _read(reader: PlateReader, frame: Frame, number: int) -> list[PlateReading]:
    if frame.box is not None:
        return reader.read(frame.image, frame_number=number)
    reading = reader.read_crop(frame.image, frame_number=number)
    return [reading] if reading else []


def _stands_at(corners: Corners, box: Box | None) -> bool:
    if box is None:
        return True
    left, top, width, height = box
    x = sum(corner[0] for corner in corners) / 4
    y = sum(corner[1] for corner in corners) / 4
    across, down = (x - left) / width, (y - top) / height
    return -_NEAR <= across <= 1 + _NEAR and -_NEAR <= down <= 1 + _NEAR
