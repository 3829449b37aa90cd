"""Teaches the detector: scenes are drawn while it learns, and it stops when its time is up.

One thread of one process; a checkpoint every few minutes, from which the next call goes on.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from models.lpr.api import BgrImage
from models.synth.street import StreetScene, StreetSources, draw_ground, draw_street
from models.train.detector_net import DetectorNet
from models.train.detector_pictures import PlatePress, photographs, real_plates
from models.train.detector_samples import DetectorSample, take_sample
from models.train.detector_targets import Loss, detector_loss, draw_targets
from models.train.split import Role

_SHAPES: Final = ((256, 256, 16), (320, 320, 10), (192, 320, 17), (320, 192, 17), (320, 576, 6))
_SHAPE_SHARES: Final = (0.40, 0.15, 0.15, 0.10, 0.20)
_RATE: Final = 2.5e-3
_RATE_LAST: Final = 0.01
_WARM_STEPS: Final = 200
_EMA: Final = 0.998
_PLATES: Final = 700
_SCENES: Final = 700
_SCENES_AT_FIRST: Final = 160
_GROUNDS: Final = 80
_FRESH_SCENES: Final = 2
_FRESH_PLATES: Final = 0.4
_SAVE_EVERY_S: Final = 150.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorTraining:
    """What to teach with, where to, and for how long.

    `out` receives `detector.pt`. `real` is the folder of real pictures and `glyphs` that of glyph
    pictures; without them all is drawn. `minutes` is the whole plan, earlier calls counted in: the
    learning rate falls to its end over it.
    """

    out: Path
    minutes: float
    real: Path | None = None
    glyphs: Path | None = None
    seed: int = 1


class SceneStore:
    """Scenes that are renewed a few at a time: to draw one costs more than to use one."""

    def __init__(
        self,
        rng: np.random.Generator,
        real: Path | None,
        glyphs: Path | None = None,
        *,
        scenes: int = _SCENES_AT_FIRST,
        plates: int = _PLATES,
    ) -> None:
        """Loads the real pictures and draws the first `scenes` from as many as `plates`."""
        self._rng = rng
        self._press = PlatePress(glyphs)
        self._real_plates = real_plates(real) if real else []
        self._photographs = photographs(real, Role.TRAIN) if real else []
        self._drawn = deque((self._press.plate(rng) for _ in range(plates)), maxlen=plates)
        self._scenes: deque[StreetScene] = deque(maxlen=_SCENES)
        self._grounds: deque[BgrImage] = deque(maxlen=_GROUNDS)
        for _ in range(scenes):
            self._scenes.append(draw_street(rng, self._sources()))
            self._grounds.append(draw_ground(rng, self._sources()))

    def _sources(self) -> StreetSources:
        plates = [self._drawn[int(i)] for i in self._rng.integers(0, len(self._drawn), 14)]
        if self._real_plates:
            picks = self._rng.integers(0, len(self._real_plates), 6)
            plates += [self._real_plates[int(i)] for i in picks]
        return StreetSources(plates=plates, photographs=self._photographs)

    def renew(self) -> None:
        """Draws a plate and some scenes; the oldest go."""
        if self._rng.random() < _FRESH_PLATES:
            self._drawn.append(self._press.plate(self._rng))
            self._grounds.append(draw_ground(self._rng, self._sources()))
        for _ in range(_FRESH_SCENES):
            self._scenes.append(draw_street(self._rng, self._sources()))

    def samples(self, count: int, size: tuple[int, int]) -> list[DetectorSample]:
        """`count` samples of `size` (height, width) from scenes at random."""
        chosen = self._rng.integers(0, len(self._scenes), count)
        return [take_sample(self._rng, self._scenes[int(i)], size, self._ground()) for i in chosen]

    def _ground(self) -> BgrImage:
        return self._grounds[int(self._rng.integers(len(self._grounds)))]


class DetectorRun:
    """The network, its slow average, and what resuming needs."""

    def __init__(self, plan: DetectorTraining) -> None:
        """Starts afresh, or from the checkpoint in the plan's folder."""
        self._plan = plan
        torch.manual_seed(plan.seed)
        self.net = DetectorNet()
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = DetectorNet()
        self.average.load_state_dict(self.net.state_dict())
        self._optimizer = torch.optim.AdamW(self.net.parameters(), lr=_RATE, weight_decay=0.02)
        self.step = 0
        self.trained_s = 0.0
        self._path = plan.out / "detector.pt"
        if self._path.exists():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self._path, weights_only=True)
        self.net.load_state_dict(saved["net"])
        self.average.load_state_dict(saved["average"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self.step, self.trained_s = int(saved["step"]), float(saved["trained_s"])

    def save(self) -> None:
        """Writes the checkpoint so that a cut never leaves half of one."""
        self._plan.out.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        torch.save(
            {
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "step": self.step,
                "trained_s": self.trained_s,
            },
            fresh,
        )
        fresh.replace(self._path)

    def learn(self, samples: list[DetectorSample]) -> Loss:
        """One step on one batch; all samples have one size."""
        batch = [
            draw_targets((s.image.shape[0], s.image.shape[1]), s.quads, s.rows, s.exact, s.ignored)
            for s in samples
        ]
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self.net.train()
        loss = detector_loss(self.net(_pictures(samples)), batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._optimizer.step()
        self.step += 1
        self._follow()
        return loss

    def _rate(self) -> float:
        share = min(1.0, self.trained_s / (self._plan.minutes * 60))
        fall = _RATE_LAST + (1 - _RATE_LAST) * 0.5 * (1 + float(np.cos(np.pi * share)))
        return _RATE * fall * min(1.0, (self.step + 1) / _WARM_STEPS)

    def _follow(self) -> None:
        """Moves the slow average toward the network; it follows faster in the beginning."""
        keep = min(_EMA, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            fresh = self.net.state_dict()
            for name, value in self.average.state_dict().items():
                if value.dtype.is_floating_point:
                    value.lerp_(fresh[name], 1 - keep)
                else:
                    value.copy_(fresh[name])


def _pictures(samples: list[DetectorSample]) -> Tensor:
    return torch.from_numpy(np.stack([s.image for s in samples]))


def train_detector(plan: DetectorTraining) -> None:
    """Trains until the plan's minutes are used up; logs a line every hundred steps."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = DetectorRun(plan)
    rng = np.random.default_rng([plan.seed, run.step])
    store = SceneStore(rng, plan.real, plan.glyphs)
    saved_s = started_s = time.perf_counter()
    before_s = run.trained_s
    losses: deque[tuple[float, float, float]] = deque(maxlen=100)
    while run.trained_s < plan.minutes * 60:
        height, width, count = _SHAPES[int(rng.choice(len(_SHAPES), p=_SHAPE_SHARES))]
        store.renew()
        loss = run.learn(store.samples(count, (height, width)))
        losses.append((loss.heat.item(), loss.corners.item(), loss.rows.item()))
        run.trained_s = before_s + time.perf_counter() - started_s
        if run.step % 100 == 0:
            heat, corners, rows = np.mean(losses, axis=0)
            _log.info(
                "step %d, %.1f min: heat %.3f corners %.4f rows %.4f",
                *(run.step, run.trained_s / 60, heat, corners, rows),
            )
        if time.perf_counter() - saved_s > _SAVE_EVERY_S:
            run.save()
            saved_s = time.perf_counter()
    run.save()
