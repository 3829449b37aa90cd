"""A reader against drawn trucks: the voted reading of a few frames of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.evaluate.tally import Outcome
from models.lpr.api import BgrImage, PlateReader
from models.lpr.plates import PlateClass
from models.lpr.vote import vote_all
from models.pictures import decode_picture
from models.synth.plate_pictures import draw_plate, random_plate
from models.synth.scenes import LaneScene, draw_scene, encode_jpeg, photograph


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTruck:
    """A truck whose plate is known, and the generator that takes further photographs of it."""

    text: str
    plate_class: PlateClass
    scene: LaneScene
    rng: np.random.Generator

    def frame(self) -> BgrImage:
        """One photograph, through JPEG as a camera sends it."""
        return decode_picture(encode_jpeg(photograph(self.rng, self.scene)), "drawn frame")


def drawn_trucks(count: int, seed: int, *, unreadable: bool = False) -> Iterator[DrawnTruck]:
    """Trucks numbered 0.. of a seed; the same number and seed give the same pixels."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        text, plate_class = random_plate(rng)
        scene = draw_scene(rng, draw_plate(text, plate_class), unreadable=unreadable)
        yield DrawnTruck(text=text, plate_class=plate_class, scene=scene, rng=rng)


def evaluate_drawn(
    reader: PlateReader,
    trucks: Iterator[DrawnTruck],
    *,
    frames: int,
    stopwatch_s: Callable[[], float],
) -> Iterator[tuple[DrawnTruck, Outcome]]:
    """The vote over `frames` frames of each truck; a wrong class is a wrong reading."""
    for truck in trucks:
        pictures = [truck.frame() for _ in range(frames)]
        yield truck, voted(reader, pictures, truck.text, truck.plate_class, stopwatch_s)


def voted(
    reader: PlateReader,
    frames: list[BgrImage],
    plate: str,
    plate_class: PlateClass,
    stopwatch_s: Callable[[], float],
) -> Outcome:
    """What the frames of one passage say together; the duration is that of one frame."""
    started_s = stopwatch_s()
    readings = [reader.read(picture, frame_number=n) for n, picture in enumerate(frames)]
    duration_ms = (stopwatch_s() - started_s) * 1000 / len(frames)
    votes = vote_all(readings)
    elected = next((v for v in votes if v.text == plate), votes[0] if votes else None)
    is_right = elected is not None and elected.plate_class is plate_class
    text = "" if elected is None else elected.text if is_right else f"{elected.text}?"
    return Outcome(
        plate=plate,
        text=text,
        confidence=elected.confidence if elected else 0.0,
        duration_ms=duration_ms,
        shown=f"{elected.text} {elected.plate_class} {elected.confidence:.3f}" if elected else "",
    )
