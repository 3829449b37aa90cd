"""The training loop that recognizer and refiner share.

Lessons are drawn in a process of their own, and a checkpoint is written every few minutes, from
which the next call goes on. OMP_NUM_THREADS says how many threads learn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models.train.schedule import TrainingPlan, average_into, learning_rate

_RATE_END: Final = 2e-5
_SAVE_EVERY_S: Final = 180.0
_LOG_EVERY: Final = 100

_log = logging.getLogger(__name__)
Lesson = TypeVar("Lesson")


class Course(Protocol[Lesson]):
    """What is taught: the net, its lessons, its loss."""

    @property
    def name(self) -> str:
        """Of the checkpoint's file."""
        ...

    @property
    def fresh(self) -> int:
        """How many new lessons are drawn for a batch."""
        ...

    @property
    def peak_rate(self) -> float:
        """The highest learning rate."""
        ...

    def new_net(self) -> nn.Module:
        """A net that has learnt nothing."""
        ...

    def lessons(self, plan: TrainingPlan, seed: int) -> Iterator[Lesson]:
        """An endless supply; runs in the drawing process."""
        ...

    def batch(self, fresh: list[Lesson]) -> list[Lesson]:
        """The lessons of a step, from the fresh ones."""
        ...

    def loss(self, net: nn.Module, lessons: list[Lesson]) -> Tensor:
        """A scalar to make small."""
        ...


@dataclass(slots=True)
class _State:
    net: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0
    losses: list[float] = field(default_factory=list)


class _Drawing(IterableDataset[list[Lesson]], Generic[Lesson]):
    """Handfuls of new lessons, drawn in a worker process."""

    def __init__(self, course: Course[Lesson], plan: TrainingPlan, seed: int) -> None:
        self._course = course
        self._plan = plan
        self._seed = seed

    def __iter__(self) -> Iterator[list[Lesson]]:
        cv2.setNumThreads(1)
        lessons = self._course.lessons(self._plan, self._seed)
        while True:
            yield [next(lessons) for _ in range(self._course.fresh)]


def train(course: Course[Lesson], plan: TrainingPlan) -> Path:
    """Trains until the plan's minutes are spent; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    cv2.setNumThreads(1)
    plan.out.mkdir(parents=True, exist_ok=True)
    path = plan.out / f"{course.name}.pt"
    state = _load(course, path)
    drawing = _Drawing(course, plan, plan.seed + state.step)
    loader = DataLoader(drawing, batch_size=None, num_workers=1, prefetch_factor=6)
    began = saved = time.perf_counter()
    before_s = state.spent_s
    for fresh in loader:
        now = time.perf_counter()
        state.spent_s = before_s + now - began
        progress = state.spent_s / (plan.minutes * 60)
        if progress >= 1:
            break
        _step(course, state, course.batch(fresh), progress)
        if now - saved > _SAVE_EVERY_S:
            saved = now
            _save(path, state)
    _save(path, state)
    return path


def _step(course: Course[Lesson], state: _State, lessons: list[Lesson], progress: float) -> None:
    rate = learning_rate(state.step, progress, peak=course.peak_rate, end=_RATE_END)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    loss = course.loss(state.net, lessons)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 5.0)
    state.optimizer.step()
    state.step += 1
    average_into(state.average, state.net, state.step)
    state.losses.append(loss.item())
    if state.step % _LOG_EVERY == 0:
        mean = sum(state.losses) / len(state.losses)
        state.losses.clear()
        minutes = state.spent_s / 60
        _log.info("step %d, %.1f min, rate %.5f, loss %.4f", state.step, minutes, rate, mean)


def _load(course: Course[Lesson], path: Path) -> _State:
    net, average = course.new_net(), course.new_net()
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), lr=course.peak_rate, weight_decay=0.02)
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
    kept = {
        "net": state.net.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "step": state.step,
        "spent_s": state.spent_s,
    }
    torch.save(kept, beside)
    beside.replace(path)
    _log.info("step %d: checkpoint %s", state.step, path)


def averaged(net: nn.Module, path: Path) -> tuple[int, float]:
    """Loads the averaged weights of a checkpoint into `net`; returns its steps and its minutes.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    net.load_state_dict(kept["average"])
    net.eval()
    return int(kept["step"]), float(kept["spent_s"]) / 60
