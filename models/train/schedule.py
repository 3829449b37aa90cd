"""What every training run here has in common: its plan, its pace, its averaged weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

_WARM_STEPS: Final = 300
_EMA: Final = 0.9985


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """`minutes` is the whole plan, earlier calls counted in; `glyphs` and `real` are optional.

    The learning rate follows the minutes, not the steps, because the machine may have other work.
    """

    out: Path
    minutes: float
    glyphs: Path | None = None
    real: Path | None = None
    seed: int = 1


def learning_rate(step: int, progress: float, *, peak: float, end: float) -> float:
    """Warm for the first steps, then half a cosine from `peak` to `end` as progress goes 0..1."""
    warm = min(1.0, (step + 1) / _WARM_STEPS)
    return warm * (end + (peak - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def average_into(average: nn.Module, net: nn.Module, step: int) -> None:
    """Moves the running average of the weights a little towards the net's."""
    keep = min(_EMA, (1 + step) / (10 + step))
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), net.state_dict().values(), strict=True)
        for mean, now in pairs:
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)
