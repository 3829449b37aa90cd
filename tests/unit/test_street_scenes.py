"""Streets drawn for teaching: their plates stand where they say, and nothing else is one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.synth.street import (
    PlatePicture,
    StreetScene,
    StreetSources,
    draw_street,
    without_plates,
)
from models.synth.street import draw_ground as ground
from models.train.detector import SceneStore
from models.train.detector_pictures import PlatePress
from models.train.detector_samples import take_sample

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


def test_a_store_without_real_pictures_draws_all_by_itself() -> None:
    store = SceneStore(np.random.default_rng(9), None, scenes=3, plates=6)
    store.renew()
    assert [s.image.shape for s in store.samples(2, (64, 96))] == [(64, 96, 3)] * 2


def test_a_street_needs_a_plate_to_paste(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one plate picture"):
        draw_street(np.random.default_rng(1), StreetSources(plates=[]))
