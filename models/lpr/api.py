"""What the lane asks of a plate reader. The implementation behind it may change; this may not.

A reader is single threaded: one thread owns it. It never raises for what a picture shows; a
picture that has no plate, or a plate that nobody could read, is an empty list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.lpr.plates import Corners, PlateReading

BgrImage = npt.NDArray[np.uint8]
"""Height x width x 3, blue green red, 0..255."""


class PictureError(ValueError):
    """A picture that cannot be read as one: the message names the place and what was wrong."""


def check_picture(image: BgrImage) -> None:
    """Refuses what is not a picture.

    Raises:
        PictureError: not height x width x 3 of 8-bit samples, or without a pixel.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:  # noqa: PLR2004
        raise PictureError(f"plate reader: a picture of shape {image.shape} of {image.dtype}")


class PlateReader(Protocol):
    """Finds and reads the plates of one picture."""

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        """Every plate found in `image`, surest first; empty when there is none.

        Raises:
            PictureError: the array is not an H x W x 3 picture of 8-bit samples.
        """
        ...

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        """The one plate that fills `crop` edge to edge, or None when it cannot be read.

        Raises:
            PictureError: the array is not an H x W x 3 picture of 8-bit samples.
        """
        ...

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        """`log p(text | picture)` of each text, by the CTC forward sum, for the plate at `corners`.

        The answer to "is this 粤ZF823港?" where the reading alone is in doubt: compare the texts
        with each other and with the reading's own `log(confidence)`. Natural logarithm, <= 0;
        minus infinity for a text that the reader's alphabet or the plate's width cannot hold.
        Texts are normalized first.
        """
        ...
