"""Teaches the detector: scenes of streets, of which each is shown many times in many ways.

To draw a scene costs more than to cut a sample from it: turned, scaled and photographed anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.lpr.api import BgrImage
from models.synth.street import PlatePicture, StreetScene, StreetSources, draw_ground, draw_street
from models.train.detector_net import DetectorNet
from models.train.detector_pictures import PlatePress, photographs, real_plates
from models.train.detector_samples import DetectorSample, take_sample
from models.train.detector_targets import detector_loss, draw_targets
from models.train.loop import TrainingPlan, train
from models.train.split import Role

# Height, width and number of the samples of one batch: about a million pixels each.
_SHAPES: Final = ((256, 256, 16), (320, 320, 10), (192, 320, 17), (320, 192, 17), (320, 576, 6))
_SHAPE_SHARES: Final = (0.40, 0.15, 0.15, 0.10, 0.20)
_BATCH_MAX: Final = 17
_PLATES: Final = 600
_REAL_PLATES_SHARE: Final = 0.2
_SCENES: Final = 800
_GROUNDS: Final = 100
_GROUND_SHARE: Final = 0.12
_FRESH_PLATE_SHARE: Final = 0.25


class StreetLessons:
    """Draws scenes without end, with plates that are renewed little by little."""

    def __init__(
        self, rng: np.random.Generator, glyphs: Path | None, real: Path | None, plates: int = 200
    ) -> None:
        """Loads the real pictures, where there is a folder of them, and draws the first plates."""
        self._rng = rng
        self._press = PlatePress(glyphs)
        self._real_plates = [] if real is None else real_plates(real)
        self._photographs = [] if real is None else photographs(real, Role.TRAIN)
        self._drawn: deque[PlatePicture] = deque(maxlen=_PLATES)
        self._drawn.extend(self._press.plate(rng) for _ in range(plates))

    def scene(self) -> StreetScene:
        """The next scene; now and then one that shows no plate, to fill the room around others."""
        rng = self._rng
        if rng.random() < _FRESH_PLATE_SHARE:
            self._drawn.append(self._press.plate(rng))
        plates = [self._plate() for _ in range(20)]
        sources = StreetSources(plates=plates, photographs=self._photographs)
        if rng.random() < _GROUND_SHARE:
            return StreetScene(image=draw_ground(rng, sources))
        return draw_street(rng, sources)

    def _plate(self) -> PlatePicture:
        real = self._real_plates and self._rng.random() < _REAL_PLATES_SHARE
        plates = self._real_plates if real else self._drawn
        return plates[int(self._rng.integers(len(plates)))]


class DetectorTeaching:
    """Street scenes to plates' middles, corners and rows."""

    name: Final = "detector"
    fresh: Final = 2
    peak_rate: Final = 2.5e-3

    def __init__(self, seed: int) -> None:
        """`seed` fixes how scenes are cut into samples."""
        self._rng = np.random.default_rng(seed)
        self._scenes: deque[StreetScene] = deque(maxlen=_SCENES)
        self._grounds: deque[BgrImage] = deque(maxlen=_GROUNDS)

    def new_net(self) -> nn.Module:
        """A net that has learnt nothing."""
        return DetectorNet()

    def lessons(self, plan: TrainingPlan, seed: int) -> Iterator[StreetScene]:
        """Endless scenes."""
        street = StreetLessons(np.random.default_rng(seed), plan.glyphs, plan.real)
        while True:
            yield street.scene()

    def batch(self, fresh: list[StreetScene]) -> list[StreetScene]:
        """The fresh scenes and old ones."""
        self._scenes.extend(fresh)
        self._grounds.extend(scene.image for scene in fresh if not len(scene.quads))
        picks = self._rng.integers(0, len(self._scenes), _BATCH_MAX - len(fresh))
        return fresh + [self._scenes[int(index)] for index in picks]

    def loss(self, net: nn.Module, lessons: list[StreetScene]) -> Tensor:
        """The loss over samples of one shape, one of each scene, as many as the shape allows."""
        height, width, count = _SHAPES[int(self._rng.choice(len(_SHAPES), p=_SHAPE_SHARES))]
        size = (height, width)
        samples = [take_sample(self._rng, s, size, self._ground()) for s in lessons[:count]]
        return samples_loss(net, samples)

    def _ground(self) -> BgrImage | None:
        if not self._grounds:
            return None
        return self._grounds[int(self._rng.integers(len(self._grounds)))]


def samples_loss(net: nn.Module, samples: list[DetectorSample]) -> Tensor:
    """How far off the net is on samples of one size: a scalar."""
    targets = [
        draw_targets((s.image.shape[0], s.image.shape[1]), s.quads, s.rows, s.exact, s.ignored)
        for s in samples
    ]
    pictures = torch.from_numpy(np.stack([s.image for s in samples]))
    return detector_loss(net(pictures), targets).total


def train_detector(plan: TrainingPlan) -> Path:
    """Trains until the plan's minutes are spent; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    return train(DetectorTeaching(plan.seed), plan)
