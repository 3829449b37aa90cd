"""Streets drawn for teaching: their plates stand where they say, and nothing else is one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")
pytest.importorskip("onnx", reason="onnx is not installed (extra `train`)")

from models.lpr.session import open_session  # noqa: E402
from models.synth.street import (  # noqa: E402
    PlatePicture,
    StreetScene,
    StreetSources,
    draw_street,
    without_plates,
)
from models.synth.street import draw_ground as ground  # noqa: E402
from models.train.detector import DetectorTeaching, StreetLessons  # noqa: E402
from models.train.detector_export import export_detector  # noqa: E402
from models.train.detector_net import DetectorNet  # noqa: E402
from models.train.detector_pictures import PlatePress  # noqa: E402
from models.train.detector_samples import take_sample  # noqa: E402
from models.train.loop import TrainingPlan  # noqa: E402

_PINK = (203, 32, 255)


@pytest.fixture(scope="module")
def pink_plate() -> PlatePicture:
    image = np.empty((70, 220, 3), np.uint8)
    image[:] = _PINK
    return PlatePicture(image=image, rows=1)


def _pink_share(image: np.ndarray, quad: np.ndarray) -> float:
    mask = np.zeros(image.shape[:2], np.uint8)
    inner = (quad - quad.mean(axis=0)) * 0.8 + quad.mean(axis=0)
    cv2.fillConvexPoly(mask, np.round(inner).astype(np.int32), 255)
    inside = image[mask > 0].astype(int)
    return float((np.ptp(inside, axis=1) > 40).mean()) if len(inside) else 1.0


def test_every_plate_of_a_scene_is_seen_where_its_corners_are(pink_plate: PlatePicture) -> None:
    rng = np.random.default_rng(4)
    sources = StreetSources(plates=[pink_plate])
    shares = [
        _pink_share(scene.image, quad)
        for scene in (draw_street(rng, sources) for _ in range(20))
        for quad in scene.quads
    ]
    assert len(shares) > 20
    assert np.mean(shares) > 0.9


def test_the_same_seed_draws_the_same_street(pink_plate: PlatePicture) -> None:
    sources = StreetSources(plates=[pink_plate])
    one, other = (draw_street(np.random.default_rng(7), sources) for _ in range(2))
    assert (one.image == other.image).all()
    assert (one.quads == other.quads).all()


def test_plates_of_one_scene_do_not_cover_each_other(pink_plate: PlatePicture) -> None:
    rng = np.random.default_rng(5)
    sources = StreetSources(plates=[pink_plate])
    for _ in range(20):
        quads = draw_street(rng, sources).quads
        for index, one in enumerate(quads):
            for other in quads[index + 1 :]:
                assert cv2.intersectConvexConvex(one, other)[0] <= 4.0


def test_a_painted_over_photograph_shows_its_plate_no_more() -> None:
    rng = np.random.default_rng(6)
    image = np.full((400, 600, 3), 90, np.uint8)
    quad = np.array([[200, 150], [350, 160], [350, 205], [200, 195]], np.float32)
    cv2.fillConvexPoly(image, quad.astype(np.int32), _PINK)
    scene = StreetScene(image=image, quads=quad[None], rows=(1,), exact=(True,))
    bare = without_plates(rng, scene)
    assert len(bare.quads) == 0
    assert _pink_share(bare.image, quad) < 0.05
    assert (scene.image == image).all()


def test_a_sample_has_the_size_that_was_asked_for_and_moves_the_corners_along() -> None:
    rng = np.random.default_rng(8)
    sources = StreetSources(plates=[PlatePress().plate(rng) for _ in range(4)])
    back = ground(rng, sources)
    inside = 0
    for _ in range(20):
        scene = draw_street(rng, sources)
        sample = take_sample(rng, scene, (192, 320), back)
        assert sample.image.shape == (192, 320, 3)
        assert sample.image.dtype == np.uint8
        assert len(sample.quads) == len(sample.rows) == len(sample.exact) == len(scene.quads)
        middles = sample.quads.mean(axis=1)
        inside += int(((middles > 0) & (middles < [320, 192])).all(axis=1).any())
    assert inside >= 10


def test_lessons_without_real_pictures_are_all_drawn() -> None:
    street = StreetLessons(np.random.default_rng(9), None, None, plates=5)
    scenes = [street.scene() for _ in range(6)]
    assert all(scene.image.shape[2] == 3 for scene in scenes)
    assert any(len(scene.quads) for scene in scenes)


def test_a_course_cuts_every_lesson_to_one_shape_and_weighs_it() -> None:
    course = DetectorTeaching(3)
    lessons = course.lessons(TrainingPlan(out=Path(), minutes=1), 5)
    fresh = [next(lessons) for _ in range(2)]
    loss = course.loss(course.new_net(), course.batch(fresh))
    assert float(loss.detach()) > 0
    assert len(course.batch(fresh)) == len(course.batch(fresh[:1])) == 17


def test_an_exported_detector_answers_for_every_eight_by_eight_pixels(tmp_path: Path) -> None:
    target = tmp_path / "detector.onnx"
    net = DetectorNet().state_dict()
    torch.save({"average": net, "step": 3, "spent_s": 1.0}, tmp_path / "detector.pt")
    assert export_detector(tmp_path / "detector.pt", target, streets=3) == 3
    assert target.stat().st_size < 1_000_000
    session = open_session(target.read_bytes())
    heat, corners, rows = session.run(None, {"image": np.zeros((1, 64, 96, 3), np.uint8)})
    assert heat.shape == (1, 1, 8, 12)
    assert corners.shape == (1, 8, 8, 12)
    assert rows.shape == (1, 2, 8, 12)
    assert heat.max() < 0.5


def test_a_street_needs_a_plate_to_paste(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one plate picture"):
        draw_street(np.random.default_rng(1), StreetSources(plates=[]))
