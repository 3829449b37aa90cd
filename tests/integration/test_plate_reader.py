"""The real reader on drawn trucks and, where they are at hand, on real photographs."""

from __future__ import annotations

import os
from math import exp
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.drawn import drawn_trucks
from models.evaluate.labeled import evaluate_labeled, read_labels
from models.lpr import session
from models.lpr.api import PictureError, PlateReader
from models.lpr.opening import open_plate_reader
from models.lpr.plates import PlateClass
from models.lpr.session import WeightsError, packaged_weights
from models.lpr.vote import vote
from models.pictures import load_picture
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, paste_crop, photograph


@pytest.fixture(scope="module")
def reader() -> PlateReader:
    return open_plate_reader()


def frames_of(text: str, plate_class: PlateClass, *, rows: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(11)
    scene = draw_scene(rng, draw_plate(text, plate_class, rows=rows))
    return [photograph(rng, scene) for _ in range(2)]


@pytest.mark.parametrize(
    ("text", "plate_class", "rows"),
    [
        ("粤B12345", PlateClass.BLUE, 1),
        ("京A7K926", PlateClass.YELLOW, 1),
        ("粤BD36987", PlateClass.GREEN, 1),
        ("粤B23698F", PlateClass.GREEN, 1),
        ("粤ZF823港", PlateClass.BLACK, 1),
        ("粤Z4682澳", PlateClass.BLACK, 1),
        ("HK2468", PlateClass.HK, 1),
        ("MT6504", PlateClass.MACAU, 1),
        ("粤B3847挂", PlateClass.YELLOW, 2),
    ],
)
def test_a_truck_with_a_clean_plate_is_read_with_its_class(
    reader: PlateReader, text: str, plate_class: PlateClass, rows: int
) -> None:
    elected = vote([reader.read(frame) for frame in frames_of(text, plate_class, rows=rows)])
    assert elected is not None
    assert (elected.text, elected.plate_class, elected.rows) == (text, plate_class, rows)
    assert elected.confidence > 0.5


def test_the_corners_of_a_reading_lie_on_the_plate(reader: PlateReader) -> None:
    rng = np.random.default_rng(5)
    scene = draw_scene(rng, draw_plate("粤B12345", PlateClass.BLUE))
    (reading,) = reader.read(photograph(rng, scene), frame_number=3)
    assert scene.corners is not None
    assert reading.frame_number == 3
    assert np.abs(np.array(reading.corners) - np.array(scene.corners)).max() < 30


def test_ten_trucks_of_a_port_are_read_without_a_fault(reader: PlateReader) -> None:
    for truck in drawn_trucks(10, seed=2026):
        elected = vote([reader.read(truck.frame())])
        assert elected is not None
        assert (elected.text, elected.plate_class) == (truck.text, truck.plate_class)


def test_a_covered_plate_is_not_guessed(reader: PlateReader) -> None:
    for truck in drawn_trucks(6, seed=3, unreadable=True):
        elected = vote([reader.read(truck.frame())])
        assert elected is None or elected.confidence < 0.5


def test_a_truck_without_a_plate_has_none(reader: PlateReader) -> None:
    rng = np.random.default_rng(1)
    assert reader.read(photograph(rng, draw_scene(rng, None))) == []


@pytest.mark.parametrize("sign", ["限速40公里", "CSQU3054383", "危险品车辆", "深圳海关欢迎您"])
def test_a_sign_is_not_a_plate(reader: PlateReader, sign: str) -> None:
    picture = np.full((360, 900, 3), (150, 60, 20), np.uint8)
    cv2.putText(picture, sign, (60, 200), (250, 250, 250), cv2.FontFace("uni"), 80)
    assert [r.text for r in reader.read(picture) if r.confidence > 0.3] == []


def test_the_declared_plate_is_likelier_than_its_neighbors(reader: PlateReader) -> None:
    frame = frames_of("粤ZF823港", PlateClass.BLACK)[0]
    (reading,) = reader.read(frame)
    texts = ["粤Z·F823港", "粤ZF828港", "粤ZF823澳", "粤B12345", "AB12", "日本123", ""]
    logs = reader.log_likelihoods(frame, reading.corners, texts)
    assert max(logs) == logs[0]
    assert logs[0] == pytest.approx(0, abs=0.7)
    assert exp(logs[1]) < 0.05
    assert exp(logs[2]) < 0.05
    assert logs[5:] == [float("-inf")] * 2


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((0, 40, 3), np.uint8),
        np.zeros((40, 40, 3), np.uint16),
    ],
)
def test_an_array_that_is_no_picture_is_refused(reader: PlateReader, array: np.ndarray) -> None:
    with pytest.raises(PictureError, match="plate reader: a picture of shape"):
        reader.read(array)


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (900, 2), (8, 8), (33, 31)])
def test_a_picture_of_any_size_is_read_without_a_fault(
    reader: PlateReader, shape: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert reader.read(noise) == []
    assert reader.read_crop(noise) is None or shape != (1, 1)


def test_other_weights_than_the_measured_ones_are_refused() -> None:
    with pytest.raises(WeightsError, match="have sha256"):
        packaged_weights("rapidocr_onnxruntime", "ch_PP-OCRv4_rec_infer.onnx", "0" * 64)


def test_missing_weights_are_named() -> None:
    with pytest.raises(WeightsError, match="package no_such_package is not installed"):
        session.packaged_weights("no_such_package", "x.onnx", "0" * 64)
    with pytest.raises(WeightsError, match=r"x\.onnx"):
        session.packaged_weights("rapidocr_onnxruntime", "x.onnx", "0" * 64)


@pytest.mark.needs("photographs")
def test_twelve_of_fourteen_real_photographs_are_read_exactly(reader: PlateReader) -> None:
    labels = Path(os.environ["KAKOU_PHOTOGRAPHS"], "labels.csv")
    outcomes = list(
        evaluate_labeled(reader, read_labels(labels, crops=False), stopwatch_s=lambda: 0.0)
    )
    assert len(outcomes) == 14
    assert sum(outcome.is_exact for _, outcome in outcomes) >= 12


@pytest.mark.needs("photographs")
def test_a_real_crop_pasted_into_a_drawn_lane_is_read(reader: PlateReader) -> None:
    labels = Path(os.environ["KAKOU_PHOTOGRAPHS"], "labels.csv")
    right = 0
    for number, picture in enumerate(read_labels(labels, crops=True)[::80]):
        rng = np.random.default_rng(number)
        scene = draw_scene(rng, draw_plate("粤B12345", PlateClass.BLUE))
        frame = photograph(rng, paste_crop(scene, load_picture(picture.path)))
        right += any(r.text == picture.plate for r in reader.read(frame))
    assert right >= 8
