"""The picture that a truck's camera will see, drawn ahead of time in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil_tests.demo.traffic import Kind
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph

if TYPE_CHECKING:
    from hil_tests.demo.traffic import PlannedTruck


def picture_of(truck: PlannedTruck) -> bytes:
    """A 1280x720 JPEG of the truck's front with its plate, covered where it is unreadable."""
    rng = np.random.default_rng(truck.seed)
    plate = draw_plate(truck.plate, truck.plate_class)
    scene = draw_scene(rng, plate, unreadable=truck.kind is Kind.UNREADABLE)
    return encode_jpeg(photograph(rng, scene))


def empty_lane() -> bytes:
    """A JPEG of an empty lane: gray ground."""
    return encode_jpeg(np.full((720, 1280, 3), 96, dtype=np.uint8))
