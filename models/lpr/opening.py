"""The one place that chooses which plate reader a lane gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.lpr.api import PlateReader
from models.lpr.calibration import Calibration, from_numbers
from models.lpr.detector import Detector
from models.lpr.lane_reader import LanePlateReader
from models.lpr.recognizer import Recognizer
from models.lpr.refiner import Refiner
from models.lpr.second_opinion import second_opinion
from models.lpr.session import open_session
from models.lpr.verify import VerifyPolicy
from models.lpr.weights_card import WeightsCard


def open_plate_reader(
    weights: Path | None = None, *, asks_second: bool = True, calibrated: bool = True
) -> PlateReader:
    """A reader with its weights loaded and checked, warmed up by one empty picture.

    Call it on the thread that will read.

    Args:
        weights: a folder of other weights with their card; None takes those of the package.
        asks_second: whether a second reader, where installed, is asked in doubt.
        calibrated: False leaves the scores as they are, for those who fit the calibration.

    Raises:
        WeightsError: the weights are missing or are not the ones their card names.
    """
    card = WeightsCard(weights)
    reader = LanePlateReader(
        detector=Detector(open_session(card.network("detector"))),
        refiner=Refiner(open_session(card.network("refiner"))),
        recognizer=Recognizer(open_session(card.network("recognizer"))),
        calibration=from_numbers(card.numbers("calibration")) if calibrated else Calibration(),
        second=second_opinion() if asks_second else None,
    )
    reader.read(np.zeros((360, 640, 3), np.uint8))
    reader.read_crop(np.zeros((48, 168, 3), np.uint8))
    return reader


def open_verify_policy(weights: Path | None = None) -> VerifyPolicy:
    """What it takes to accept a declared plate, as the card of the weights says.

    Raises:
        WeightsError: the card is missing.
    """
    return VerifyPolicy(**WeightsCard(weights).numbers("verification"))
