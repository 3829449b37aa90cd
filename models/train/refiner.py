"""Teaches the refiner: windows around plates that were found roughly, and crops as they come.

One view of a plate serves many windows, since a window costs far less than a view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.lpr.api import BgrImage
from models.lpr.refiner import look, window_around
from models.synth.camera import Quad, expose
from models.train.course import load_taught
from models.train.loop import TrainingPlan, train
from models.train.plate_views import PlateViews, row_height_px
from models.train.refiner_net import RefinerNet
from models.train.split import RealPicture, Role, real_pictures

BATCH: Final = 64
_FRESH: Final = 12
_STORE: Final = 6_000
_REAL_SHARE: Final = 0.3
_NOTHING_SHARE: Final = 0.06
_CROP_SHARE: Final = 0.4
_UNIT: Final = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateView:
    """A small picture with one plate at `quad` (4 x 2 pixels), or with none."""

    image: BgrImage
    quad: Quad | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    window: BgrImage
    corners: Quad | None
    rows: int


class RefinerTeaching:
    """Windows to corners, rows and plateness."""

    name: Final = "refiner"
    fresh: Final = _FRESH
    peak_rate: Final = 2e-3

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._views: list[PlateView] = []
        self._next = 0

    def new_net(self) -> nn.Module:
        """A net that has learnt nothing."""
        return RefinerNet()

    def lessons(self, plan: TrainingPlan, seed: int) -> Iterator[PlateView]:
        """Endless views: drawn plates, and real ones where they stand in their photographs."""
        rng = np.random.default_rng(seed)
        views = PlateViews(rng, plan.glyphs, plan.real)
        places = [] if plan.real is None else _places(real_pictures(plan.real))
        while True:
            chance = rng.random()
            if chance < _NOTHING_SHARE:
                width, height = int(rng.integers(60, 260)), int(rng.integers(30, 110))
                yield PlateView(image=views.nothing(width, height), quad=None, rows=1)
            elif places and chance < _NOTHING_SHARE + _REAL_SHARE:
                place = places[int(rng.integers(len(places)))]
                yield PlateView(
                    image=expose(rng, place.image, gently=True), quad=place.quad, rows=place.rows
                )
            else:
                row_px = row_height_px(rng)
                view = views.view(views.subject(row_px, 0.0), row_px, (0.1, 0.6))
                yield PlateView(image=view.image, quad=view.quad, rows=view.rows)

    def batch(self, fresh: list[PlateView]) -> list[PlateView]:
        """The fresh views and old ones."""
        for view in fresh:
            if len(self._views) < _STORE:
                self._views.append(view)
            else:
                self._views[self._next % _STORE] = view
                self._next += 1
        picks = self._rng.integers(0, len(self._views), BATCH - len(fresh))
        return fresh + [self._views[int(index)] for index in picks]

    def loss(self, net: nn.Module, lessons: list[PlateView]) -> Tensor:
        """Corner distances where there is a plate, and two cross entropies."""
        return look_loss(net, [_look(self._rng, view) for view in lessons])


def look_loss(net: nn.Module, looks: list[_Look]) -> Tensor:
    """Mean smooth distance of the corners (shares of the window), rows and plateness."""
    corners, rows, plateness = net(torch.from_numpy(np.stack([x.window for x in looks])))
    there = torch.tensor([x.corners is not None for x in looks])
    wanted = np.stack(
        [np.zeros(8, np.float32) if x.corners is None else x.corners.reshape(8) for x in looks]
    )
    apart = functional.smooth_l1_loss(
        corners, torch.from_numpy(wanted), beta=0.02, reduction="none"
    ).mean(dim=1)
    corner_loss = (apart * there).sum() / there.sum().clamp(min=1)
    two = torch.tensor([x.rows - 1 for x in looks])
    row_loss = (functional.cross_entropy(rows, two, reduction="none") * there).mean()
    plate_loss = functional.binary_cross_entropy_with_logits(plateness[:, 0], there.float())
    return corner_loss * 20 + row_loss * 0.3 + plate_loss * 0.2


def _look(rng: np.random.Generator, view: PlateView) -> _Look:
    """The window that a detector's rough corners, or a crop of another tool, would give."""
    height, width = view.image.shape[:2]
    if view.quad is None:
        whole = _UNIT * np.array([width, height], np.float32)
        return _Look(window=look(view.image, whole), corners=None, rows=1)
    window = _crop(rng, view.quad) if rng.random() < _CROP_SHARE else _rough(rng, view.quad)
    to_window = cv2.getPerspectiveTransform(window, _UNIT)
    corners = cv2.perspectiveTransform(view.quad.reshape(1, 4, 2), to_window)
    picture = look(view.image, window)
    if rng.random() < 0.5:
        gain, lift = float(np.exp(rng.normal(0, 0.2))), float(rng.uniform(0, 25))
        picture = np.asarray(cv2.convertScaleAbs(picture, alpha=gain, beta=lift), np.uint8)
    return _Look(
        window=picture, corners=np.asarray(corners, np.float32).reshape(4, 2), rows=view.rows
    )


def _crop(rng: np.random.Generator, quad: Quad) -> Quad:
    """The upright box around the plate, grown by -4 to 15 % on each side."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    grow = (high - low) * rng.uniform(-0.04, 0.15, (2, 2))
    low, high = low - grow[0], high + grow[1]
    return np.asarray(low + _UNIT * (high - low), np.float32)


def _rough(rng: np.random.Generator, quad: Quad) -> Quad:
    """The true corners, moved as a detector moves them, and the margin around."""
    size = np.array([np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[3] - quad[0])])
    off = rng.normal(0, float(rng.choice((0.02, 0.06))), (4, 2)) * size
    shift = rng.normal(0, 0.05, 2) * size
    moved = np.asarray(quad + off + shift, np.float32)
    if rng.random() < 0.2:  # a detector that knows only upright boxes
        low, high = moved.min(axis=0), moved.max(axis=0)
        moved = np.asarray(low + _UNIT * (high - low), np.float32)
    return window_around(moved, float(rng.uniform(0.1, 0.3)))


def _places(pictures: list[RealPicture]) -> list[PlateView]:
    """The surroundings of the plates in the teaching photographs."""
    found = []
    for picture in pictures:
        if picture.role is not Role.TRAIN or picture.corners is None:
            continue
        image = cv2.imdecode(np.fromfile(picture.path, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            continue
        quad = np.array(picture.corners, np.float32)
        low, high = quad.min(axis=0), quad.max(axis=0)
        room = (high - low) * 0.6
        left, top = np.maximum(low - room, 0).astype(int)
        right, bottom = np.minimum(high + room, [image.shape[1], image.shape[0]]).astype(int)
        part = np.ascontiguousarray(image[top:bottom, left:right], np.uint8)
        found.append(
            PlateView(image=part, quad=quad - np.array([left, top], np.float32), rows=picture.rows)
        )
    return found


def train_refiner(plan: TrainingPlan) -> Path:
    """Trains until the plan's minutes are spent; returns the checkpoint.

    Raises:
        OSError: the checkpoint cannot be read or written.
    """
    return train(RefinerTeaching(plan.seed), plan)


def trained_refiner(path: Path) -> tuple[RefinerNet, int]:
    """The averaged net of a checkpoint, ready to use, and the steps it has learnt for.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    return load_taught(RefinerNet(), path)
