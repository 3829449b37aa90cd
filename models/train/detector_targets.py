"""What the detector should have answered, and how far off it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.lpr.detector import CELL_PX
from models.synth.street import Quads

FloatMap = npt.NDArray[np.float32]

_ACROSS: Final = 0.10  # width of the hill of heat, in plate widths
_DOWN: Final = 0.14
_SPREAD_CELLS: Final = (0.55, 3.5)
_CORNERS_FROM: Final = 0.3  # cells warmer than this must know the corners
_INEXACT: Final = 0.05  # how much the corners of a roughly cut plate count
_SMALL_PX: Final = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Maps of one picture at H/8 x W/8.

    `heat` 0..1 with a one at each plate's middle; `counted` 0 where nothing is known; `corners`
    8 x h x w offsets in cells; `sizes` the plate's size in cells; `near` how much the corners
    count; `rows` 0 or 1 (one row, two rows) where `near` is positive.
    """

    heat: FloatMap
    counted: FloatMap
    corners: FloatMap
    sizes: FloatMap
    near: FloatMap
    rows: npt.NDArray[np.int64]


def draw_targets(
    size: tuple[int, int],
    quads: Quads,
    rows: tuple[int, ...],
    exact: tuple[bool, ...],
    ignored: Quads,
) -> Targets:
    """The maps for a picture of `size` (height, width in pixels).

    Plates narrower than 12 px, or whose middle is outside, are not asked for and not punished.
    """
    height, width = size[0] // CELL_PX, size[1] // CELL_PX
    targets = Targets(
        heat=np.zeros((height, width), np.float32),
        counted=np.ones((height, width), np.float32),
        corners=np.zeros((8, height, width), np.float32),
        sizes=np.ones((height, width), np.float32),
        near=np.zeros((height, width), np.float32),
        rows=np.zeros((height, width), np.int64),
    )
    for quad in ignored:
        _forget(targets, quad)
    for quad, row_count, is_exact in zip(quads, rows, exact, strict=True):
        span_px = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2
        if span_px < _SMALL_PX or not _mostly_inside(quad, size):
            _forget(targets, quad)
        else:
            _raise_hill(targets, quad, row_count, 1.0 if is_exact else _INEXACT)
    return targets


def _mostly_inside(quad: npt.NDArray[np.float32], size: tuple[int, int]) -> bool:
    inner = quad + (quad.mean(axis=0) - quad) * 0.2
    limit = np.array([size[1], size[0]])
    return bool((inner > 0).all() and (inner < limit).all())


def _forget(targets: Targets, quad: npt.NDArray[np.float32]) -> None:
    height, width = targets.heat.shape
    left, top = np.clip(np.floor(quad.min(axis=0) / CELL_PX).astype(int), 0, [width, height])
    right, bottom = np.clip(np.ceil(quad.max(axis=0) / CELL_PX).astype(int), 0, [width, height])
    targets.counted[top:bottom, left:right] = 0.0


def _raise_hill(
    targets: Targets, quad: npt.NDArray[np.float32], row_count: int, exactness: float
) -> None:
    height, width = targets.heat.shape
    cells = quad / CELL_PX - 0.5  # the middle of cell (x, y) is at pixel 8 * (x + 0.5)
    middle = cells.mean(axis=0)
    span = cells.max(axis=0) - cells.min(axis=0)
    spread_x = float(np.clip(span[0] * _ACROSS, *_SPREAD_CELLS))
    spread_y = float(np.clip(span[1] * _DOWN, *_SPREAD_CELLS))
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    hill_x = np.exp(-0.5 * ((x - middle[0]) / spread_x) ** 2)
    hill_y = np.exp(-0.5 * ((y - middle[1]) / spread_y) ** 2)
    hill = (hill_y[:, None] * hill_x[None, :]).astype(np.float32)
    top, left = np.unravel_index(int(np.argmax(hill)), hill.shape)
    hill[top, left] = 1.0
    mine = (hill > targets.heat) & (hill > _CORNERS_FROM)
    np.maximum(targets.heat, hill, out=targets.heat)
    targets.counted[mine] = 1.0
    targets.near[mine] = hill[mine] * exactness
    targets.rows[mine] = row_count - 1
    targets.sizes[mine] = max(1.0, float(np.sqrt(span[0] * span[1])))
    rise, side = np.nonzero(mine)
    for corner in range(4):
        targets.corners[2 * corner, rise, side] = cells[corner, 0] - side
        targets.corners[2 * corner + 1, rise, side] = cells[corner, 1] - rise


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The three parts, each a scalar; `total` is what is minimized."""

    heat: Tensor
    corners: Tensor
    rows: Tensor

    @property
    def total(self) -> Tensor:
        """The weighted sum."""
        return self.heat + 6.0 * self.corners + 0.2 * self.rows


def detector_loss(outputs: tuple[Tensor, Tensor, Tensor], batch: list[Targets]) -> Loss:
    """Focal loss of the heat, smooth distance of the corners in plate sizes, entropy of rows."""
    logits, corners, rows = outputs
    heat = torch.from_numpy(np.stack([t.heat for t in batch]))
    counted = torch.from_numpy(np.stack([t.counted for t in batch]))
    near = torch.from_numpy(np.stack([t.near for t in batch]))
    sizes = torch.from_numpy(np.stack([t.sizes for t in batch]))
    wanted = torch.from_numpy(np.stack([t.corners for t in batch]))
    row_index = torch.from_numpy(np.stack([t.rows for t in batch]))
    plates = (heat == 1.0).sum().clamp(min=1)
    off = (corners - wanted) / sizes[:, None]
    distance = functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.05, reduction="none")
    weight = near.sum().clamp(min=1e-3)
    entropy = functional.cross_entropy(rows, row_index, reduction="none")
    return Loss(
        heat=(_focal(logits[:, 0], heat) * counted).sum() / plates,
        corners=(distance.mean(dim=1) * near).sum() / weight,
        rows=(entropy * near).sum() / weight,
    )


def _focal(logits: Tensor, heat: Tensor) -> Tensor:
    """Hard cells count, easy ones hardly; beside a peak a high answer is forgiven by degrees."""
    chance = torch.sigmoid(logits)
    hit = -functional.logsigmoid(logits) * (1 - chance) ** 2
    miss = -functional.logsigmoid(-logits) * chance**2 * (1 - heat) ** 4
    return torch.where(heat == 1.0, hit, miss)
