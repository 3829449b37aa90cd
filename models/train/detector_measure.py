"""How well a detector finds plates in photographs that taught nothing, and what it makes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.lpr.boxes import Quad
from models.lpr.detector import Detector
from models.synth.street import StreetScene, without_plates

_FOUND_IOU: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorMeasure:
    """Counts over a set of pictures.

    `found` of `plates` overlap an answer by half, box over box. `corner_errors` are the mean
    distances of the four corners of each found plate, in plate heights. `further` answers overlap
    no labeled plate (a photograph may show more plates than its label says); `invented` answers
    stand in `bare` pictures, whose plate was painted over.
    """

    plates: int
    found: int
    corner_errors: tuple[float, ...]
    further: int
    bare: int
    invented: int

    def line(self) -> str:
        """One line of plain text."""
        errors = self.corner_errors or (float("nan"),)
        middle, high = np.percentile(errors, [50, 95])
        return (
            f"found {self.found} of {self.plates}, corners off by {middle:.3f} of the height"
            f" (95 %: {high:.3f}), further answers {self.further},"
            f" invented {self.invented} in {self.bare} pictures without a plate"
        )


def measure_detector(detector: Detector, scenes: Sequence[StreetScene]) -> DetectorMeasure:
    """Looks once at every scene as it is, and once with its plates painted over."""
    rng = np.random.default_rng(11)
    plates = found = further = invented = 0
    errors: list[float] = []
    for scene in scenes:
        answers = [f.corners for f in detector.find(scene.image)]
        hits = [_best(quad, answers) for quad in scene.quads]
        plates += len(hits)
        found += sum(hit is not None for hit in hits)
        errors += [
            corner_error(quad, hit)
            for quad, hit in zip(scene.quads, hits, strict=True)
            if hit is not None
        ]
        further += sum(all(box_overlap(a, q) < 0.1 for q in scene.quads) for a in answers)
        invented += len(detector.find(without_plates(rng, scene).image))
    return DetectorMeasure(
        plates=plates,
        found=found,
        corner_errors=tuple(errors),
        further=further,
        bare=len(scenes),
        invented=invented,
    )


def _best(quad: Quad, answers: Sequence[Quad]) -> Quad | None:
    best = max(answers, key=lambda a: box_overlap(quad, a), default=None)
    return best if best is not None and box_overlap(quad, best) >= _FOUND_IOU else None


def box_overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of the upright boxes around two quads, 0..1."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0)))
    areas = sum(float(np.prod(q.max(axis=0) - q.min(axis=0))) for q in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def corner_error(truth: Quad, answer: Quad) -> float:
    """Mean distance of the four corners, in heights of the true plate."""
    height = np.linalg.norm(truth[3] - truth[0]) + np.linalg.norm(truth[2] - truth[1])
    return float(np.linalg.norm(truth - answer, axis=1).mean() / (height / 2))
