"""A reader against drawn trucks: the voted reading of a few frames of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.evaluate.tally import Tally
from models.lpr.api import BgrImage, PlateReader
from models.lpr.plates import PlateClass
from models.lpr.vote import vote
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
) -> Iterator[tuple[DrawnTruck, Tally, str]]:
    """The vote over `frames` frames of each truck: the truck, its tally of one, what was read."""
    for truck in trucks:
        pictures = [truck.frame() for _ in range(frames)]
        started_s = stopwatch_s()
        readings = [reader.read(picture, frame_number=n) for n, picture in enumerate(pictures)]
        duration_ms = (stopwatch_s() - started_s) * 1000 / frames
        elected = vote(readings)
        tally = Tally()
        tally.count(
            found=elected is not None,
            exact=elected is not None
            and (elected.text, elected.plate_class) == (truck.text, truck.plate_class),
            duration_ms=duration_ms,
        )
        shown = f"{elected.text} {elected.plate_class} {elected.confidence:.3f}" if elected else ""
        yield truck, tally, shown
