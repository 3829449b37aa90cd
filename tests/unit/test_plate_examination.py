"""The drawn examination is the one that was sealed before training, and it can be answered."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluate.examination.questions import PER_KIND, SAMPLE, digest, question, sealed
from models.evaluate.examination.texts import CLASS_OF, ExamKind
from models.lpr.plates import PlateClass, normalize_plate, plausible_classes


@pytest.mark.parametrize("kind", list(ExamKind))
def test_the_examination_is_the_one_sealed_before_training(kind: ExamKind) -> None:
    assert digest(kind, SAMPLE) == sealed()[f"first_{SAMPLE}"][kind]


def test_every_kind_has_five_hundred_sealed_questions() -> None:
    assert PER_KIND == 500
    assert sealed()[f"all_{PER_KIND}"].keys() == {kind.value for kind in ExamKind}


@pytest.mark.parametrize("kind", list(ExamKind))
def test_a_question_shows_a_plate_of_its_kind_inside_the_picture(kind: ExamKind) -> None:
    asked = question(kind, 7)
    assert asked.image.shape == (540, 960, 3)
    first = asked.plates[0]
    assert first.plate_class is CLASS_OF[kind]
    assert first.text == normalize_plate(first.text)
    assert first.plate_class in plausible_classes(first.text) or kind.startswith("macau")
    corners = np.array(first.corners)
    assert corners.min() > 0
    assert (corners.max(axis=0) < [960, 540]).all()
    inside = asked.image[int(corners[:, 1].mean()), int(corners[:, 0].mean())]
    assert inside.shape == (3,)


def test_later_moments_show_the_same_vehicle_nearer() -> None:
    first, second = (question(ExamKind.CROSS_BORDER, 3, moment) for moment in (0, 1))
    assert [p.text for p in first.plates] == [p.text for p in second.plates]
    assert not np.array_equal(first.image, second.image)
    width = [np.ptp(np.array(q.plates[0].corners)[:, 0]) for q in (first, second)]
    assert width[1] > width[0]


def test_a_black_cross_border_plate_may_hang_beside_a_hong_kong_one() -> None:
    beside = [question(ExamKind.CROSS_BORDER, n).plates[1:] for n in range(6)]
    classes = {plate.plate_class for plates in beside for plate in plates}
    assert classes <= {PlateClass.HK, PlateClass.MACAU}
    assert classes
