"""Teaches the recognizer, a checkpoint every few minutes, from which the next call goes on.

Lessons are drawn in a process of their own. Each is shown a few times, changed a little: to draw
one costs more than to learn from it. The learning rate follows the minutes of the whole plan, not
steps, because the machine may have other work.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from models.train.recognizer_net import RecognizerNet
from models.train.strips import Strip, StripSource

CHECKPOINT: Final = "recognizer.pt"
BATCH: Final = 64
_FRESH: Final = 32  # lessons of a batch that are new
_STORE: Final = 24_000  # lessons kept, 24 kB each
_RATE: Final = 3e-3
_RATE_END: Final = 2e-5
_WARM_STEPS: Final = 300
_EMA: Final = 0.9985
_CLASS_WEIGHT: Final = 0.25
_SAVE_EVERY_S: Final = 180.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerPlan:
    """`minutes` is the whole plan, earlier calls counted in; `glyphs` and `real` are optional."""

    out: Path
    minutes: float
    glyphs: Path | None = None
    real: Path | None = None
    seed: int = 1


@dataclass(slots=True)
class _State:
    net: RecognizerNet
    average: RecognizerNet
    optimizer: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0
    losses: list[float] = field(default_factory=list)


class _Lessons(IterableDataset[list[Strip]]):
    """Half batches of new lessons, drawn in a worker process."""

    def __init__(self, plan: RecognizerPlan, seed: int) -> None:
        self._plan = plan
        self._seed = seed

    def __iter__(self) -> Iterator[list[Strip]]:
        cv2.setNumThreads(1)
        source = StripSource(self._seed, self._plan.glyphs, self._plan.real)
        while True:
            yield [source.strip() for _ in range(_FRESH)]


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
            cv2.warpAffine(image, matrix, (168, 48), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
    gain, offset = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 10))
    image = np.asarray(cv2.convertScaleAbs(image, alpha=gain, beta=max(offset, 0)), np.uint8)
    if rng.random() < 0.1:
        image = np.asarray(255 - image, np.uint8) if strip.class_index == 7 else image
    return Strip(image=image, symbols=strip.symbols, class_index=strip.class_index)


def train_recognizer(plan: RecognizerPlan) -> Path:
    """Trains until the plan's minutes are spent; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    plan.out.mkdir(parents=True, exist_ok=True)
    path = plan.out / CHECKPOINT
    state = _load(path)
    seed = plan.seed + state.step
    loader = DataLoader(_Lessons(plan, seed), batch_size=None, num_workers=1, prefetch_factor=6)
    store = _Store(seed)
    began, saved = time.perf_counter(), time.perf_counter()
    before_s = state.spent_s
    for fresh in loader:
        now = time.perf_counter()
        state.spent_s = before_s + now - began
        if state.spent_s >= plan.minutes * 60:
            break
        _step(state, store.batch(fresh), state.spent_s / (plan.minutes * 60))
        if now - saved > _SAVE_EVERY_S:
            saved = now
            _save(path, state)
    _save(path, state)
    return path


def _step(state: _State, lessons: list[Strip], progress: float) -> None:
    warm = min(1.0, (state.step + 1) / _WARM_STEPS)
    rate = _RATE_END + (_RATE - _RATE_END) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    for group in state.optimizer.param_groups:
        group["lr"] = rate * warm
    loss = lesson_loss(state.net, lessons)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 5.0)
    state.optimizer.step()
    state.step += 1
    _average(state)
    state.losses.append(loss.item())
    if state.step % 100 == 0:
        mean = sum(state.losses) / len(state.losses)
        state.losses.clear()
        _log.info(
            "step %d, %.1f min, rate %.5f, loss %.4f", state.step, state.spent_s / 60, rate, mean
        )


def lesson_loss(net: RecognizerNet, lessons: list[Strip]) -> Tensor:
    """Mean CTC loss of the texts and a little cross entropy of the classes."""
    strips = torch.from_numpy(np.stack([lesson.image for lesson in lessons]))
    log_probs, class_logits = net(strips)
    symbols = torch.tensor(list(itertools.chain.from_iterable(x.symbols for x in lessons)))
    lengths = torch.tensor([len(lesson.symbols) for lesson in lessons])
    columns = torch.full((len(lessons),), log_probs.shape[1])
    text_loss = functional.ctc_loss(
        log_probs.transpose(0, 1), symbols, columns, lengths, reduction="none", zero_infinity=True
    ).mean()
    classes = torch.tensor([lesson.class_index for lesson in lessons])
    return text_loss + _CLASS_WEIGHT * functional.cross_entropy(class_logits, classes)


def _average(state: _State) -> None:
    keep = min(_EMA, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, now in zip(
            state.average.state_dict().values(), state.net.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def _load(path: Path) -> _State:
    net, average = RecognizerNet(), RecognizerNet()
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=0.02)
    state = _State(net=net, average=average, optimizer=optimizer)
    if path.is_file():
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        net.load_state_dict(kept["net"])
        average.load_state_dict(kept["average"])
        optimizer.load_state_dict(kept["optimizer"])
        state.step, state.spent_s = kept["step"], kept["spent_s"]
    else:
        average.load_state_dict(net.state_dict())
    net.train()
    return state


def _save(path: Path, state: _State) -> None:
    """Written beside and moved into place, so that a kill never leaves half a file."""
    beside = path.with_suffix(".part")
    torch.save(
        {
            "net": state.net.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "step": state.step,
            "spent_s": state.spent_s,
        },
        beside,
    )
    beside.replace(path)
    _log.info("step %d: checkpoint %s", state.step, path)


def trained_recognizer(path: Path) -> tuple[RecognizerNet, int]:
    """The averaged net of a checkpoint, ready to read, and the steps it has learnt for.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    net = RecognizerNet()
    net.load_state_dict(kept["average"])
    net.eval()
    return net, int(kept["step"])
