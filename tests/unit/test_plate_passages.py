"""Passages of real plates: what counts as right, and what a next frame is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluate.fresh_process import fresh_process
from models.evaluate.measured import share, times
from models.evaluate.passages import Frame, is_right, next_frame
from models.lpr.plates import CharacterReading, PlateClass, PlateReading
from models.lpr.session import WeightsError

BOX = (100.0, 100.0, 140.0, 44.0)


def reading(text: str, left: float = 100, number: int = 0) -> PlateReading:
    return PlateReading(
        text=text,
        plate_class=PlateClass.BLUE,
        rows=1,
        confidence=0.9,
        characters=tuple(CharacterReading(character=c, confidence=0.99) for c in text),
        corners=((left, 100), (left + 140, 100), (left + 140, 144), (left, 144)),
        frame_number=number,
    )


def frames(count: int) -> list[Frame]:
    image = np.full((360, 640, 3), 90, np.uint8)
    return [Frame(image=image, box=BOX) for _ in range(count)]


def test_one_frame_that_errs_does_not_spoil_a_passage() -> None:
    said = [reading("粤B12345"), reading("粤B12346", number=1), reading("粤B12345", number=2)]
    assert is_right("粤B12345", frames(3), [[r] for r in said])


def test_another_vehicle_beside_the_plate_is_not_counted() -> None:
    said = [[reading("粤B99999", 400), reading("粤B12345")]]
    assert is_right("粤B12345", frames(1), said)
    assert not is_right("粤B99999", frames(1), said)


def test_a_passage_in_which_nothing_was_read_is_wrong() -> None:
    assert not is_right("粤B12345", frames(3), [[], [], []])


def test_the_next_frame_is_the_same_in_every_run_and_takes_its_plate_along() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (360, 640, 3), np.uint8)
    one, two = (next_frame(np.random.default_rng(5), Frame(image=image, box=BOX)) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert one.box is not None
    scale = one.image.shape[1] / 640
    assert 0.79 < scale < 1.11
    assert np.allclose(one.box, np.array(BOX) * scale)


def test_a_share_of_nothing_meets_no_bar() -> None:
    assert not share("nobody", 0, 0, at_least=0.5).is_met
    assert share("all", 5, 5, at_least=0.5).is_met


def test_half_of_the_time_is_below_the_median() -> None:
    middle, far = times("a crop", [1.0, 2.0, 3.0], (2, 2.5))
    assert (middle.value, middle.is_met, far.is_met) == (2.0, True, False)


def test_a_process_that_starts_says_what_the_reader_costs() -> None:
    told = {line.name: line for line in fresh_process("kakou", None)}
    assert 0 < told["kakou: start-up to the first frame read"].value < 120
    assert told["kakou: memory at its height, one reader"].value > 20


def test_a_process_that_cannot_open_its_weights_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="ended with 1"):
        list(fresh_process("kakou", tmp_path))
