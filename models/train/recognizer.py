"""Teaches the recognizer.

Each drawn strip is shown more than once, changed a little: to draw one costs more than to learn
from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.lpr.rectify import STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from models.train.course import load_taught
from models.train.loop import TrainingPlan, train
from models.train.recognizer_net import RecognizerNet
from models.train.strips import Strip, StripSource

BATCH: Final = 64
_FRESH: Final = 32  # lessons of a batch that are new
_STORE: Final = 24_000  # lessons kept, 24 kB each
_CLASS_WEIGHT: Final = 0.25
_DOUBT: Final = 6.0  # a strip whose loss is this counts half


class _Store:
    """Lessons seen before, shown again with other light and a little shifted."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._strips: list[Strip] = []
        self._next = 0

    def batch(self, fresh: list[Strip]) -> list[Strip]:
        """The fresh lessons and as many old ones, which the fresh ones then replace in turn."""
        rng = self._rng
        old = (
            [
                _again(rng, self._strips[int(index)])
                for index in rng.integers(0, len(self._strips), BATCH - len(fresh))
            ]
            if len(self._strips) >= BATCH
            else []
        )
        for strip in fresh:
            if len(self._strips) < _STORE:
                self._strips.append(strip)
            else:
                self._strips[self._next % _STORE] = strip
                self._next += 1
        return fresh + old


def _again(rng: np.random.Generator, strip: Strip) -> Strip:
    image = strip.image
    if rng.random() < 0.7:
        across, down = rng.normal(0, 2.0), rng.normal(0, 1.2)
        wide, tall = np.exp(rng.normal(0, 0.02)), np.exp(rng.normal(0, 0.03))
        lean = rng.normal(0, 0.03)
        matrix = np.array([[wide, lean, across - lean * 24], [0, tall, down]])
        image = np.asarray(
            cv2.warpAffine(
                image, matrix, (STRIP_WIDTH_PX, STRIP_HEIGHT_PX), borderMode=cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )
    gain, offset = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 10))
    image = np.asarray(cv2.convertScaleAbs(image, alpha=gain, beta=max(offset, 0)), np.uint8)
    return Strip(image=image, symbols=strip.symbols, class_index=strip.class_index)


class RecognizerTeaching:
    """Strips to texts and classes."""

    name: Final = "recognizer"
    fresh: int = _FRESH
    peak_rate: Final = 3e-3

    def __init__(self, seed: int) -> None:
        self._store = _Store(seed)

    def new_net(self) -> nn.Module:
        """A net that has learnt nothing."""
        return RecognizerNet()

    def lessons(self, plan: TrainingPlan, seed: int) -> Iterator[Strip]:
        """Endless strips."""
        source = StripSource(seed, plan.glyphs, plan.real)
        while True:
            yield source.strip()

    def batch(self, fresh: list[Strip]) -> list[Strip]:
        """The fresh strips and old ones."""
        return self._store.batch(fresh)

    def loss(self, net: nn.Module, lessons: list[Strip]) -> Tensor:
        """Mean CTC loss of the texts and a little cross entropy of the classes."""
        return lesson_loss(net, lessons)


def train_recognizer(plan: TrainingPlan) -> Path:
    """Trains until the plan's minutes are spent; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    return train(RecognizerTeaching(plan.seed), plan)


def lesson_loss(net: nn.Module, lessons: list[Strip]) -> Tensor:
    """Mean CTC loss of the texts and a little cross entropy of the classes.

    A strip that nobody could read would pull hardest; what is far from being read counts less.
    """
    strips = torch.from_numpy(np.stack([lesson.image for lesson in lessons]))
    log_probs, class_logits = net(strips)
    symbols = torch.tensor(list(itertools.chain.from_iterable(x.symbols for x in lessons)))
    lengths = torch.tensor([len(lesson.symbols) for lesson in lessons])
    columns = torch.full((len(lessons),), log_probs.shape[1])
    text_losses = functional.ctc_loss(
        log_probs.transpose(0, 1), symbols, columns, lengths, reduction="none", zero_infinity=True
    )
    trust = _DOUBT / (_DOUBT + text_losses.detach())
    text_loss = (text_losses * trust).mean()
    classes = torch.tensor([lesson.class_index for lesson in lessons])
    return text_loss + _CLASS_WEIGHT * functional.cross_entropy(class_logits, classes)


def trained_recognizer(path: Path) -> tuple[RecognizerNet, int]:
    """The averaged net of a checkpoint, ready to read, and the steps it has learnt for.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    return load_taught(RecognizerNet(), path)
