"""The training loop that all nets share.

Lessons are drawn in a process of their own. Several threads may learn: each finds the gradients of
its own batch with the weights that all share, and steps when it is done, without waiting for the
others. On a busy machine that uses what it gives; OMP_NUM_THREADS=1 keeps each to one core.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import cv2
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models.train.course import Course, Pace

_RATE_END: Final = 2e-5
_WARM_STEPS: Final = 300
_MEMORY: Final = 0.9985
_LOG_EVERY: Final = 50

_log = logging.getLogger(__name__)
Lesson = TypeVar("Lesson")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """`out` receives the checkpoint. `minutes` is the whole plan, earlier calls counted in.

    `glyphs` and `real` are the optional folders of glyph pictures and of real pictures.
    """

    out: Path
    minutes: float
    glyphs: Path | None = None
    real: Path | None = None
    seed: int = 1
    learners: int = 1


class Teaching(Protocol[Lesson]):
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
        """The supply, mostly endless; runs in the drawing process. Its end ends the course."""
        ...

    def batch(self, fresh: list[Lesson]) -> list[Lesson]:
        """The lessons of a step, from the fresh ones."""
        ...

    def loss(self, net: nn.Module, lessons: list[Lesson]) -> Tensor:
        """A scalar to make small."""
        ...


class _Drawing(IterableDataset[list[Lesson]], Generic[Lesson]):
    """Handfuls of new lessons, drawn in a worker process."""

    def __init__(self, teaching: Teaching[Lesson], plan: TrainingPlan, seed: int) -> None:
        self._teaching = teaching
        self._plan = plan
        self._seed = seed

    def __iter__(self) -> Iterator[list[Lesson]]:
        cv2.setNumThreads(1)
        lessons = self._teaching.lessons(self._plan, self._seed)
        while handful := list(itertools.islice(lessons, self._teaching.fresh)):
            yield handful


def train(teaching: Teaching[Lesson], plan: TrainingPlan) -> Path:
    """Trains until the plan's minutes are spent or the lessons end; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    cv2.setNumThreads(1)
    path = plan.out / f"{teaching.name}.pt"
    pace = Pace(
        minutes=plan.minutes,
        rate=teaching.peak_rate,
        rate_end=_RATE_END,
        warm_steps=_WARM_STEPS,
        memory=_MEMORY,
    )
    course = Course(teaching.new_net(), teaching.new_net(), path, pace)
    drawing = _Drawing(teaching, plan, plan.seed + course.step)
    loader = DataLoader(drawing, batch_size=None, num_workers=1, prefetch_factor=6)
    room = _Classroom(teaching, course, iter(loader))
    replicas = [course.replica(teaching.new_net()) for _ in range(plan.learners - 1)]
    helpers = [threading.Thread(target=room.learn, args=(net,), daemon=True) for net in replicas]
    for helper in helpers:
        helper.start()
    room.learn(course.replica(teaching.new_net()))
    for helper in helpers:
        helper.join()
    course.save()
    return path


class _Classroom(Generic[Lesson]):
    """Where the threads of one course take their lessons and bring what they learnt."""

    def __init__(
        self, teaching: Teaching[Lesson], course: Course[nn.Module], fresh: Iterator[list[Lesson]]
    ) -> None:
        self._teaching = teaching
        self._course = course
        self._fresh = fresh
        self._lock = threading.Lock()
        self._losses: list[float] = []

    def learn(self, replica: nn.Module) -> None:
        """Takes lessons until the time is up."""
        while True:
            with self._lock:
                fresh = next(self._fresh, None) if self._course.goes_on else None
                if fresh is None:
                    return
                lessons = self._teaching.batch(fresh)
            loss = self._teaching.loss(replica, lessons)
            loss.backward()  # type: ignore[no-untyped-call]
            with self._lock:
                self._course.learn_from(replica)
                self._note(loss.item())

    def _note(self, loss: float) -> None:
        self._losses.append(loss)
        step, minutes = self._course.step, self._course.minutes
        if step % _LOG_EVERY == 0:
            mean = sum(self._losses) / len(self._losses)
            _log.info("step %d, %.1f min, loss %.4f", step, minutes, mean)
            self._losses.clear()
