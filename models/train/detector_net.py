"""The detector's network: where a plate's middle is, its four corners from there, and its rows.

Fully convolutional, strides 8, 16 and 32 joined upward, one output cell per 8 x 8 pixels. About
0.4 GMAC per 576 x 320 pixels, which one thread of a lane controller does in some 10 ms, and in 8
once it is exported in 8 bits.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.lpr.detector import CELL_PX

_MEAN: Final = 114.0
_SPAN: Final = 64.0
_RARE: Final = -4.0  # logit of the heat before training: hardly any cell is a plate's middle


class DetectorNet(nn.Module):
    """Pictures N x H x W x 3 (BGR, 0..255, H and W multiples of 32) to three maps at H/8 x W/8.

    `forward` gives heat logits N x 1, corner offsets N x 8 (x, y of each corner, in cells, from
    the middle of the cell that says so) and row logits N x 2.
    """

    def __init__(self) -> None:
        """Builds the network with fresh weights."""
        super().__init__()
        self.entry = _unit(3, 16, stride=2)
        self.quarter = _unit(16, 24, stride=2)
        self.fine = nn.Sequential(_unit(24, 48, stride=2), _unit(48, 48))
        self.middle = nn.Sequential(_unit(48, 80, stride=2), _unit(80, 80))
        self.coarse = nn.Sequential(
            _unit(80, 112, stride=2), _unit(112, 112), _unit(112, 112, dilation=2)
        )
        self.from_coarse = _unit(112, 80, size=1)
        self.joined = _unit(80, 80)
        self.from_middle = _unit(80, 48, size=1)
        self.from_fine = _unit(48, 48, size=1)
        self.head = _unit(48, 48)
        self.out = nn.Conv2d(48, 11, 1)
        bias = torch.zeros(11)
        bias[0] = _RARE
        self.out.bias = nn.Parameter(bias)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Heat logits, corner offsets in cells, row logits."""
        x = (pictures.permute(0, 3, 1, 2).float() - _MEAN) * (1 / _SPAN)
        fine = self.fine(self.quarter(self.entry(x)))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.joined(middle + _doubled(self.from_coarse(coarse)))
        fine = self.from_fine(fine) + _doubled(self.from_middle(middle))
        maps = self.out(self.head(fine))
        return maps[:, :1], maps[:, 1:9], maps[:, 9:]


class ExportedDetector(nn.Module):
    """What the ONNX file holds: probabilities, and offsets in pixels of the input."""

    def __init__(self, net: DetectorNet) -> None:
        """Wraps a trained network."""
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`heat` N x 1, `corners` N x 8 (pixels), `rows` N x 2 (logits), each at H/8 x W/8."""
        heat, corners, rows = self.net(pictures)
        return torch.sigmoid(heat), corners * float(CELL_PX), rows


def _unit(
    inputs: int, outputs: int, *, stride: int = 1, size: int = 3, dilation: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(
        inputs,
        outputs,
        size,
        stride,
        padding=size // 2 * dilation,
        dilation=dilation,
        bias=False,
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs, momentum=0.03), nn.ReLU())


def _doubled(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
