"""The refiner: a very small net that finds the four corners of the one plate in a window."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

_WIDTHS: Final = (12, 20, 32, 48, 64)
_HIDDEN: Final = 128
_MEAN: Final = 127.5
_SPREAD: Final = 64.0
_UNIT: Final = (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0)


def _block(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class RefinerNet(nn.Module):
    """Windows N x 48 x 128 x 3 (uint8, BGR) to corners, rows and plateness.

    Output 1: N x 8, x and y of top left, top right, bottom right, bottom left as shares of the
    window; they may lie outside of 0..1. Output 2: N x 2 logits of one and two rows. Output 3: N x
    1, the logit that there is a plate.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = _WIDTHS
        self.features = nn.Sequential(
            _block(3, a, 2),
            _block(a, b, 2),
            _block(b, c),
            _block(c, d, 2),
            _block(d, d),
            _block(d, e, 2),
        )
        self.hidden = nn.Sequential(nn.Linear(e * 3 * 8, _HIDDEN), nn.ReLU(inplace=True))
        self.corners = nn.Linear(_HIDDEN, 8)
        self.rows = nn.Linear(_HIDDEN, 2)
        self.plateness = nn.Linear(_HIDDEN, 1)
        self.register_buffer("unit", torch.tensor(_UNIT))

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`windows` as the class describes them."""
        x = (windows.permute(0, 3, 1, 2).float() - _MEAN) * (1 / _SPREAD)
        hidden = self.hidden(self.features(x).flatten(1))
        return self.corners(hidden) + self.unit, self.rows(hidden), self.plateness(hidden)
