"""The recognizer: a small convolutional net that reads a strip from left to right, for CTC.

About 50 million multiplications a strip and 0.36 million weights, chosen by what onnxruntime does
in 1.3 ms on one core: plain 3 x 3 convolutions, no recurrence. The strip of 48 x 168 becomes 42
columns; what spans several columns is seen by the last convolutions.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from models.lpr.alphabet import ALPHABET, CLASSES

_WIDTHS: Final = (16, 24, 40, 64, 112)
_CONTEXT: Final = 128
_MEAN: Final = 127.5
_SPREAD: Final = 64.0


class _Block(nn.Module):
    """Convolution, normalization, ReLU; added to its input where `skip` asks and shapes agree."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: tuple[int, int] = (3, 3),
        *,
        stride: int = 1,
        valid_height: bool = False,
        skip: bool = False,
    ) -> None:
        super().__init__()
        padding = (0 if valid_height else kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)
        self.active = nn.ReLU(inplace=True)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to the same, or to what stride and kernel leave of it."""
        y: Tensor = self.norm(self.conv(x))
        y = y + x if self.skip else y
        active: Tensor = self.active(y)
        return active


class RecognizerNet(nn.Module):
    """Strips N x 48 x 168 x 3 (uint8, BGR) to log probabilities and class logits.

    Output 1: N x 42 x (1 + alphabet), natural logarithms, blank first. Output 2: N x 9 logits in
    the order of `CLASSES`.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = _WIDTHS
        self.features = nn.Sequential(
            _Block(3, a, stride=2),
            _Block(a, b),
            nn.MaxPool2d(2),
            _Block(b, c),
            _Block(c, c, skip=True),
            nn.MaxPool2d((2, 1)),
            _Block(c, d),
            _Block(d, d, skip=True),
            nn.MaxPool2d((2, 1)),
            _Block(d, e),
            _Block(e, _CONTEXT, (3, 1), valid_height=True),
            _Block(_CONTEXT, _CONTEXT, (1, 5), skip=True),
        )
        self.drop = nn.Dropout(0.1)
        self.symbols = nn.Conv2d(_CONTEXT, 1 + len(ALPHABET), 1)
        self.classes = nn.Linear(_CONTEXT, len(CLASSES))

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor]:
        """`strips` as the class describes them."""
        x = (strips.permute(0, 3, 1, 2).float() - _MEAN) * (1 / _SPREAD)
        columns = self.features(x)
        symbols = self.symbols(self.drop(columns))
        log_probs = symbols[:, :, 0, :].permute(0, 2, 1).log_softmax(dim=-1)
        return log_probs, self.classes(columns.mean(dim=(2, 3)))
