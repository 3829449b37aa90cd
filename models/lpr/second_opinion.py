"""The reader that is asked in doubt: PP-OCRv4, where the extra `second-opinion` is installed.

It is opened when it is first asked: a lane that is never in doubt pays neither its second nor its
150 MB. Where the extra is missing nobody is asked, and doubt stays doubt.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from models.lpr.api import BgrImage, PlateReader
from models.lpr.plates import PlateReading

_PACKAGE: Final = "rapidocr_onnxruntime"


class SecondOpinion:
    """Reads crops with PP-OCRv4. One thread may use it."""

    def __init__(self) -> None:
        self._reader: PlateReader | None = None

    def read_crop(self, crop: BgrImage) -> PlateReading | None:
        """The plate that fills `crop`, or None.

        Raises:
            WeightsError: the extra's weights are not the ones this code was measured with.
        """
        if self._reader is None:
            from models.lpr.paddle import PaddlePlateReader  # noqa: PLC0415 - pays when asked only

            self._reader = PaddlePlateReader()
        return self._reader.read_crop(crop)


def second_opinion() -> SecondOpinion | None:
    """The second reader, not yet opened; None where the extra is not installed."""
    return SecondOpinion() if importlib.util.find_spec(_PACKAGE) else None
